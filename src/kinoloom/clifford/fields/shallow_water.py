"""Shallow-water equations on a rotating plane, periodic.

    dh/dt + div((H + h) u) = 0
    du/dt + (u . grad) u + f (-u2, u1) = -g grad h + nu lap u

Field: grades 0 and 1 of Cl(2, 0): the height h above the mean depth H on blade 1, the velocity u on
e1 and e2.
Method: pseudo-spectral with dealiased products; fourth-order Runge-Kutta with exact diffusion. The
mean of h is conserved to rounding.
Exact solutions: gravity waves of small amplitude, of frequency sqrt(f^2 + g H k^2); ridges h(x1)
of any height in geostrophic balance, u2 = g h' / f, which are stationary.
Source: Vallis, "Atmospheric and Oceanic Fluid Dynamics" (2006) (the equations).
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
    """The shallow-water equations on a grid.

    Attributes:
        grid: grid with two axes.
        depth: mean depth H.
        gravity: gravitational acceleration g.
        coriolis: Coriolis parameter f.
        viscosity: kinematic viscosity nu.
    """

    grid: Grid
    depth: float
    gravity: float
    coriolis: float
    viscosity: float

    @cached_property
    def _decay_rates(self) -> Real:
        diffusivities = np.array([0.0, self.viscosity, self.viscosity])
        return diffusivities[:, None, None] * self.grid.squared_wave_numbers

    def sample_initial_state(self, rng: np.random.Generator, height: float) -> Spectrum:
        """Sample a random surface at rest: spectra (3, *modes) of h, u1, u2.

        Args:
            rng: source of randomness.
            height: standard deviation of h.
        """
        surface = height * self.grid.sample_field(rng, wavelength=self.grid.length / 2)
        return self.to_spectra(np.stack([surface, 0 * surface, 0 * surface]))

    def to_spectra(self, field: Real) -> Spectrum:
        """Convert a field (3, *space) of h, u1, u2 to spectra."""
        return self.grid.fft(field) * self.grid.dealiasing_mask

    def to_field(self, state: Spectrum) -> Real:
        """Convert spectra to the field (3, *space) of h, u1, u2."""
        return self.grid.ifft(state)

    def advance(self, state: Spectrum, duration: float, substeps: int | None = None) -> Spectrum:
        """Return the state after `duration`, in `substeps` steps or as many as are stable."""
        if substeps is None:
            height, u1, u2 = self.to_field(state)
            deepest = self.depth + float(np.abs(height).max())
            wave_speed = math.sqrt(self.gravity * deepest)
            speed = 2 * float(np.sqrt(u1**2 + u2**2).max()) + 2 * wave_speed
            substeps = count_substeps(duration, speed, self.grid.cell)
        for _ in range(substeps):
            state = advance(state, self._decay_rates, self._tendency, duration / substeps)
        return state

    def _tendency(self, state: Spectrum) -> Spectrum:
        height, u1, u2 = self.to_field(state)
        (u1_1, u1_2), (u2_1, u2_2) = self.grid.gradient(state[1]), self.grid.gradient(state[2])
        flux = self.grid.fft((self.depth + height) * np.stack([u1, u2]))
        forces = np.stack(
            [
                self.coriolis * u2 - u1 * u1_1 - u2 * u1_2,
                -self.coriolis * u1 - u1 * u2_1 - u2 * u2_2,
            ]
        )
        wave_vectors = self.grid.wave_vectors
        acceleration = self.grid.fft(forces) - 1j * self.gravity * wave_vectors * state[0]
        convergence = -1j * (wave_vectors * flux).sum(0)
        tendency: Spectrum = np.stack([convergence, *acceleration]) * self.grid.dealiasing_mask
        return tendency


def simulate_shallow_water(
    equation: ShallowWater,
    rng: np.random.Generator,
    steps: int,
    step_s: float,
    height: float,
) -> Trajectory:
    """Simulate a trajectory (steps, 3, *space) from a random surface at rest.

    Args:
        equation: equations to solve.
        rng: source of the initial conditions.
        steps: number of time steps.
        step_s: duration of a time step.
        height: standard deviation of the initial surface.
    """
    state = equation.sample_initial_state(rng, height)
    fields = [equation.to_field(state).astype(np.float32)]
    for _ in range(steps - 1):
        state = equation.advance(state, step_s)
        fields.append(equation.to_field(state).astype(np.float32))
    return np.stack(fields)
