"""Differences of pictures, pixel by pixel."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def exact(values: Tensor) -> Tensor:
    """The values in float32, or float64 if they are that: sums in less lose too much."""
    return values if values.dtype == torch.float64 else values.float()


def masked_mean(values: Tensor, mask: Tensor | None = None) -> Tensor:
    """The mean of (B, C, H, W) values where the mask is 1; 0 where it is 0 everywhere."""
    if mask is None:
        return exact(values).mean()
    values = exact(values)
    weights = mask.to(values.dtype).expand_as(values)
    return (values * weights).sum() / weights.sum().clamp_min(1e-6)


def l1(made: Tensor, truth: Tensor, mask: Tensor | None = None) -> Tensor:
    """The mean absolute difference."""
    return masked_mean((exact(made) - exact(truth)).abs(), mask)


def charbonnier(
    made: Tensor, truth: Tensor, mask: Tensor | None = None, epsilon: float = 1e-3
) -> Tensor:
    """The mean of sqrt(d² + epsilon²): L1, but smooth near 0.

    Source: Charbonnier et al., "Two deterministic half-quadratic regularization algorithms for
    computed imaging", ICIP 1994; epsilon as in Lai et al., LapSRN, CVPR 2017.
    """
    difference = exact(made) - exact(truth)
    return masked_mean((difference.square() + epsilon**2).sqrt(), mask)


def generalised_charbonnier(
    difference: Tensor, exponent: float = 0.45, epsilon: float = 1e-3, scale: float = 1.0
) -> Tensor:
    """((scale d)² + epsilon²)^exponent, element by element.

    Source: Sun et al., "A quantitative analysis of current practices in optical flow estimation
    and the principles behind them", IJCV 2014; the defaults are those of UnFlow (Meister et al.,
    AAAI 2018), which takes scale 255 for pictures in 0..1.
    """
    return ((scale * exact(difference)).square() + epsilon**2).pow(exponent)


def warped_l1(warped: Sequence[Tensor], truth: Tensor, mask: Tensor | None = None) -> Tensor:
    """The sum of L1 between each warped picture and the truth: teaches the flow alone.

    Source: `l1_warped` of google-research/frame-interpolation (no published run uses it).
    """
    return torch.stack([l1(picture, truth, mask) for picture in warped]).sum()
