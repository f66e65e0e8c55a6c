"""What physics asks of a trajectory: means, energies, divergence, and energy by wavelength.

Trajectories are (steps, J, *space), the blades those of some grades of an algebra, on a periodic
grid. Numbers are means over space.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinoloom.clifford.algebra import Algebra

Numbers = NDArray[np.float64]


def index_blades(signature: Sequence[int], grades: Sequence[int]) -> dict[int, list[int]]:
    """For each grade the places of its blades on a field's axis of blades."""
    algebra = Algebra.of(signature)
    held = algebra.blades_of_grades(grades)
    return {g: [k for k, b in enumerate(held) if algebra.grades[b] == g] for g in sorted(grades)}


def compute_diagnostics(
    trajectory: NDArray[Any], signature: Sequence[int], grades: Sequence[int], cell: float
) -> dict[str, Numbers]:
    """Quantities over time, each (steps,).

    "mean of the scalar" where there is one; "energy of grade g", half the mean square; and
    "divergence", the root mean square of that of the vector where there is one. Which of them an
    equation keeps: smoke the mean of its scalar and the divergence 0, shallow water the mean, light
    the sum of its energies and, of the electric field, the divergence 0.
    """
    space = tuple(range(2, trajectory.ndim))
    values = np.asarray(trajectory, np.float64)
    found: dict[str, Numbers] = {}
    for grade, places in index_blades(signature, grades).items():
        part = values[:, places]
        if grade == 0:
            found["mean of the scalar"] = part.mean(axis=(1, *space))
        found[f"energy of grade {grade}"] = (part**2).sum(1).reshape(len(part), -1).mean(1) / 2
        if grade == 1 and len(places) == len(space):
            slope = divergence(part, cell)
            found["divergence"] = np.sqrt((slope**2).reshape(len(part), -1).mean(1))
    return found


def divergence(vectors: Numbers, cell: float) -> Numbers:
    """The divergence of vector fields (steps, d, *space), exact for what the grid can hold."""
    axes = tuple(range(1, vectors.ndim - 1))
    total = np.zeros(vectors[:, 0].shape, np.complex128)
    for axis, component in zip(axes, np.moveaxis(vectors, 1, 0), strict=True):
        waves = 2j * np.pi * np.fft.fftfreq(component.shape[axis], cell)
        if component.shape[axis] % 2 == 0:
            waves[component.shape[axis] // 2] = 0  # its slope is not defined
        shape = [1] * component.ndim
        shape[axis] = -1
        total += np.fft.fftn(component, axes=axes) * waves.reshape(shape)
    return np.asarray(np.fft.ifftn(total, axes=axes).real)


def spectrum(fields: NDArray[Any], places: Sequence[int]) -> Numbers:
    """Energy by whole wave number, mean over fields: (1 + n // 2,), n the shortest side.

    Args:
        fields: (count, J, *space).
        places: the blades whose energies are added.

    Returns:
        Half the mean square of what has wave numbers from k - 1/2 to k + 1/2 along the box.
    """
    part = np.asarray(fields, np.float64)[:, list(places)]
    axes = tuple(range(2, part.ndim))
    sides = part.shape[2:]
    power = np.abs(np.fft.fftn(part, axes=axes)) ** 2 / np.prod(sides) ** 2 / 2
    waves = np.meshgrid(*[np.fft.fftfreq(n, 1 / n) for n in sides], indexing="ij")
    shell = np.rint(np.sqrt(np.sum(np.square(waves), axis=0))).astype(int)
    energy = np.bincount(shell.ravel(), power.mean(0).sum(0).ravel())
    return np.asarray(energy[: 1 + min(sides) // 2])
