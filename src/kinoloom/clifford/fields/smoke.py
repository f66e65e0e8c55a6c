"""Smoke that rises: the incompressible flow of the plane with buoyancy, periodic.

    du/dt + (u . grad) u = -grad p + nu lap u + b (s - mean s) e2,   div u = 0
    ds/dt + u . grad s = kappa lap s

Field: grades 0 and 1 of Cl(2, 0): the smoke s at blade 1, the velocity u at e1 and e2; e2 is up.
Method: pseudo-spectral in vorticity w = d1 u2 - d2 u1, so that div u = 0 to rounding; dealiased
products; Runge-Kutta of fourth order with exact diffusion.
Exact solutions to check against: Taylor-Green vortices, which decay as exp(-2 nu k^2 t); columns
s(x1), which lift u2(x1) and nothing else.
Source of the problem: Brandstetter et al., ICLR 2023, arXiv:2209.04934 (there in a closed box, by
another solver).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kinoloom.clifford.fields.dataset import Trajectory
from kinoloom.clifford.fields.periodic import Grid, Real, Spectrum, advance, count_substeps

SIGNATURE, GRADES = (1, 1), (0, 1)


@dataclass(frozen=True)
class Smoke:
    """The equation on a grid.

    Attributes:
        grid: two axes.
        viscosity: nu.
        diffusivity: kappa.
        buoyancy: b, upward acceleration for each unit of smoke.
    """

    grid: Grid
    viscosity: float
    diffusivity: float
    buoyancy: float

    @cached_property
    def _rates(self) -> Real:
        each = np.array([self.diffusivity, self.viscosity])
        return each[:, None, None] * self.grid.squared_wave_numbers

    def start(self, rng: np.random.Generator) -> Spectrum:
        """Random smoke at rest: spectra (2, *modes) of s and w."""
        smoke = self.grid.random(rng, wavelength=self.grid.length / 2)
        return self.grid.forward(np.stack([smoke, 0 * smoke]))

    def spectra(self, field: Real) -> Spectrum:
        """The state of a field (3, *space) of s, u1, u2."""
        smoke, u1, u2 = self.grid.forward(field)
        k1, k2 = self.grid.waves
        return np.stack([smoke, 1j * (k1 * u2 - k2 * u1)])

    def field(self, state: Spectrum) -> Real:
        """The field (3, *space) of s, u1, u2."""
        return self.grid.backward(np.stack([state[0], *self._velocity(state[1])]))

    def advance(self, state: Spectrum, duration: float, steps: int | None = None) -> Spectrum:
        """The state after `duration`, in as many equal steps as accuracy needs or as told."""
        if steps is None:
            smoke, u1, u2 = self.field(state)
            lift = abs(self.buoyancy) * float(np.abs(smoke).max()) * duration
            speed = float(np.sqrt(u1**2 + u2**2).max()) + lift
            steps = count_substeps(duration, speed, self.grid.cell)
        for _ in range(steps):
            state = advance(state, self._rates, self._change, duration / steps)
        return state

    def _velocity(self, vorticity: Spectrum) -> Spectrum:
        k1, k2 = self.grid.waves
        squared = np.where(self.grid.squared_wave_numbers == 0, 1.0, self.grid.squared_wave_numbers)
        stream = vorticity / squared  # w = -lap psi, u = (d2 psi, -d1 psi)
        return np.stack([1j * k2 * stream, -1j * k1 * stream])

    def _change(self, state: Spectrum) -> Spectrum:
        u = self.grid.backward(self._velocity(state[1]))
        carried = [-(u * self.grid.slope(one)).sum(0) for one in state]
        change = self.grid.forward(np.stack(carried)) * self.grid.kept
        change[1] += self.buoyancy * 1j * self.grid.waves[0] * state[0]
        return change


def simulate_smoke(
    equation: Smoke, rng: np.random.Generator, steps: int, step_s: float, skip: int
) -> Trajectory:
    """A random trajectory (steps, 3, *space).

    Args:
        equation: what it obeys.
        rng: where its beginning comes from.
        steps: how many moments are kept.
        step_s: time between them.
        skip: how many moments pass before the first that is kept.
    """
    state = equation.start(rng)
    kept: list[NDArray[np.float32]] = []
    for moment in range(skip + steps):
        if moment:
            state = equation.advance(state, step_s)
        if moment >= skip:
            kept.append(equation.field(state).astype(np.float32))
    return np.stack(kept)
