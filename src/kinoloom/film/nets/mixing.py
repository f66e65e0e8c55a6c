"""The mix of samples of `film.synthesis.mix`, in torch, so that errors reach the guesses it is made
of."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def mix(
    first: Tensor,
    second: Tensor,
    motions: Tensor,
    weights: Tensor,
    light: Tensor,
    time: float,
    around: int = 0,
) -> Tensor:
    """A part of the picture of a moment.

    Args:
        first, second: (3, H + 2 around, W + 2 around), the part and what is around it.
        motions: (guesses, 2, H, W), the whole way from first to second, in pixels.
        weights: (guesses, 2, H, W), which sum to 1 over guesses and samples.
        light: (1, 3, H, W), what is added.
        time: in the open interval (0, 1).
        around: pixels.

    Returns:
        (3, H, W).
    """
    guesses, _, height, width = motions.shape
    here = pixel_grid(height, width).to(first) + around
    motion = motions.permute(0, 2, 3, 1)
    before = sample(first.expand(guesses, -1, -1, -1), here - time * motion)
    after = sample(second.expand(guesses, -1, -1, -1), here + (1 - time) * motion)
    return (weights[:, :1] * before + weights[:, 1:] * after).sum(0) + light[0]


def sample(field: Tensor, positions: Tensor) -> Tensor:
    """Values between the pixels of fields, bilinear, edges repeated, as `motion.flow.sample`.

    Args:
        field: (n, C, H, W).
        positions: (n, h, w, 2) as (x, y) in pixels of the field.

    Returns:
        (n, C, h, w).
    """
    x = (2 * positions[..., 0] + 1) / field.shape[3] - 1
    y = (2 * positions[..., 1] + 1) / field.shape[2] - 1
    places = torch.stack([x, y], dim=-1)
    return functional.grid_sample(field, places, padding_mode="border", align_corners=False)


def pixel_grid(height: int, width: int) -> Tensor:
    """The position (x, y) of each pixel, (height, width, 2) float32."""
    axes = (torch.arange(side, dtype=torch.float32) for side in (width, height))
    return torch.stack(torch.meshgrid(*axes, indexing="xy"), dim=2)
