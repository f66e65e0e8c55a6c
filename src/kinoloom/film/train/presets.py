"""Presets: what is trained, and how, unless told otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kinoloom.learn.data.augment import Augmentation
from kinoloom.learn.losses.perceptual import FILM_STYLE_WEIGHT, FILM_VGG_WEIGHT
from kinoloom.learn.schedules import Piecewise
from kinoloom.learn.settings import Settings


@dataclass(frozen=True)
class FramesPreset:
    """A network that makes a whole frame, trained on triplets.

    Attributes:
        settings: of the training.
        weights: of the terms of the loss, see `film_task`.
        crop_px: side of what it is trained on.
        made: share of scenes made of photos.
        augmentation: of real triplets.
    """

    settings: Settings
    weights: Mapping[str, float | Piecewise]
    crop_px: int = 256
    made: float = 0.0
    augmentation: Augmentation = field(default_factory=Augmentation)


@dataclass(frozen=True)
class RefinePreset:
    """The refining network, trained on prepared regions.

    Attributes:
        settings: of the training.
        samples, held_out: how many triplets are drawn to prepare regions of, and to choose by.
        held_part: of each run of a video, its end, from which the held-out ones are drawn.
        any_time: share of triplets whose middle frame may be at any time.
        longest_px: frames with a longer side are made smaller.
        least_px: videos with a shorter side are left out.
    """

    settings: Settings
    samples: int = 1600
    held_out: int = 80
    held_part: float = 0.1
    any_time: float = 0.4
    longest_px: int = 864
    least_px: int = 96


@dataclass(frozen=True)
class LitePreset:
    """LiteNet, trained on prepared crops.

    Attributes:
        settings: of the training.
        samples, held_out: how many samples are drawn to prepare crops of, and to choose by.
        made: share of scenes made of photos.
        any_time: share of triplets of videos whose middle frame may be at any time.
    """

    settings: Settings
    samples: int = 1200
    held_out: int = 60
    made: float = 0.4
    any_time: float = 0.3


_PAPER = Settings(
    steps=3_000_000,
    batch=8,
    optimiser="adam",
    learning_rate=1e-4,
    epsilon=1e-7,  # that of TensorFlow
    schedule="staircase",
    decay_steps=750_000,
    validate_s=1800.0,
    save_s=300.0,
)
"""Reda et al., "FILM", ECCV 2022, and training/config of its repository."""

Preset = FramesPreset | RefinePreset | LitePreset
PRESETS: dict[str, Preset] = {
    "refine": RefinePreset(
        Settings(
            steps=6000,
            batch=8,
            optimiser="adamw",
            learning_rate=2e-3,
            weight_decay=1e-4,
            clip=1.0,
            schedule="cosine",
            warmup_steps=100,
            final_rate=0.02,
            ema=0.998,
            loaders=1,
        )
    ),
    "lite": LitePreset(
        Settings(
            steps=100_000,
            batch=16,
            optimiser="adamw",
            learning_rate=1e-3,
            weight_decay=1e-4,
            clip=1.0,
            schedule="cosine",
            warmup_steps=200,
            final_rate=0.01,
            ema=0.999,
            precision="bf16",
            loaders=1,
        )
    ),
    "paper-l1": FramesPreset(_PAPER, {"l1": 1.0}),
    "paper-vgg": FramesPreset(_PAPER, {"l1": 1.0, "vgg": FILM_VGG_WEIGHT}),
    "paper-style": FramesPreset(
        _PAPER, {"l1": 1.0, "vgg": FILM_VGG_WEIGHT, "style": FILM_STYLE_WEIGHT}
    ),
}
