"""The options of fields and of Clifford training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kinoloom.base.options import option


@dataclass(frozen=True)
class SmokeOptions:
    """What `fields make smoke` may be told."""

    trajectories: int = option(8, "how many trajectories", low=1, high=99_999)
    steps: int = option(16, "how many moments each has", low=1, high=100_000)
    step: float = option(0.5, "time from moment to moment", low=1e-6, high=1e6, unit="s")
    skip: int = option(4, "moments that pass before the first that is kept", low=0, high=100_000)
    cells: int = option(64, "cells along each side", low=8, high=4096)
    length: float = option(16.0, "length of each side", low=1e-6, high=1e6)
    viscosity: float = option(0.01, "how fast motion diffuses", low=0)
    diffusivity: float = option(0.01, "how fast smoke diffuses", low=0)
    buoyancy: float = option(0.25, "upward acceleration for each unit of smoke")
    seed: int = option(0, "which random beginnings", low=0)


@dataclass(frozen=True)
class ShallowWaterOptions:
    """What `fields make shallow-water` may be told."""

    trajectories: int = option(8, "how many trajectories", low=1, high=99_999)
    steps: int = option(16, "how many moments each has", low=1, high=100_000)
    step: float = option(0.25, "time from moment to moment", low=1e-6, high=1e6, unit="s")
    cells: int = option(64, "cells along each side", low=8, high=4096)
    length: float = option(16.0, "length of each side", low=1e-6, high=1e6)
    depth: float = option(1.0, "mean depth of the water", low=1e-6)
    gravity: float = option(1.0, "acceleration of gravity", low=0)
    coriolis: float = option(1.0, "twice the rate at which the plane turns")
    viscosity: float = option(0.005, "how fast motion diffuses", low=0)
    height: float = option(
        0.05, "deviation of the surface at first, as a part of the depth", low=0, high=0.2
    )
    seed: int = option(0, "which random beginnings", low=0)


@dataclass(frozen=True)
class MaxwellOptions:
    """What `fields make maxwell` may be told."""

    trajectories: int = option(8, "how many trajectories", low=1, high=99_999)
    steps: int = option(16, "how many moments each has", low=1, high=100_000)
    step: float = option(0.25, "time from moment to moment", low=1e-6, high=1e6, unit="s")
    cells: int = option(32, "cells along each side", low=8, high=512)
    length: float = option(8.0, "length of each side; light goes 1 in 1 s", low=1e-6, high=1e6)
    wavelength: float = option(4.0, "of the waves, about", low=1e-6, high=1e6)
    seed: int = option(0, "which random beginnings", low=0)


@dataclass(frozen=True)
class FromClipOptions:
    """What `fields from-clip` may be told."""

    cells: int = option(64, "cells along the longer side", low=8, high=4096)
    steps: int = option(16, "moments of each trajectory", low=1, high=100_000)


@dataclass(frozen=True)
class TrainOptions:
    """What `train clifford` may be told; what is not given is the preset's."""

    preset: str = option(
        "smoke-cresnet", "smoke, shallow-water, maxwell or video, and a network: smoke-cresnet"
    )
    out: Path | None = option(None, "the folder of the training; one that is there goes on")
    learned: Path | None = option(None, "fields to learn from, a .npz (made by the preset)")
    held_out: Path | None = option(None, "fields to test on, a .npz (made by the preset)")
    trajectories: int = option(32, "how many to make to learn from", low=1, high=99_999)
    tests: int = option(8, "how many to make to test on", low=1, high=99_999)
    horizon: int = option(10, "steps of the rollout that is scored and shown", low=1, high=100_000)
    steps: int | None = option(None, "how many updates of the weights (2000)", low=1)
    batch: int | None = option(None, "samples for each update (8)", low=1)
    learning_rate: float | None = option(None, "the highest rate of the schedule (0.002)", low=0)
    hours: float | None = option(None, "stop and save after this time", low=0, unit="h")
    device: Literal["auto", "cuda", "mps", "cpu"] = option("auto", "where to train")
    seed: int = option(0, "of trajectories, weights and samples", low=0, high=2**31)
