"""Shallow water on a turning plane, periodic.

    dh/dt + div((H + h) u) = 0
    du/dt + (u . grad) u + f (-u2, u1) = -g grad h + nu lap u

Field: grades 0 and 1 of Cl(2, 0): the height h above the mean depth H at blade 1, the velocity u at
e1 and e2.
Method: pseudo-spectral, dealiased products, Runge-Kutta of fourth order with exact diffusion. The
mean of h is kept to rounding.
Exact solutions to check against: small waves of frequency sqrt(f^2 + g H k^2); balanced ridges
h(x1) with u2 = g h' / f, which stand still whatever their height.
Source of the equations: Vallis, "Atmospheric and Oceanic Fluid Dynamics" (2006).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kinoloom.clifford.fields.dataset import Trajectory
from kinoloom.clifford.fields.periodic import Grid, Real, Spectrum, advance, count_substeps

SIGNATURE, GRADES = (1, 1), (0, 1)


@dataclass(frozen=True)
class ShallowWater:
    """The equation on a grid.

    Attributes:
        grid: two axes.
        depth: H.
        gravity: g.
        coriolis: f.
        viscosity: nu.
    """

    grid: Grid
    depth: float
    gravity: float
    coriolis: float
    viscosity: float

    @cached_property
    def _rates(self) -> Real:
        each = np.array([0.0, self.viscosity, self.viscosity])
        return each[:, None, None] * self.grid.squared_wave_numbers

    def start(self, rng: np.random.Generator, height: float) -> Spectrum:
        """Random water at rest: spectra (3, *modes) of h, u1, u2; h has deviation `height`."""
        surface = height * self.grid.random(rng, wavelength=self.grid.length / 2)
        return self.spectra(np.stack([surface, 0 * surface, 0 * surface]))

    def spectra(self, field: Real) -> Spectrum:
        """The state of a field (3, *space) of h, u1, u2."""
        return self.grid.forward(field) * self.grid.kept

    def field(self, state: Spectrum) -> Real:
        """The field (3, *space) of h, u1, u2."""
        return self.grid.backward(state)

    def advance(self, state: Spectrum, duration: float, steps: int | None = None) -> Spectrum:
        """The state after `duration`, in as many equal steps as accuracy needs or as told."""
        if steps is None:
            height, u1, u2 = self.field(state)
            deepest = self.depth + float(np.abs(height).max())
            waves = math.sqrt(self.gravity * deepest)
            speed = 2 * float(np.sqrt(u1**2 + u2**2).max()) + 2 * waves
            steps = count_substeps(duration, speed, self.grid.cell)
        for _ in range(steps):
            state = advance(state, self._rates, self._change, duration / steps)
        return state

    def _change(self, state: Spectrum) -> Spectrum:
        height, u1, u2 = self.field(state)
        (u1_1, u1_2), (u2_1, u2_2) = self.grid.slope(state[1]), self.grid.slope(state[2])
        flux = self.grid.forward((self.depth + height) * np.stack([u1, u2]))
        forces = np.stack(
            [
                self.coriolis * u2 - u1 * u1_1 - u2 * u1_2,
                -self.coriolis * u1 - u1 * u2_1 - u2 * u2_2,
            ]
        )
        pushed = self.grid.forward(forces) - 1j * self.gravity * self.grid.waves * state[0]
        spread = -1j * (self.grid.waves * flux).sum(0)
        change: Spectrum = np.stack([spread, *pushed]) * self.grid.kept
        return change


def simulate_shallow_water(
    equation: ShallowWater,
    rng: np.random.Generator,
    steps: int,
    step_s: float,
    height: float,
) -> Trajectory:
    """A random trajectory (steps, 3, *space) from water at rest.

    Args:
        equation: what it obeys.
        rng: where its beginning comes from.
        steps: how many moments are kept.
        step_s: time between them.
        height: standard deviation of the surface at the beginning.
    """
    state = equation.start(rng, height)
    kept = [equation.field(state).astype(np.float32)]
    for _ in range(steps - 1):
        state = equation.advance(state, step_s)
        kept.append(equation.field(state).astype(np.float32))
    return np.stack(kept)
