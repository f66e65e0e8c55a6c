"""Pixel-wise photometric losses."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def at_least_float32(values: Tensor) -> Tensor:
    """Return the values in float32, or float64 if they have it; sums in 16 bits lose precision."""
    return values if values.dtype == torch.float64 else values.float()


def masked_mean(values: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the mean of (B, C, H, W) values over the mask; 0 for an empty mask."""
    if mask is None:
        return at_least_float32(values).mean()
    values = at_least_float32(values)
    weights = mask.to(values.dtype).expand_as(values)
    return (values * weights).sum() / weights.sum().clamp_min(1e-6)


def l1(prediction: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the mean absolute difference over the mask."""
    return masked_mean((at_least_float32(prediction) - at_least_float32(target)).abs(), mask)


def charbonnier(
    prediction: Tensor, target: Tensor, mask: Tensor | None = None, epsilon: float = 1e-3
) -> Tensor:
    """Return the mean of sqrt(d² + epsilon²) over the mask: L1, but smooth near 0.

    Source: Charbonnier et al., "Two deterministic half-quadratic regularization algorithms for
    computed imaging", ICIP 1994; epsilon as in Lai et al., LapSRN, CVPR 2017.
    """
    difference = at_least_float32(prediction) - at_least_float32(target)
    return masked_mean((difference.square() + epsilon**2).sqrt(), mask)


def generalised_charbonnier(
    difference: Tensor, exponent: float = 0.45, epsilon: float = 1e-3, scale: float = 1.0
) -> Tensor:
    """Return ((scale d)² + epsilon²)^exponent, elementwise.

    Source: Sun et al., "A quantitative analysis of current practices in optical flow estimation
    and the principles behind them", IJCV 2014. The defaults are UnFlow's (Meister et al., AAAI
    2018), which uses scale 255 for images in 0..1.
    """
    return ((scale * at_least_float32(difference)).square() + epsilon**2).pow(exponent)


def warped_l1(warped: Sequence[Tensor], target: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the sum of the L1 losses of the warped images, which supervises the flow alone.

    Source: `l1_warped` of google-research/frame-interpolation (no published run uses it).
    """
    return torch.stack([l1(image, target, mask) for image in warped]).sum()
