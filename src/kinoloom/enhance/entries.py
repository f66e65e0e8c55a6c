"""What enhance adds to the registry."""

from __future__ import annotations

from kinoloom.base.declarations import Entries, OpEntry

ENTRIES = Entries(
    ops={
        "bench.sr": OpEntry(
            "ops:bench_sr", "Measure upscalers on pictures with known ground truth."
        ),
        "train.enhance": OpEntry(
            "ops:train_enhance", "Train a network for super-resolution or denoising on photos."
        ),
    },
)
