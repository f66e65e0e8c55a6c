"""Presets: a network with its training settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kinoloom.learn.settings import Settings


@dataclass(frozen=True)
class UpscalePreset:
    """Super-resolution, trained on photos and their bicubic reductions.

    Attributes:
        settings: of the training loop.
        network: "luma" (`nets.luma`) or "compact" (`nets.compact`).
        channels, blocks: of the network.
        scale: the factor where none is given.
        low_px: side of the crops from reduced photos.
    """

    settings: Settings
    network: Literal["luma", "compact"]
    channels: int
    blocks: int
    scale: int = 2
    low_px: int = 32


@dataclass(frozen=True)
class DenoisePreset:
    """Denoising, trained on photos with Gaussian noise.

    Attributes:
        settings: of the training loop.
        channels, layers: of `nets.ffdnet`.
        crop_px: side of the crops.
        max_sigma: largest standard deviation of the noise, in levels of 255.
    """

    settings: Settings
    channels: int
    layers: int
    crop_px: int = 64
    max_sigma: float = 55.0


Preset = UpscalePreset | DenoisePreset


def _settings(steps: int) -> Settings:
    return Settings(
        steps=steps,
        batch=16,
        optimiser="adam",
        learning_rate=1e-3,
        schedule="cosine",
        final_rate=1e-3,
        ema=0.999,
        loaders=1,
        log_steps=500,
        validate_steps=1000,
        validate_s=None,
    )


PRESETS: dict[str, Preset] = {
    "live": UpscalePreset(_settings(50_000), "luma", 8, 4),
    "fast": UpscalePreset(_settings(50_000), "luma", 16, 4),
    "small": UpscalePreset(_settings(50_000), "compact", 24, 8),
    "denoise": DenoisePreset(_settings(50_000), 48, 8),
}
