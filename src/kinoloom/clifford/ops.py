"""Ops on multivector fields: simulation, conversion of videos, training."""

from __future__ import annotations

from kinoloom.base.clip import Clip
from kinoloom.base.files import Nothing
from kinoloom.base.op import op
from kinoloom.base.report import Report
from kinoloom.clifford.fields.dataset import Fields
from kinoloom.clifford.options import (
    FromClipOptions,
    MaxwellOptions,
    ShallowWaterOptions,
    SmokeOptions,
    TrainOptions,
)


@op("fields.make.smoke")
def make_smoke(nothing: Nothing, options: SmokeOptions) -> Fields:
    """Simulate rising smoke: a scalar and a velocity in the plane.

    Solves the incompressible Navier-Stokes equations with buoyancy on a periodic square, from
    random smoke at rest, with a pseudo-spectral method that is tested against exact solutions.
    The fields have grades 0 and 1 of Cl(2, 0).
    """
    from kinoloom.clifford.fields.generate import generate_smoke

    return generate_smoke(options)


@op("fields.make.shallow-water")
def make_shallow_water(nothing: Nothing, options: ShallowWaterOptions) -> Fields:
    """Simulate shallow water on a rotating plane: a height and a velocity.

    Solves the shallow-water equations on a periodic square, from a random surface at rest, with
    a pseudo-spectral method that is tested against exact solutions. The fields have grades 0
    and 1 of Cl(2, 0).
    """
    from kinoloom.clifford.fields.generate import generate_shallow_water

    return generate_shallow_water(options)


@op("fields.make.maxwell")
def make_maxwell(nothing: Nothing, options: MaxwellOptions) -> Fields:
    """Simulate electromagnetic waves in a vacuum: an electric and a magnetic field.

    Evaluates the exact solution of Maxwell's equations in a periodic cube at each time step. The
    fields have grades 1 (electric) and 2 (magnetic) of Cl(3, 0).
    """
    from kinoloom.clifford.fields.generate import generate_maxwell

    return generate_maxwell(options)


@op("fields.from-clip")
def from_clip(clip: Clip, options: FromClipOptions) -> Fields:
    """Convert a video to a multivector field: brightness, optical flow and its curl.

    Each cell holds the brightness (grade 0), the velocity (grade 1, in cells per second) and the
    curl of the velocity (grade 2) in Cl(2, 0). The video is divided into consecutive trajectories
    of --steps time steps; a shorter remainder is dropped. It must be a single shot without cuts.
    """
    from kinoloom.clifford.fields.from_clip import convert_clip

    return convert_clip(clip, options)


@op("train.clifford", extra="train")
def train_clifford(nothing: Nothing, options: TrainOptions) -> Report:
    """Train a network to predict the next time step of a field.

    The network is a Clifford network (cresnet, rotresnet, cfno, cunet) or a plain one with as many
    parameters (resnet, fno, unet). The `video` presets train on fields from `fields from-clip`.
    The report compares the one-step and rollout errors on held-out trajectories with those of
    persistence, and plots energy spectra and conserved quantities. The run directory contains the
    weights, the logs and a video of a rollout next to the ground truth. An existing run is resumed.
    """
    from kinoloom.clifford.training.run import train_preset

    return train_preset(options)
