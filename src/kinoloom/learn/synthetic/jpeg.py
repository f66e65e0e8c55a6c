"""JPEG as arithmetic: what a picture looks like after it was stored, on any device.

Source: ITU-T T.81 (the transform, and the tables of its annex K) and T.871 (colours); the scaling
of the tables by quality is that of the Independent JPEG Group, as is the way in which colours,
stored at half the size each way, are brought back: bilinearly.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

_BLOCK = 8
# fmt: off
_LUMA = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)
_CHROMA = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,
) + (99,) * 32
# fmt: on
_TO_YCC = (
    (0.299, 0.587, 0.114),
    (-0.168735892, -0.331264108, 0.5),
    (0.5, -0.418687589, -0.081312411),
)
_TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136286, -0.714136286), (1.0, 1.772, 0.0))


def as_jpeg(images: Tensor, quality: Tensor) -> Tensor:
    """The pictures after JPEG.

    Args:
        images: (B, 3, H, W) float32 in 0..1, sides of any length.
        quality: (B,) from 1 to 100.

    Returns:
        As the images, in 0..1, on whole 255ths.
    """
    height, width = images.shape[2:]
    room = [-width % (2 * _BLOCK), -height % (2 * _BLOCK)]
    levels = torch.round(images.clamp(0, 1) * 255)
    levels = functional.pad(levels, (0, room[0], 0, room[1]), mode="replicate")
    ycc = torch.round(_mixed(levels, _TO_YCC))
    luma = _stored(ycc[:, :1] - 128, quality, _LUMA) + 128
    chroma = torch.round(functional.avg_pool2d(ycc[:, 1:], 2))
    chroma = _stored(chroma, quality, _CHROMA)
    chroma = functional.interpolate(chroma, scale_factor=2.0, mode="bilinear")
    rgb = _mixed(torch.cat([luma, chroma], dim=1), _TO_RGB)
    return torch.round(rgb.clamp(0, 255))[..., :height, :width] / 255


def _mixed(planes: Tensor, rows: tuple[tuple[float, ...], ...]) -> Tensor:
    kernel = torch.tensor(rows, device=planes.device, dtype=planes.dtype)
    return functional.conv2d(planes, kernel[:, :, None, None])


def _stored(planes: Tensor, quality: Tensor, table: tuple[int, ...]) -> Tensor:
    """The planes (B, C, H, W) after their blocks were transformed, rounded, and brought back."""
    batch, channels, height, width = planes.shape
    waves = _cosines(planes.device)
    blocks = planes.reshape(-1, height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK)
    blocks = blocks.transpose(2, 3)  # (B C, rows, columns, 8, 8)
    step = _steps(quality, table).view(batch, 1, 1, _BLOCK, _BLOCK)
    step = step.repeat_interleave(channels, 0)
    parts = torch.round(waves @ blocks @ waves.T / step) * step
    return (waves.T @ parts @ waves).transpose(2, 3).reshape(planes.shape)


def _steps(quality: Tensor, table: tuple[int, ...]) -> Tensor:
    """(B, 64): the table for each quality."""
    quality = torch.round(quality).clamp(1, 100)
    percent = torch.where(quality < 50, torch.floor(5000 / quality), 200 - 2 * quality)
    base = torch.tensor(table, device=quality.device, dtype=torch.float32)
    return torch.floor((base * percent[:, None] + 50) / 100).clamp(1, 255)


@lru_cache(maxsize=8)
def _cosines(device: torch.device) -> Tensor:
    """(8, 8): the orthonormal cosine transform of eight samples."""
    k = torch.arange(_BLOCK, dtype=torch.float64)
    waves = torch.cos(math.pi / _BLOCK * (k + 0.5) * k[:, None]) * math.sqrt(2 / _BLOCK)
    waves[0] /= math.sqrt(2)
    return waves.to(device=device, dtype=torch.float32)
