"""Periodic grids: derivatives by Fourier transform, smooth random fields, and a step in time.

Arrays are (..., *space); spectra are their real FFTs over the axes of space. Of products, modes
above two thirds of the highest are dropped (Orszag's rule), so that quadratic terms are free of
aliasing; the highest mode of an even number of cells, whose derivative is not defined, is among
them.

Sources: Canuto et al., "Spectral Methods in Fluid Dynamics" (1988; dealiasing); Cox and
Matthews, "Exponential time differencing for stiff systems" (2002; integrating factors).
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
_COURANT = 0.5


@dataclass(frozen=True)
class Grid:
    """A periodic square or cube.

    Attributes:
        cells: along each axis.
        length: of each side.
        dim: how many axes.
    """

    cells: int
    length: float
    dim: int

    @property
    def cell(self) -> float:
        """Length of a cell."""
        return self.length / self.cells

    @cached_property
    def places(self) -> Real:
        """(dim, *space): the coordinates of each cell."""
        axis = np.arange(self.cells) * self.cell
        return np.stack(np.meshgrid(*[axis] * self.dim, indexing="ij"))

    @cached_property
    def waves(self) -> Real:
        """(dim, *modes): the wave vector of each mode of the real FFT."""
        turns = 2 * math.pi / self.cell
        full, half = np.fft.fftfreq(self.cells) * turns, np.fft.rfftfreq(self.cells) * turns
        return np.stack(np.meshgrid(*[full] * (self.dim - 1), half, indexing="ij"))

    @cached_property
    def squared_wave_numbers(self) -> Real:
        """(*modes): the square of each wave vector."""
        return np.asarray((self.waves**2).sum(0))

    @cached_property
    def kept(self) -> NDArray[np.bool_]:
        """(*modes): which modes survive dealiasing: below two thirds of the highest."""
        highest = math.pi / self.cell
        return np.asarray((np.abs(self.waves) < highest * (2 / 3 - 1e-9)).all(0))

    def forward(self, x: Real) -> Spectrum:
        """The spectrum of (..., *space)."""
        return np.fft.rfftn(x, axes=tuple(range(-self.dim, 0)))

    def backward(self, spectrum: Spectrum) -> Real:
        """The field (..., *space) of a spectrum."""
        sizes = (self.cells,) * self.dim
        return np.fft.irfftn(spectrum, s=sizes, axes=tuple(range(-self.dim, 0)))

    def slope(self, spectrum: Spectrum) -> Real:
        """The gradient of one field: (dim, *space)."""
        return self.backward(1j * self.waves * spectrum)

    def random(self, rng: np.random.Generator, wavelength: float) -> Real:
        """A smooth random field (*space) of mean 0 and variance 1.

        Args:
            rng: where randomness comes from.
            wavelength: modes of half this wavelength have exp(-2) of the long ones' amplitude.
        """
        noise = self.forward(rng.standard_normal((self.cells,) * self.dim))
        reach = 2 * math.pi / wavelength
        shaped = noise * np.exp(-self.squared_wave_numbers / (2 * reach**2)) * self.kept
        shaped[(0,) * self.dim] = 0
        field = self.backward(shaped)
        return np.asarray(field / field.std())


def count_substeps(duration: float, speed: float, cell: float) -> int:
    """How many steps keep motion at `speed` below half a cell each.

    Raises:
        UsageError: more than 100,000 of them.
    """
    steps = duration * speed / (_COURANT * cell)
    if not steps <= _MAX_SUBSTEPS:
        raise UsageError(
            f"One moment would take {steps:.2g} steps of the solver, more than {_MAX_SUBSTEPS}: "
            f"what moves at {speed:.2g} crosses cells of {cell:.2g} too fast.",
            hint="Take a shorter --step, larger cells or weaker forces.",
        )
    return max(1, math.ceil(steps))


def advance(
    state: Spectrum,
    rates: Real,
    change: Callable[[Spectrum], Spectrum],
    step: float,
) -> Spectrum:
    """One Runge-Kutta step of fourth order; linear decay is exact.

    Args:
        state: the spectra, (n, *modes).
        rates: how fast each decays by itself, broadcast to (n, *modes), >= 0.
        change: all the rest of the time derivative.
        step: in time.
    """
    half, full = np.exp(-rates * step / 2), np.exp(-rates * step)
    a = change(state)
    b = change(half * (state + step / 2 * a))
    c = change(half * state + step / 2 * b)
    d = change(full * state + step * half * c)
    made: Spectrum = full * state + step / 6 * (full * a + 2 * half * (b + c) + d)
    return made
