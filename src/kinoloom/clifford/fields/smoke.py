"""Rising smoke: the incompressible Navier-Stokes equations with buoyancy, periodic, in the plane.

    du/dt + (u . grad) u = -grad p + nu lap u + b (s - mean s) e2,   div u = 0
    ds/dt + u . grad s = kappa lap s

Field: grades 0 and 1 of Cl(2, 0): the smoke s on blade 1, the velocity u on e1 and e2; e2 is up.
Method: pseudo-spectral in the vorticity w = d1 u2 - d2 u1, so div u = 0 to rounding; dealiased
products; fourth-order Runge-Kutta with exact diffusion.
Exact solutions: Taylor-Green vortices, which decay as exp(-2 nu k^2 t); columns s(x1), which
accelerate u2(x1) only.
Source: Brandstetter et al., ICLR 2023, arXiv:2209.04934 (the problem, there in a closed box with
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
    """The equations of rising smoke on a grid.

    Attributes:
        grid: grid with two axes.
        viscosity: kinematic viscosity nu.
        diffusivity: diffusivity kappa of the smoke.
        buoyancy: upward acceleration b per unit of smoke.
    """

    grid: Grid
    viscosity: float
    diffusivity: float
    buoyancy: float

    @cached_property
    def _decay_rates(self) -> Real:
        diffusivities = np.array([self.diffusivity, self.viscosity])
        return diffusivities[:, None, None] * self.grid.squared_wave_numbers

    def sample_initial_state(self, rng: np.random.Generator) -> Spectrum:
        """Sample random smoke at rest: spectra (2, *modes) of s and w."""
        smoke = self.grid.sample_field(rng, wavelength=self.grid.length / 2)
        return self.grid.fft(np.stack([smoke, 0 * smoke]))

    def to_spectra(self, field: Real) -> Spectrum:
        """Convert a field (3, *space) of s, u1, u2 to spectra (2, *modes) of s and w."""
        smoke, u1, u2 = self.grid.fft(field)
        k1, k2 = self.grid.wave_vectors
        return np.stack([smoke, 1j * (k1 * u2 - k2 * u1)])

    def to_field(self, state: Spectrum) -> Real:
        """Convert spectra (2, *modes) of s and w to the field (3, *space) of s, u1, u2."""
        return self.grid.ifft(np.stack([state[0], *self._compute_velocity(state[1])]))

    def advance(self, state: Spectrum, duration: float, substeps: int | None = None) -> Spectrum:
        """Return the state after `duration`, in `substeps` steps or as many as are stable."""
        if substeps is None:
            smoke, u1, u2 = self.to_field(state)
            lift = abs(self.buoyancy) * float(np.abs(smoke).max()) * duration
            speed = float(np.sqrt(u1**2 + u2**2).max()) + lift
            substeps = count_substeps(duration, speed, self.grid.cell)
        for _ in range(substeps):
            state = advance(state, self._decay_rates, self._tendency, duration / substeps)
        return state

    def _compute_velocity(self, vorticity: Spectrum) -> Spectrum:
        k1, k2 = self.grid.wave_vectors
        squared = np.where(self.grid.squared_wave_numbers == 0, 1.0, self.grid.squared_wave_numbers)
        stream = vorticity / squared  # w = -lap psi, u = (d2 psi, -d1 psi)
        return np.stack([1j * k2 * stream, -1j * k1 * stream])

    def _tendency(self, state: Spectrum) -> Spectrum:
        u = self.grid.ifft(self._compute_velocity(state[1]))
        advection = [-(u * self.grid.gradient(part)).sum(0) for part in state]
        tendency = self.grid.fft(np.stack(advection)) * self.grid.dealiasing_mask
        tendency[1] += self.buoyancy * 1j * self.grid.wave_vectors[0] * state[0]
        return tendency


def simulate_smoke(
    equation: Smoke, rng: np.random.Generator, steps: int, step_s: float, skip: int
) -> Trajectory:
    """Simulate a trajectory (steps, 3, *space) from random smoke at rest.

    Args:
        equation: equations to solve.
        rng: source of the initial conditions.
        steps: number of time steps.
        step_s: duration of a time step.
        skip: number of time steps to discard at the start.
    """
    state = equation.sample_initial_state(rng)
    fields: list[NDArray[np.float32]] = []
    for step in range(skip + steps):
        if step:
            state = equation.advance(state, step_s)
        if step >= skip:
            fields.append(equation.to_field(state).astype(np.float32))
    return np.stack(fields)
