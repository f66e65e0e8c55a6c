"""What film adds to the registry."""

from __future__ import annotations

from kinoloom.base.declarations import Entries, OpEntry

ENTRIES = Entries(
    ops={
        "interpolate": OpEntry(
            "ops:interpolate", "Interpolate new frames between photos or the frames of a video."
        ),
        "bench.film": OpEntry(
            "ops:bench_film", "Measure all available engines on triplets with known middle frames."
        ),
        "train.film": OpEntry(
            "ops:train_film",
            "Train a network for frame interpolation on triplets, videos or photos.",
        ),
    },
    interpolators={
        "film": "engines.film:FILM",
        "deep": "engines.deep:DEEP",
        "best": "engines.deep:BEST",
        "fast": "engines.fast:FAST",
    },
    cards={
        "film": "cards:FILM",
        "flow": "cards:FLOW",
        "fusion": "cards:FUSION",
    },
    checks={"film": "checks:checks"},
    pages={"film": "studio:PAGE"},
)
