"""What cameras and files do to frames: light that changes, noise, and the blocks of JPEG.

Frames 0 and 1 suffer all of it, each on its own. The frame between is what is to be found: its
light lies between theirs, and it has neither noise nor blocks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kinoloom.learn.synthetic.jpeg import as_jpeg

_MOST_STOPS = 0.5
_MOST_TINT = 0.1
_LEAST_NOISE, _MOST_NOISE = 0.5 / 255, 10 / 255
_LEAST_QUALITY, _MOST_QUALITY = 40.0, 95.0


@dataclass(frozen=True)
class DegradeOptions:
    """Shares of the scenes whose light changes, that are noisy, and that were compressed."""

    lit: float = 0.3
    noisy: float = 0.3
    compressed: float = 0.3


@dataclass(frozen=True)
class Degradations:
    """What the frames of one scene suffer.

    Attributes:
        gain: (3,) by which frame 1 is brighter than frame 0 in its dark tones, for each channel.
        noise: standard deviation of the noise in mid grey, 0 for none; values are in 0..1.
        quality: of JPEG, 1 to 100; 0 for no compression.
        seed: of the noise, 32 bits.
    """

    gain: NDArray[np.float64]
    noise: float
    quality: float
    seed: int


def draw_degradations(rng: np.random.Generator, options: DegradeOptions) -> Degradations:
    """Draw what a scene suffers."""
    stops = rng.uniform(-_MOST_STOPS, _MOST_STOPS) + rng.uniform(-_MOST_TINT, _MOST_TINT, 3)
    noise = np.exp(rng.uniform(np.log(_LEAST_NOISE), np.log(_MOST_NOISE)))
    quality = rng.uniform(_LEAST_QUALITY, _MOST_QUALITY)
    lit, noisy, compressed = rng.random(3) < [options.lit, options.noisy, options.compressed]
    return Degradations(
        gain=np.exp2(stops * lit),
        noise=float(noise * noisy),
        quality=float(quality * compressed),
        seed=int(rng.integers(1 << 32)),
    )


def relight(image: Tensor, gain: Tensor) -> Tensor:
    """The picture in another light: x becomes g x / sqrt(1 + (g^2 - 1) x^2).

    Dark tones are multiplied by the gain, black and white stay; a gain after another is their
    product. It is the model of light of `motion.exposure`.

    Args:
        image: (..., 3, H, W) in 0..1.
        gain: (..., 3, 1, 1), above 0.
    """
    return gain * image / torch.sqrt(1 + (gain * gain - 1) * image * image)


def add_noise(images: Tensor, deviation: Tensor, seed: Tensor) -> Tensor:
    """Add the noise of a sensor: of half the variance in black, and one and a half in white.

    It depends on the seeds alone, on any device and in any batch.

    Args:
        images: (B, F, 3, H, W) in 0..1.
        deviation: (B,) in mid grey.
        seed: (B,) int64, 32 bits.

    Returns:
        As the images, not clipped.
    """
    spread = deviation.view(-1, 1, 1, 1, 1) * torch.sqrt(0.5 + images)
    count = images[0].numel()
    normal = _normals(seed, (count + 1) // 2)[:, :count]
    return images + spread * normal.reshape(images.shape)


def compress(images: Tensor, quality: Tensor) -> Tensor:
    """What is left of the pictures after JPEG.

    Args:
        images: (B, F, 3, H, W) in 0..1.
        quality: (B,) from 1 to 100.
    """
    batch, frames = images.shape[:2]
    flat = images.reshape(batch * frames, *images.shape[2:])
    return as_jpeg(flat, quality.repeat_interleave(frames)).reshape(images.shape)


def _normals(seed: Tensor, pairs: int) -> Tensor:
    """(B, 2 * pairs) standard normal numbers, by Box and Muller's transform of hashed numbers."""
    place = torch.arange(pairs, device=seed.device)
    bits = _hash(_hash(seed)[:, None] ^ place)
    radius = torch.sqrt(-2 * torch.log(((bits >> 16) + 0.5) / 65536.0))
    angle = (bits & 0xFFFF) * (2 * torch.pi / 65536.0)
    return torch.cat([radius * torch.cos(angle), radius * torch.sin(angle)], dim=1)


def _hash(bits: Tensor) -> Tensor:
    """Mix 32 bits, held in int64 (Wellons' `lowbias32` hash)."""
    bits = bits ^ (bits >> 16)
    bits = bits * 0x7FEB352D & 0xFFFFFFFF
    bits = bits ^ (bits >> 15)
    bits = bits * 0x846CA68B & 0xFFFFFFFF
    return bits ^ (bits >> 16)
