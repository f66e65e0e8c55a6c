"""Operations of FILM on images, flows and their pyramids, (B, C, H, W)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as fn

Pyramid = list[Tensor]


def build_image_pyramid(image: Tensor, levels: int) -> Pyramid:
    """Return the image and its successive 2x2 averages, `levels` in total."""
    pyramid = [image]
    for _ in range(levels - 1):
        pyramid.append(fn.avg_pool2d(pyramid[-1], 2))
    return pyramid


def swap_pair(batch: Tensor) -> Tensor:
    """Exchange the halves of a batch, which belong to x0 and x1."""
    return torch.roll(batch, batch.shape[0] // 2, 0)


def upsample_flow(flow: Tensor) -> Tensor:
    """Return the same motion on a grid of twice the size: (B, 2, H, W) to (B, 2, 2H, 2W)."""
    return fn.interpolate(2 * flow, scale_factor=2, mode="bilinear", align_corners=False)


def warp(image: Tensor, flow: Tensor) -> Tensor:
    """Warp an image backwards: sample it bilinearly at the flow's targets, edges repeated.

    Args:
        image: (B, C, H, W).
        flow: (B, 2, H, W), x then y, in pixels.

    Returns:
        (B, C, H, W): at (x, y) the image at (x, y) + flow(x, y).
    """
    height, width = image.shape[-2:]
    x = torch.arange(width, device=flow.device, dtype=flow.dtype)
    y = torch.arange(height, device=flow.device, dtype=flow.dtype)[:, None]
    # grid_sample counts from -1 to 1 over the image's outer edges: pixel x is (2x + 1)/W - 1.
    grid = torch.stack(
        [(2 * (x + flow[:, 0]) + 1) / width - 1, (2 * (y + flow[:, 1]) + 1) / height - 1], -1
    )
    exact = image.to(grid.dtype)  # a grid in half precision cannot resolve single pixels
    return fn.grid_sample(exact, grid, "bilinear", "border", align_corners=False).to(image.dtype)
