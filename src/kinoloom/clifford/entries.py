"""Registry entries of multivector fields and Clifford networks."""

from __future__ import annotations

from kinoloom.base.declarations import Entries, OpEntry

ENTRIES = Entries(
    ops={
        "fields.make.smoke": OpEntry(
            "ops:make_smoke", "Simulate rising smoke: a scalar and a velocity in the plane."
        ),
        "fields.make.shallow-water": OpEntry(
            "ops:make_shallow_water",
            "Simulate shallow water on a rotating plane: a height and a velocity.",
        ),
        "fields.make.maxwell": OpEntry(
            "ops:make_maxwell",
            "Simulate electromagnetic waves in a vacuum: an electric and a magnetic field.",
        ),
        "fields.from-clip": OpEntry(
            "ops:from_clip",
            "Convert a video to a multivector field: brightness, optical flow and its curl.",
        ),
        "train.clifford": OpEntry(
            "ops:train_clifford", "Train a network to predict the next time step of a field."
        ),
    },
    groups={
        "fields": "Simulate multivector fields or convert videos to them.",
        "fields.make": "Simulate fields with solvers tested against exact solutions.",
    },
    files={"Fields": "fields.files:FIELDS_FILES"},
)
