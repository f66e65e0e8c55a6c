"""Options of the ops on multivector fields and of Clifford training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kinoloom.base.options import option


@dataclass(frozen=True)
class SmokeOptions:
    """Options of `fields make smoke`."""

    trajectories: int = option(8, "Number of trajectories", low=1, high=99_999)
    steps: int = option(16, "Time steps of each trajectory", low=1, high=100_000)
    step: float = option(0.5, "Duration of a time step", low=1e-6, high=1e6, unit="s")
    skip: int = option(
        4, "Time steps discarded at the start of each trajectory", low=0, high=100_000
    )
    cells: int = option(64, "Grid cells along each side", low=8, high=4096)
    length: float = option(16.0, "Length of each side of the domain", low=1e-6, high=1e6)
    viscosity: float = option(0.01, "Kinematic viscosity", low=0)
    diffusivity: float = option(0.01, "Diffusivity of the smoke", low=0)
    buoyancy: float = option(0.25, "Upward acceleration per unit of smoke")
    seed: int = option(0, "Seed of the random initial conditions", low=0)


@dataclass(frozen=True)
class ShallowWaterOptions:
    """Options of `fields make shallow-water`."""

    trajectories: int = option(8, "Number of trajectories", low=1, high=99_999)
    steps: int = option(16, "Time steps of each trajectory", low=1, high=100_000)
    step: float = option(0.25, "Duration of a time step", low=1e-6, high=1e6, unit="s")
    cells: int = option(64, "Grid cells along each side", low=8, high=4096)
    length: float = option(16.0, "Length of each side of the domain", low=1e-6, high=1e6)
    depth: float = option(1.0, "Mean depth of the water", low=1e-6)
    gravity: float = option(1.0, "Gravitational acceleration", low=0)
    coriolis: float = option(1.0, "Coriolis parameter: twice the angular velocity of the plane")
    viscosity: float = option(0.005, "Kinematic viscosity", low=0)
    height: float = option(
        0.05,
        "Standard deviation of the initial surface, as a fraction of the depth",
        low=0,
        high=0.2,
    )
    seed: int = option(0, "Seed of the random initial conditions", low=0)


@dataclass(frozen=True)
class MaxwellOptions:
    """Options of `fields make maxwell`."""

    trajectories: int = option(8, "Number of trajectories", low=1, high=99_999)
    steps: int = option(16, "Time steps of each trajectory", low=1, high=100_000)
    step: float = option(0.25, "Duration of a time step", low=1e-6, high=1e6, unit="s")
    cells: int = option(32, "Grid cells along each side", low=8, high=512)
    length: float = option(
        8.0, "Length of each side of the domain; the speed of light is 1", low=1e-6, high=1e6
    )
    wavelength: float = option(4.0, "Typical wavelength of the initial field", low=1e-6, high=1e6)
    seed: int = option(0, "Seed of the random initial conditions", low=0)


@dataclass(frozen=True)
class FromClipOptions:
    """Options of `fields from-clip`."""

    cells: int = option(64, "Grid cells along the longer side", low=8, high=4096)
    steps: int = option(16, "Time steps of each trajectory", low=1, high=100_000)


@dataclass(frozen=True)
class TrainOptions:
    """Options of `train clifford`; None selects the value of the preset."""

    preset: str = option(
        "smoke-cresnet",
        "Equation and architecture, such as smoke-cresnet; equations: smoke, shallow-water, "
        "maxwell, video",
    )
    out: Path | None = option(None, "Run directory; an existing run is resumed", metavar="DIR")
    train_data: Path | None = option(
        None,
        "Training fields, a .npz file; simulated by default",
        metavar="FILE",
        formerly="learned",
    )
    held_out: Path | None = option(
        None, "Held-out fields, a .npz file; simulated by default", metavar="FILE"
    )
    trajectories: int = option(32, "Number of simulated training trajectories", low=1, high=99_999)
    held_out_trajectories: int = option(
        8, "Number of simulated held-out trajectories", low=1, high=99_999, formerly="tests"
    )
    horizon: int = option(10, "Time steps of each rollout", low=1, high=100_000)
    steps: int | None = option(None, "Number of training steps; 2000 by default", low=1)
    batch: int | None = option(None, "Batch size; 8 by default", low=1)
    learning_rate: float | None = option(None, "Peak learning rate; 0.002 by default", low=0)
    hours: float | None = option(None, "Time limit, after which the run is saved", low=0, unit="h")
    device: Literal["auto", "cuda", "mps", "cpu"] = option("auto", "Device to train on")
    seed: int = option(0, "Seed of trajectories, weights and samples", low=0, high=2**31)
