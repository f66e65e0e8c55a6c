"""Degradations by cameras and files: changes of exposure, sensor noise, and JPEG artefacts.

Frames 0 and 1 are degraded independently. The middle frame is the training target: its exposure is
between theirs, and it has neither noise nor artefacts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kinoloom.learn.synthetic.jpeg import simulate_jpeg

_MAX_STOPS = 0.5
_MAX_TINT_STOPS = 0.1
_MIN_NOISE, _MAX_NOISE = 0.5 / 255, 10 / 255
_MIN_QUALITY, _MAX_QUALITY = 40.0, 95.0


@dataclass(frozen=True)
class DegradationOptions:
    """The shares of scenes with a change of exposure, with noise, and with JPEG compression."""

    exposure: float = 0.3
    noise: float = 0.3
    jpeg: float = 0.3


@dataclass(frozen=True)
class Degradations:
    """The degradations of one scene.

    Attributes:
        gain: (3,) of the dark tones from frame 0 to frame 1, per channel.
        noise: standard deviation of the noise in mid grey, for values in 0..1; 0 for none.
        quality: of JPEG, 1 to 100; 0 for no compression.
        seed: of the noise, 32 bits.
    """

    gain: NDArray[np.float64]
    noise: float
    quality: float
    seed: int


def draw_degradations(rng: np.random.Generator, options: DegradationOptions) -> Degradations:
    """Draw the degradations of a scene."""
    stops = rng.uniform(-_MAX_STOPS, _MAX_STOPS) + rng.uniform(-_MAX_TINT_STOPS, _MAX_TINT_STOPS, 3)
    deviation = np.exp(rng.uniform(np.log(_MIN_NOISE), np.log(_MAX_NOISE)))
    quality = rng.uniform(_MIN_QUALITY, _MAX_QUALITY)
    has_exposure, has_noise, has_jpeg = rng.random(3) < [
        options.exposure,
        options.noise,
        options.jpeg,
    ]
    return Degradations(
        gain=np.exp2(stops * has_exposure),
        noise=float(deviation * has_noise),
        quality=float(quality * has_jpeg),
        seed=int(rng.integers(1 << 32)),
    )


def adjust_exposure(image: Tensor, gain: Tensor) -> Tensor:
    """Change the exposure of an image: x becomes g x / sqrt(1 + (g^2 - 1) x^2).

    Dark tones are multiplied by the gain; black and white are unchanged. Successive gains multiply.
    This is the exposure model of `motion.exposure`.

    Args:
        image: (..., 3, H, W) in 0..1.
        gain: (..., 3, 1, 1), positive.
    """
    return gain * image / torch.sqrt(1 + (gain * gain - 1) * image * image)


def add_noise(images: Tensor, deviation: Tensor, seed: Tensor) -> Tensor:
    """Add sensor noise, with half the variance in black and one and a half times in white.

    The noise depends on the seeds alone, on any device and in any batch.

    Args:
        images: (B, F, 3, H, W) in 0..1.
        deviation: (B,) standard deviation in mid grey.
        seed: (B,) int64, 32 bits.

    Returns:
        Images of the same shape, not clipped.
    """
    scale = deviation.view(-1, 1, 1, 1, 1) * torch.sqrt(0.5 + images)
    count = images[0].numel()
    normal = _draw_normals(seed, (count + 1) // 2)[:, :count]
    return images + scale * normal.reshape(images.shape)


def compress_jpeg(images: Tensor, quality: Tensor) -> Tensor:
    """Simulate JPEG compression.

    Args:
        images: (B, F, 3, H, W) in 0..1.
        quality: (B,) from 1 to 100.
    """
    batch, frames = images.shape[:2]
    flat = images.reshape(batch * frames, *images.shape[2:])
    return simulate_jpeg(flat, quality.repeat_interleave(frames)).reshape(images.shape)


def _draw_normals(seed: Tensor, pairs: int) -> Tensor:
    """Return (B, 2 * pairs) standard normal numbers, by the Box-Muller transform of hashes."""
    position = torch.arange(pairs, device=seed.device)
    bits = _hash(_hash(seed)[:, None] ^ position)
    radius = torch.sqrt(-2 * torch.log(((bits >> 16) + 0.5) / 65536.0))
    angle = (bits & 0xFFFF) * (2 * torch.pi / 65536.0)
    return torch.cat([radius * torch.cos(angle), radius * torch.sin(angle)], dim=1)


def _hash(bits: Tensor) -> Tensor:
    """Hash 32 bits, stored in int64 (Wellons' `lowbias32`)."""
    bits = bits ^ (bits >> 16)
    bits = bits * 0x7FEB352D & 0xFFFFFFFF
    bits = bits ^ (bits >> 15)
    bits = bits * 0x846CA68B & 0xFFFFFFFF
    return bits ^ (bits >> 16)
