"""Maxwell's equations in a vacuum, periodic, solved exactly.

    dE/dt = curl B,   dB/dt = -curl E,   div E = div B = 0     (speed of light 1)
equivalent to (d/dt + grad) F = 0 for the field F = E + I B.

Field: grades 1 and 2 of Cl(3, 0): E on e1, e2, e3; the bivector I B on e12 (B3), e13 (-B2) and
e23 (B1).
Method: each Fourier mode, with wave number k and direction n, evolves independently:
    E(t) = cos(kt) E + i sin(kt) n x B,   B(t) = cos(kt) B - i sin(kt) n x E.
The solution has no discretisation error in time.
Source: Hestenes, "Space-Time Algebra" (1966) (the field F).
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
    """Maxwell's equations on a grid.

    Attributes:
        grid: grid with three axes.
    """

    grid: Grid

    @property
    def directions(self) -> Real:
        """Unit wave vector of each mode, (3, *modes); 0 for the mean."""
        length = np.sqrt(self.grid.squared_wave_numbers)
        return np.asarray(self.grid.wave_vectors / np.where(length == 0, 1.0, length))

    def sample_initial_state(self, rng: np.random.Generator, wavelength: float) -> Spectrum:
        """Sample divergence-free fields of variance 1: spectra (2, 3, *modes) of E and B."""
        samples = [[self.grid.sample_field(rng, wavelength) for _ in range(3)] for _ in range(2)]
        spectra = self.grid.fft(np.array(samples))
        n = self.directions
        solenoidal = spectra - n * (n * spectra).sum(1, keepdims=True)
        scale = self.grid.ifft(solenoidal).std()
        return np.asarray(solenoidal / scale)

    def propagate(self, state: Spectrum, time_s: float) -> Spectrum:
        """Return the spectra (2, 3, *modes) of E and B after a time, which may be negative."""
        phase = np.sqrt(self.grid.squared_wave_numbers) * time_s
        n, (electric, magnetic) = self.directions, state
        cos, sin = np.cos(phase), 1j * np.sin(phase)
        return np.stack(
            [
                cos * electric + sin * np.cross(n, magnetic, axis=0),
                cos * magnetic - sin * np.cross(n, electric, axis=0),
            ]
        )

    def to_field(self, state: Spectrum) -> Real:
        """Convert spectra to the field (6, *space): e1, e2, e3 of E, then e12, e13, e23 of I B."""
        electric, (b1, b2, b3) = self.grid.ifft(state)
        return np.stack([*electric, b3, -b2, b1])


def simulate_maxwell(
    equation: Maxwell, rng: np.random.Generator, steps: int, step_s: float, wavelength: float
) -> Trajectory:
    """Simulate a trajectory (steps, 6, *space) from random initial conditions.

    Args:
        equation: equations to solve.
        rng: source of the initial conditions.
        steps: number of time steps.
        step_s: duration of a time step.
        wavelength: typical wavelength of the initial field.
    """
    initial = equation.sample_initial_state(rng, wavelength)
    states: list[NDArray[np.float32]] = [
        equation.to_field(equation.propagate(initial, k * step_s)).astype(np.float32)
        for k in range(steps)
    ]
    return np.stack(states)
