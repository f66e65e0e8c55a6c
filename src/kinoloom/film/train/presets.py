"""Presets: a network with its data and training settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kinoloom.learn.data.augment import Augmentation
from kinoloom.learn.losses.perceptual import FILM_STYLE_WEIGHT, FILM_VGG_WEIGHT
from kinoloom.learn.schedules import Piecewise
from kinoloom.learn.settings import Settings
from kinoloom.learn.synthetic.degradations import DegradationOptions
from kinoloom.learn.synthetic.paths import MotionOptions
from kinoloom.learn.synthetic.scenes import SceneOptions


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


_CALM_SCENES = SceneOptions(
    layers=(1, 3),
    motion=MotionOptions(max_px=24.0, accelerated=0.1),
    shuffled=0.1,
    blurred=0.0,
    degrade=DegradationOptions(exposure=0.0, noise=0.2, jpeg=0.1),
)
"""Scenes on which a choice among motion sources matters: motion within their reach."""


@dataclass(frozen=True)
class FusionPreset:
    """The fusion network, trained on prepared regions.

    Attributes:
        settings: of the training loop.
        samples, held_out: samples drawn for training and for validation.
        synthetic_share: share of synthetic scenes.
        any_time: share of triplets of videos whose middle frame may be at any time.
        strides: minimum and maximum distance between the frames of a triplet of a video.
        scenes: distribution of synthetic scenes, apart from their size.
    """

    settings: Settings
    samples: int = 400
    held_out: int = 24
    synthetic_share: float = 0.5
    any_time: float = 0.3
    strides: tuple[int, int] = (1, 3)
    scenes: SceneOptions = _CALM_SCENES


_FUSION = Settings(
    steps=900,
    batch=8,
    optimiser="adamw",
    learning_rate=1e-3,
    weight_decay=1e-4,
    clip=1.0,
    schedule="cosine",
    warmup_steps=50,
    final_rate=0.02,
    ema=0.995,
    loaders=1,
)
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

Preset = FilmPreset | FusionPreset
PRESETS: dict[str, Preset] = {
    "fusion": FusionPreset(_FUSION),
    "paper-l1": FilmPreset(_PAPER, {"l1": 1.0}),
    "paper-vgg": FilmPreset(_PAPER, {"l1": 1.0, "vgg": FILM_VGG_WEIGHT}),
    "paper-style": FilmPreset(
        _PAPER, {"l1": 1.0, "vgg": FILM_VGG_WEIGHT, "style": FILM_STYLE_WEIGHT}
    ),
}
