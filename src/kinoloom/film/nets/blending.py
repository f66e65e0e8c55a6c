"""The blending of `film.synthesis.blending` in torch, differentiable in motions and weights."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def blend_candidates(
    first: Tensor,
    second: Tensor,
    motions: Tensor,
    weights: Tensor,
    residual: Tensor,
    time: float,
    margin: int = 0,
) -> Tensor:
    """Blend a patch of the frame at a time.

    Args:
        first, second: (3, H + 2 margin, W + 2 margin), the patch and its surroundings.
        motions: (candidates, 2, H, W), the whole motion from first to second, in pixels.
        weights: (candidates, 2, H, W), which sum to 1 over candidates and samples.
        residual: (1, 3, H, W), added to the result.
        time: in the open interval (0, 1).
        margin: width of the surroundings, in pixels.

    Returns:
        (3, H, W).
    """
    candidates, _, height, width = motions.shape
    here = pixel_grid(height, width).to(first) + margin
    motion = motions.permute(0, 2, 3, 1)
    before = sample(first.expand(candidates, -1, -1, -1), here - time * motion)
    after = sample(second.expand(candidates, -1, -1, -1), here + (1 - time) * motion)
    return (weights[:, :1] * before + weights[:, 1:] * after).sum(0) + residual[0]


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
