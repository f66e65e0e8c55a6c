"""The ops of this subject, declared; the work is in the modules that they call."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kinoloom.base.clip import Clip
from kinoloom.base.nouns import Nothing
from kinoloom.base.op import op
from kinoloom.base.options import option
from kinoloom.base.report import Report
from kinoloom.clifford.fields.noun import Fields


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


@op("fields.make.smoke")
def make_smoke(nothing: Nothing, options: SmokeOptions) -> Fields:
    """Make trajectories of rising smoke: a scalar and a velocity in the plane.

    The incompressible flow of a periodic square with buoyancy, from random smoke at rest, by a
    pseudo-spectral solver that is checked against exact solutions. The field has the grades 0
    and 1 of Cl(2, 0).
    """
    from kinoloom.clifford.fields.make import smoke_fields

    return smoke_fields(options)


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


@op("fields.make.shallow-water")
def make_shallow_water(nothing: Nothing, options: ShallowWaterOptions) -> Fields:
    """Make trajectories of shallow water on a turning plane: a height and a velocity.

    The shallow-water equations of a periodic square, from a random surface at rest, by a
    pseudo-spectral solver that is checked against exact solutions. The field has the grades 0
    and 1 of Cl(2, 0).
    """
    from kinoloom.clifford.fields.make import shallow_water_fields

    return shallow_water_fields(options)


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


@op("fields.make.maxwell")
def make_maxwell(nothing: Nothing, options: MaxwellOptions) -> Fields:
    """Make trajectories of light in empty space: an electric and a magnetic field.

    Maxwell's equations in a periodic cube, exact at every moment. The field has the grades 1
    (electric) and 2 (magnetic) of Cl(3, 0).
    """
    from kinoloom.clifford.fields.make import maxwell_fields

    return maxwell_fields(options)


@dataclass(frozen=True)
class FromClipOptions:
    """What `fields from-clip` may be told."""

    cells: int = option(64, "cells along the longer side", low=8, high=4096)
    steps: int = option(16, "moments of each trajectory", low=1, high=100_000)


@op("fields.from-clip")
def from_clip(clip: Clip, options: FromClipOptions) -> Fields:
    """Turn a video into a multivector field: brightness, motion and turning.

    At each cell the brightness (grade 0), the velocity of what is seen (grade 1, in cells a
    second) and its curl (grade 2) of Cl(2, 0). One after another, stretches of --steps moments
    are trajectories; what is left at the end is not used. Give one shot, without cuts.
    """
    from kinoloom.clifford.fields.from_clip import clip_fields

    return clip_fields(clip, options)


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


@op("train.clifford", extra="train")
def train_clifford(nothing: Nothing, options: TrainOptions) -> Report:
    """Train a network to step a field in time, and follow trajectories it has not seen.

    The network is a Clifford one or the plain one of its size: cresnet, rotresnet, resnet, cfno,
    fno, cunet or unet. The presets of `video` learn from what `fields from-clip` makes. The report
    tells the error of one step and of a rollout, beside that of no change, with spectra and what
    physics keeps; the folder holds the weights, the logs and a film of a rollout beside the truth.
    Called again with the same folder it goes on where it stopped.
    """
    from kinoloom.clifford.training.run import train_preset

    return train_preset(options)
