"""What enhance adds to the registry."""

from __future__ import annotations

from kinoloom.base.declarations import Entries, OpEntry

ENTRIES = Entries(
    ops={
        "train.enhance": OpEntry(
            "ops:train_enhance", "Train a network for super-resolution or denoising on photos."
        ),
    },
)
