"""Simulated JPEG compression, as tensor arithmetic on any device.

Source: ITU-T T.81 (the transform, and the tables of its annex K) and T.871 (colours). The scaling
of the tables by quality is that of the Independent JPEG Group, as is the bilinear upsampling of the
chroma, which is stored at half the resolution (4:2:0).
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


def simulate_jpeg(images: Tensor, quality: Tensor) -> Tensor:
    """Return the images after JPEG compression.

    Args:
        images: (B, 3, H, W) float32 in 0..1, of any size.
        quality: (B,) from 1 to 100.

    Returns:
        Images of the same shape in 0..1, multiples of 1/255.
    """
    height, width = images.shape[2:]
    padding = [-width % (2 * _BLOCK), -height % (2 * _BLOCK)]
    levels = torch.round(images.clamp(0, 1) * 255)
    levels = functional.pad(levels, (0, padding[0], 0, padding[1]), mode="replicate")
    ycc = torch.round(_convert_colors(levels, _TO_YCC))
    luma = _quantise(ycc[:, :1] - 128, quality, _LUMA) + 128
    chroma = torch.round(functional.avg_pool2d(ycc[:, 1:], 2))
    chroma = _quantise(chroma, quality, _CHROMA)
    chroma = functional.interpolate(chroma, scale_factor=2.0, mode="bilinear")
    rgb = _convert_colors(torch.cat([luma, chroma], dim=1), _TO_RGB)
    return torch.round(rgb.clamp(0, 255))[..., :height, :width] / 255


def _convert_colors(planes: Tensor, rows: tuple[tuple[float, ...], ...]) -> Tensor:
    kernel = torch.tensor(rows, device=planes.device, dtype=planes.dtype)
    return functional.conv2d(planes, kernel[:, :, None, None])


def _quantise(planes: Tensor, quality: Tensor, table: tuple[int, ...]) -> Tensor:
    """Transform the 8x8 blocks of planes (B, C, H, W), quantise them, and transform them back."""
    batch, channels, height, width = planes.shape
    dct = _dct_matrix(planes.device)
    blocks = planes.reshape(-1, height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK)
    blocks = blocks.transpose(2, 3)  # (B C, rows, columns, 8, 8)
    steps = _quantisation_table(quality, table).view(batch, 1, 1, _BLOCK, _BLOCK)
    steps = steps.repeat_interleave(channels, 0)
    coefficients = torch.round(dct @ blocks @ dct.T / steps) * steps
    return (dct.T @ coefficients @ dct).transpose(2, 3).reshape(planes.shape)


def _quantisation_table(quality: Tensor, table: tuple[int, ...]) -> Tensor:
    """Return the quantisation table for each quality, (B, 64)."""
    quality = torch.round(quality).clamp(1, 100)
    percent = torch.where(quality < 50, torch.floor(5000 / quality), 200 - 2 * quality)
    base = torch.tensor(table, device=quality.device, dtype=torch.float32)
    return torch.floor((base * percent[:, None] + 50) / 100).clamp(1, 255)


@lru_cache(maxsize=8)
def _dct_matrix(device: torch.device) -> Tensor:
    """Return the orthonormal discrete cosine transform of eight samples, (8, 8)."""
    k = torch.arange(_BLOCK, dtype=torch.float64)
    dct = torch.cos(math.pi / _BLOCK * (k + 0.5) * k[:, None]) * math.sqrt(2 / _BLOCK)
    dct[0] /= math.sqrt(2)
    return dct.to(device=device, dtype=torch.float32)
