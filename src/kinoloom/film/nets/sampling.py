"""Bilinear sampling of images at positions between their pixels, differentiable."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def sample(field: Tensor, positions: Tensor) -> Tensor:
    """Sample fields bilinearly, edges repeated, as `motion.flow.sample` does.

    Args:
        field: (n, C, H, W).
        positions: (n, h, w, 2) as (x, y) in pixels of the field.

    Returns:
        (n, C, h, w).
    """
    x = (2 * positions[..., 0] + 1) / field.shape[3] - 1
    y = (2 * positions[..., 1] + 1) / field.shape[2] - 1
    grid = torch.stack([x, y], dim=-1)
    return functional.grid_sample(field, grid, padding_mode="border", align_corners=False)


def pixel_grid(height: int, width: int) -> Tensor:
    """Return the position (x, y) of each pixel, (height, width, 2) float32."""
    axes = (torch.arange(side, dtype=torch.float32) for side in (width, height))
    return torch.stack(torch.meshgrid(*axes, indexing="xy"), dim=2)
