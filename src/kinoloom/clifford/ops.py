"""The ops of this subject, declared; the work is in the modules that they call."""

from __future__ import annotations

from kinoloom.base.clip import Clip
from kinoloom.base.files import Nothing
from kinoloom.base.op import op
from kinoloom.base.report import Report
from kinoloom.clifford.fields.noun import Fields
from kinoloom.clifford.options import (
    FromClipOptions,
    MaxwellOptions,
    ShallowWaterOptions,
    SmokeOptions,
    TrainOptions,
)


@op("fields.make.smoke")
def make_smoke(nothing: Nothing, options: SmokeOptions) -> Fields:
    """Make trajectories of rising smoke: a scalar and a velocity in the plane.

    The incompressible flow of a periodic square with buoyancy, from random smoke at rest, by a
    pseudo-spectral solver that is checked against exact solutions. The field has the grades 0
    and 1 of Cl(2, 0).
    """
    from kinoloom.clifford.fields.make import smoke_fields

    return smoke_fields(options)


@op("fields.make.shallow-water")
def make_shallow_water(nothing: Nothing, options: ShallowWaterOptions) -> Fields:
    """Make trajectories of shallow water on a turning plane: a height and a velocity.

    The shallow-water equations of a periodic square, from a random surface at rest, by a
    pseudo-spectral solver that is checked against exact solutions. The field has the grades 0
    and 1 of Cl(2, 0).
    """
    from kinoloom.clifford.fields.make import shallow_water_fields

    return shallow_water_fields(options)


@op("fields.make.maxwell")
def make_maxwell(nothing: Nothing, options: MaxwellOptions) -> Fields:
    """Make trajectories of light in empty space: an electric and a magnetic field.

    Maxwell's equations in a periodic cube, exact at every moment. The field has the grades 1
    (electric) and 2 (magnetic) of Cl(3, 0).
    """
    from kinoloom.clifford.fields.make import maxwell_fields

    return maxwell_fields(options)


@op("fields.from-clip")
def from_clip(clip: Clip, options: FromClipOptions) -> Fields:
    """Turn a video into a multivector field: brightness, motion and turning.

    At each cell the brightness (grade 0), the velocity of what is seen (grade 1, in cells a
    second) and its curl (grade 2) of Cl(2, 0). One after another, stretches of --steps moments
    are trajectories; what is left at the end is not used. Give one shot, without cuts.
    """
    from kinoloom.clifford.fields.from_clip import clip_fields

    return clip_fields(clip, options)


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
