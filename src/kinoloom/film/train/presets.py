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

Preset = FilmPreset
PRESETS: dict[str, Preset] = {
    "paper-l1": FilmPreset(_PAPER, {"l1": 1.0}),
    "paper-vgg": FilmPreset(_PAPER, {"l1": 1.0, "vgg": FILM_VGG_WEIGHT}),
    "paper-style": FilmPreset(
        _PAPER, {"l1": 1.0, "vgg": FILM_VGG_WEIGHT, "style": FILM_STYLE_WEIGHT}
    ),
}
