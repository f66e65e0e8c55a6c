"""Periodic grids: spectral derivatives, smooth random fields and a Runge-Kutta step.

Conventions: arrays are (..., *space); spectra are their real FFTs over the axes of space.
Products keep the modes below two thirds of the Nyquist frequency (Orszag's rule), so quadratic
terms are free of aliasing. The Nyquist mode itself, whose derivative is undefined, is dropped too.

Sources: Canuto et al., "Spectral Methods in Fluid Dynamics" (1988) (dealiasing); Cox and
Matthews, "Exponential time differencing for stiff systems" (2002) (integrating factors).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kinoloom.errors import UsageError

Real = NDArray[np.float64]
Spectrum = NDArray[np.complex128]
_MAX_SUBSTEPS = 100_000
_MAX_COURANT = 0.5


@dataclass(frozen=True)
class Grid:
    """A periodic grid on an interval, square or cube.

    Attributes:
        cells: number of cells along each axis.
        length: length of each side.
        dim: number of axes.
    """

    cells: int
    length: float
    dim: int

    @property
    def cell(self) -> float:
        """Edge length of a cell."""
        return self.length / self.cells

    @cached_property
    def coordinates(self) -> Real:
        """Coordinates of each cell, (dim, *space)."""
        axis = np.arange(self.cells) * self.cell
        return np.stack(np.meshgrid(*[axis] * self.dim, indexing="ij"))

    @cached_property
    def wave_vectors(self) -> Real:
        """Wave vector of each mode of the real FFT, (dim, *modes)."""
        scale = 2 * math.pi / self.cell
        full, half = np.fft.fftfreq(self.cells) * scale, np.fft.rfftfreq(self.cells) * scale
        return np.stack(np.meshgrid(*[full] * (self.dim - 1), half, indexing="ij"))

    @cached_property
    def squared_wave_numbers(self) -> Real:
        """Squared length of each wave vector, (*modes)."""
        return np.asarray((self.wave_vectors**2).sum(0))

    @cached_property
    def dealiasing_mask(self) -> NDArray[np.bool_]:
        """Modes below two thirds of the Nyquist frequency, (*modes)."""
        nyquist = math.pi / self.cell
        return np.asarray((np.abs(self.wave_vectors) < nyquist * (2 / 3 - 1e-9)).all(0))

    def fft(self, x: Real) -> Spectrum:
        """Return the spectrum of fields (..., *space)."""
        return np.fft.rfftn(x, axes=tuple(range(-self.dim, 0)))

    def ifft(self, spectrum: Spectrum) -> Real:
        """Return the fields (..., *space) of a spectrum."""
        sizes = (self.cells,) * self.dim
        return np.fft.irfftn(spectrum, s=sizes, axes=tuple(range(-self.dim, 0)))

    def gradient(self, spectrum: Spectrum) -> Real:
        """Return the gradient (dim, *space) of a field given by its spectrum."""
        return self.ifft(1j * self.wave_vectors * spectrum)

    def sample_field(self, rng: np.random.Generator, wavelength: float) -> Real:
        """Sample a smooth random field (*space) of mean 0 and variance 1.

        Args:
            rng: source of randomness.
            wavelength: width of the Gaussian spectrum; modes of half this wavelength have exp(-2)
                of the amplitude of the longest modes.
        """
        noise = self.fft(rng.standard_normal((self.cells,) * self.dim))
        width = 2 * math.pi / wavelength
        envelope = np.exp(-self.squared_wave_numbers / (2 * width**2))
        filtered = noise * envelope * self.dealiasing_mask
        filtered[(0,) * self.dim] = 0
        field = self.ifft(filtered)
        return np.asarray(field / field.std())


def count_substeps(duration: float, speed: float, cell: float) -> int:
    """Return the number of substeps with a Courant number of at most 0.5.

    Args:
        duration: duration of a time step.
        speed: largest speed.
        cell: edge length of a cell.

    Raises:
        UsageError: more than 100,000 substeps are needed.
    """
    substeps = duration * speed / (_MAX_COURANT * cell)
    if not substeps <= _MAX_SUBSTEPS:
        raise UsageError(
            f"A time step needs {substeps:.2g} substeps at speed {speed:.2g} and cells of "
            f"{cell:.2g}: expected at most {_MAX_SUBSTEPS}.",
            hint="Use a shorter --step, larger cells or weaker forces.",
        )
    return max(1, math.ceil(substeps))


def advance(
    state: Spectrum,
    decay_rates: Real,
    tendency: Callable[[Spectrum], Spectrum],
    step: float,
) -> Spectrum:
    """Advance spectra by a fourth-order Runge-Kutta step with exact linear decay.

    Args:
        state: spectra, (n, *modes).
        decay_rates: linear decay rate of each mode, >= 0; broadcast to (n, *modes).
        tendency: computes the rest of the time derivative.
        step: duration.
    """
    half, full = np.exp(-decay_rates * step / 2), np.exp(-decay_rates * step)
    a = tendency(state)
    b = tendency(half * (state + step / 2 * a))
    c = tendency(half * state + step / 2 * b)
    d = tendency(full * state + step * half * c)
    result: Spectrum = full * state + step / 6 * (full * a + 2 * half * (b + c) + d)
    return result
