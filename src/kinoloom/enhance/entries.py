"""What enhance adds to the registry."""

from __future__ import annotations

from kinoloom.base.declarations import Entries, OpEntry

ENTRIES = Entries(
    ops={
        "enhance": OpEntry(
            "ops:enhance", "Clean, sharpen and enlarge photos, folders of photos, or a video."
        ),
        "measure": OpEntry(
            "ops:measure",
            "Measure noise, compression, blur and light of photos or a video.",
        ),
        "degrade": OpEntry(
            "ops:degrade", "Make realistic low-quality photos and videos from good ones."
        ),
        "bench.sr": OpEntry(
            "ops:bench_sr", "Measure upscalers on pictures with known ground truth."
        ),
        "bench.denoise": OpEntry(
            "ops:bench_denoise", "Measure denoisers on pictures with added Gaussian noise."
        ),
        "bench.video": OpEntry(
            "ops:bench_video", "Measure video denoisers on clips with added Gaussian noise."
        ),
        "train.enhance": OpEntry(
            "ops:train_enhance", "Train a network for super-resolution or denoising on photos."
        ),
    },
    recognizers={"enhance": "nets.user_files:store_network"},
    cards={
        "animevideov3": "cards:ANIMEVIDEOV3",
        "live-x2": "cards:LIVE_X2",
        "fast-x2": "cards:FAST_X2",
        "denoise-small": "cards:DENOISE_SMALL",
        "span-x2": "cards:SPAN_X2",
        "span-x4": "cards:SPAN_X4",
        "x4plus": "cards:X4PLUS",
        "x4plus-anime": "cards:X4PLUS_ANIME",
    },
    pages={"enhance": "studio:PAGE"},
    presets={"enhance": "planning.presets:list_presets"},
)
