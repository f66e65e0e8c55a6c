"""Textures sampled at points of their layers.

Points are (n, T, H, W) in pixels from the centre of the texture. The T frames of a layer are
sampled as one tall image, so that its texture is not copied per frame.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from kinoloom.learn.synthetic.warps import Points


def sample_colors(texture: Tensor, points: Points, mode: Literal["bicubic", "bilinear"]) -> Tensor:
    """Sample the colours of layers, mirrored beyond the edges of their textures.

    Args:
        texture: (n, 3, S, S) uint8.
        points: in the layers.
        mode: bicubic preserves fine detail; bilinear takes a sixth of the time.

    Returns:
        (n, T, 3, H, W) float32 in 0..1.
    """
    # Bicubic interpolation overshoots.
    return _sample(texture, points, mode, "reflection").clamp_(0, 1)


def sample_coverage(texture: Tensor, points: Points) -> Tensor:
    """Sample the coverage of layers, bilinearly; it is 0 beyond the edges.

    Args:
        texture: (n, 4, S, S) uint8; the last channel is the coverage.
        points: in the layers.

    Returns:
        (n, T, H, W) float32 in 0..1.
    """
    return _sample(texture[:, 3:], points, "bilinear", "zeros")[:, :, 0]


def _sample(texture: Tensor, points: Points, mode: str, padding_mode: str) -> Tensor:
    n, frames, height, width = points[0].shape
    grid = torch.stack(points, dim=4).view(n, frames * height, width, 2) * (2 / texture.shape[3])
    values = functional.grid_sample(
        texture.float() * (1 / 255), grid, mode=mode, padding_mode=padding_mode, align_corners=False
    )
    return values.view(n, -1, frames, height, width).transpose(1, 2)
