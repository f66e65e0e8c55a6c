"""Textures sampled at points of their layers.

Points are (n, T, H, W) in pixels from the centre of the texture. The T frames of a layer are
sampled as one tall picture, so that its texture is not copied for each.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from kinoloom.learn.synthetic.warps import Points


def colours(texture: Tensor, points: Points, mode: Literal["bicubic", "bilinear"]) -> Tensor:
    """The colours of layers, mirrored beyond the edges of their textures.

    Args:
        texture: (n, 3, S, S) uint8.
        points: where.
        mode: bicubic keeps fine detail as sharp as it is, bilinear takes a sixth of the time.

    Returns:
        (n, T, 3, H, W) float32 in 0..1.
    """
    # Cubic interpolation may swing over.
    return _sampled(texture, points, mode, "reflection").clamp_(0, 1)


def cover(texture: Tensor, points: Points) -> Tensor:
    """How far layers cover points, bilinear, not at all beyond the edges.

    Args:
        texture: (n, 4, S, S) uint8, the cover last.
        points: where.

    Returns:
        (n, T, H, W) float32 in 0..1.
    """
    return _sampled(texture[:, 3:], points, "bilinear", "zeros")[:, :, 0]


def _sampled(texture: Tensor, points: Points, mode: str, beyond: str) -> Tensor:
    n, frames, height, width = points[0].shape
    grid = torch.stack(points, dim=4).view(n, frames * height, width, 2) * (2 / texture.shape[3])
    values = functional.grid_sample(
        texture.float() * (1 / 255), grid, mode=mode, padding_mode=beyond, align_corners=False
    )
    return values.view(n, -1, frames, height, width).transpose(1, 2)
