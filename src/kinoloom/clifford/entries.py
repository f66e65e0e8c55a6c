"""What clifford adds to the registry."""

from __future__ import annotations

from kinoloom.base.declarations import Entries, OpEntry

ENTRIES = Entries(
    ops={
        "fields.make.smoke": OpEntry(
            "ops:make_smoke",
            "Make trajectories of rising smoke: a scalar and a velocity in the plane.",
        ),
        "fields.make.shallow-water": OpEntry(
            "ops:make_shallow_water",
            "Make trajectories of shallow water on a turning plane: a height and a velocity.",
        ),
        "fields.make.maxwell": OpEntry(
            "ops:make_maxwell",
            "Make trajectories of light in empty space: an electric and a magnetic field.",
        ),
        "fields.from-clip": OpEntry(
            "ops:from_clip",
            "Turn a video into a multivector field: brightness, motion and turning.",
        ),
        "train.clifford": OpEntry(
            "ops:train_clifford",
            "Train a network to step a field in time, and follow trajectories it has not seen.",
        ),
    },
    groups={
        "fields": "Make multivector fields from solvers or videos.",
        "fields.make": "Simulate fields with solvers that are checked against exact solutions.",
    },
    files={"Fields": "fields.files:FIELDS_FILES"},
)
