"""Physical diagnostics of trajectories: mean, energies, divergence and energy spectrum.

Inputs: trajectories (steps, J, *space) with the J blades of some grades, on a periodic grid.
Outputs: means over space.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinoloom.clifford.algebra import Algebra

Numbers = NDArray[np.float64]


def index_blades(signature: Sequence[int], grades: Sequence[int]) -> dict[int, list[int]]:
    """Return the indices of the blades of each grade on the blade axis of a field."""
    algebra = Algebra.of(signature)
    blades = algebra.blades_of_grades(grades)
    return {g: [k for k, b in enumerate(blades) if algebra.grades[b] == g] for g in sorted(grades)}


def compute_diagnostics(
    trajectory: NDArray[Any], signature: Sequence[int], grades: Sequence[int], cell: float
) -> dict[str, Numbers]:
    """Return physical quantities over time.

    Smoke conserves the mean of the scalar and has no divergence; shallow water conserves the mean;
    electromagnetic waves conserve the sum of both energies, and the electric field has no
    divergence.

    Args:
        trajectory: (steps, J, *space).
        signature, grades: of the field.
        cell: edge length of a grid cell.

    Returns:
        Arrays (steps,): "mean of the scalar" for grade 0; "energy of grade g", half the mean
        square; "divergence", its root mean square, for a vector.
    """
    space = tuple(range(2, trajectory.ndim))
    values = np.asarray(trajectory, np.float64)
    quantities: dict[str, Numbers] = {}
    for grade, blades in index_blades(signature, grades).items():
        part = values[:, blades]
        if grade == 0:
            quantities["mean of the scalar"] = part.mean(axis=(1, *space))
        energy = (part**2).sum(1).reshape(len(part), -1).mean(1) / 2
        quantities[f"energy of grade {grade}"] = energy
        if grade == 1 and len(blades) == len(space):
            square = divergence(part, cell) ** 2
            quantities["divergence"] = np.sqrt(square.reshape(len(part), -1).mean(1))
    return quantities


def divergence(vectors: Numbers, cell: float) -> Numbers:
    """Return the spectral divergence (steps, *space) of vector fields (steps, d, *space)."""
    axes = tuple(range(1, vectors.ndim - 1))
    total = np.zeros(vectors[:, 0].shape, np.complex128)
    for axis, component in zip(axes, np.moveaxis(vectors, 1, 0), strict=True):
        waves = 2j * np.pi * np.fft.fftfreq(component.shape[axis], cell)
        if component.shape[axis] % 2 == 0:
            waves[component.shape[axis] // 2] = 0  # the derivative of the Nyquist mode is undefined
        shape = [1] * component.ndim
        shape[axis] = -1
        total += np.fft.fftn(component, axes=axes) * waves.reshape(shape)
    return np.asarray(np.fft.ifftn(total, axes=axes).real)


def energy_spectrum(fields: NDArray[Any], blades: Sequence[int]) -> Numbers:
    """Return the energy spectrum, averaged over fields.

    Args:
        fields: (count, J, *space).
        blades: indices of the blades whose energies are added.

    Returns:
        (1 + n // 2,), with n the shortest side: entry k is half the mean square of the modes whose
        wave number, in cycles per side, is between k - 1/2 and k + 1/2.
    """
    part = np.asarray(fields, np.float64)[:, list(blades)]
    axes = tuple(range(2, part.ndim))
    sides = part.shape[2:]
    power = np.abs(np.fft.fftn(part, axes=axes)) ** 2 / np.prod(sides) ** 2 / 2
    wave_vectors = np.meshgrid(*[np.fft.fftfreq(n, 1 / n) for n in sides], indexing="ij")
    shell = np.rint(np.sqrt(np.sum(np.square(wave_vectors), axis=0))).astype(int)
    energy = np.bincount(shell.ravel(), power.mean(0).sum(0).ravel())
    return np.asarray(energy[: 1 + min(sides) // 2])
