"""Electromagnetic fields in empty space, periodic, exact at every moment.

    dE/dt = curl B,   dB/dt = -curl E,   div E = div B = 0     (speed of light 1)
that is, (d/dt + grad) F = 0 for the one field F = E + I B.

Field: grades 1 and 2 of Cl(3, 0): E at e1, e2, e3; the bivector I B at e12 (B3), e13 (-B2) and
e23 (B1).
Method: each mode turns by itself, with k the length of its wave vector and n its direction:
    E(t) = cos(kt) E + i sin(kt) n x B,   B(t) = cos(kt) B - i sin(kt) n x E.
So there is no error of time steps: these trajectories are a truth without a solver's mark.
Source of the field of both: Hestenes, "Space-Time Algebra" (1966).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinoloom.clifford.fields.dataset import Trajectory
from kinoloom.clifford.fields.periodic import Grid, Real, Spectrum

SIGNATURE, GRADES = (1, 1, 1), (1, 2)


@dataclass(frozen=True)
class Maxwell:
    """The equations on a grid.

    Attributes:
        grid: three axes.
    """

    grid: Grid

    @property
    def directions(self) -> Real:
        """(3, *modes): the unit wave vector of each mode, 0 for the mean."""
        length = np.sqrt(self.grid.squared_wave_numbers)
        return np.asarray(self.grid.waves / np.where(length == 0, 1.0, length))

    def start(self, rng: np.random.Generator, wavelength: float) -> Spectrum:
        """Random fields without sources: spectra (2, 3, *modes) of E and B, of variance 1."""
        drawn = [[self.grid.random(rng, wavelength) for _ in range(3)] for _ in range(2)]
        spectra = self.grid.forward(np.array(drawn))
        n = self.directions
        free = spectra - n * (n * spectra).sum(1, keepdims=True)
        scale = self.grid.backward(free).std()
        return np.asarray(free / scale)

    def later(self, start: Spectrum, time_s: float) -> Spectrum:
        """The spectra (2, 3, *modes) of E and B at any time after (or before) the start."""
        turn = np.sqrt(self.grid.squared_wave_numbers) * time_s
        n, (electric, magnetic) = self.directions, start
        cos, sin = np.cos(turn), 1j * np.sin(turn)
        return np.stack(
            [
                cos * electric + sin * np.cross(n, magnetic, axis=0),
                cos * magnetic - sin * np.cross(n, electric, axis=0),
            ]
        )

    def field(self, state: Spectrum) -> Real:
        """The field (6, *space): e1, e2, e3 of E, then e12, e13, e23 of I B."""
        electric, (b1, b2, b3) = self.grid.backward(state)
        return np.stack([*electric, b3, -b2, b1])


def simulate_maxwell(
    equation: Maxwell, rng: np.random.Generator, steps: int, step_s: float, wavelength: float
) -> Trajectory:
    """A random trajectory (steps, 6, *space).

    Args:
        equation: what it obeys.
        rng: where its beginning comes from.
        steps: how many moments are kept.
        step_s: time between them.
        wavelength: of the waves it is made of, about.
    """
    start = equation.start(rng, wavelength)
    moments: list[NDArray[np.float32]] = [
        equation.field(equation.later(start, k * step_s)).astype(np.float32) for k in range(steps)
    ]
    return np.stack(moments)
