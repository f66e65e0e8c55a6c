"""Presets: a network with its data and training settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kinoloom.learn.data.augment import Augmentation
from kinoloom.learn.losses.perceptual import FILM_STYLE_WEIGHT, FILM_VGG_WEIGHT
from kinoloom.learn.schedules import Piecewise
from kinoloom.learn.settings import Settings


@dataclass(frozen=True)
class FilmPreset:
    """FILM, trained on triplets.

    Attributes:
        settings: of the training loop.
        weights: of the loss terms, see `tasks.film`.
        crop_px: side of the training crops.
        synthetic_share: share of synthetic scenes.
        augmentation: of real triplets.
    """

    settings: Settings
    weights: Mapping[str, float | Piecewise]
    crop_px: int = 256
    synthetic_share: float = 0.0
    augmentation: Augmentation = field(default_factory=Augmentation)


@dataclass(frozen=True)
class RefinePreset:
    """The refinement network, trained on prepared regions.

    Attributes:
        settings: of the training loop.
        samples, held_out: triplets drawn for training and for validation.
        held_out_fraction: part of each run of a video, at its end, that is held out.
        any_time: share of triplets whose middle frame may be at any time.
        longest_px: frames with a longer side are reduced to it.
        min_px: videos with a shorter side are skipped.
    """

    settings: Settings
    samples: int = 1600
    held_out: int = 80
    held_out_fraction: float = 0.1
    any_time: float = 0.4
    longest_px: int = 864
    min_px: int = 96


@dataclass(frozen=True)
class LitePreset:
    """LiteNet, trained on prepared crops.

    Attributes:
        settings: of the training loop.
        samples, held_out: samples drawn for training and for validation.
        synthetic_share: share of synthetic scenes.
        any_time: share of triplets of videos whose middle frame may be at any time.
    """

    settings: Settings
    samples: int = 1200
    held_out: int = 60
    synthetic_share: float = 0.4
    any_time: float = 0.3


_PAPER = Settings(
    steps=3_000_000,
    batch=8,
    optimiser="adam",
    learning_rate=1e-4,
    epsilon=1e-7,  # TensorFlow's default
    schedule="staircase",
    decay_steps=750_000,
    validate_s=1800.0,
    save_s=300.0,
)
"""Reda et al., "FILM", ECCV 2022, and training/config of its repository."""

Preset = FilmPreset | RefinePreset | LitePreset
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
    "paper-l1": FilmPreset(_PAPER, {"l1": 1.0}),
    "paper-vgg": FilmPreset(_PAPER, {"l1": 1.0, "vgg": FILM_VGG_WEIGHT}),
    "paper-style": FilmPreset(
        _PAPER, {"l1": 1.0, "vgg": FILM_VGG_WEIGHT, "style": FILM_STYLE_WEIGHT}
    ),
}
