"""Soft census losses: compare each pixel's relation to its neighbours.

They are invariant to changes of brightness. Both publications share the transform: grey values
times 255; the difference d of each neighbour in a square patch from the centre, as d / sqrt(0.81 +
d²); and, as the distance of two such signatures, the sum over the patch of e² / (0.1 + e²). They
differ in the robust function. Source: Meister et al., "UnFlow", AAAI 2018, and Liu et al.,
"DDFlow", AAAI 2019, with the constants of their published code.
"""

from __future__ import annotations

import torch
import torch.nn.functional as fn
from torch import Tensor

from kinoloom.learn.losses.photometric import at_least_float32, generalised_charbonnier

_GREY = (0.2989, 0.5870, 0.1140)  # as TensorFlow's rgb_to_grayscale


def census_distance(prediction: Tensor, target: Tensor, radius: int = 3) -> Tensor:
    """Return the distance of the census signatures at each pixel with a complete patch.

    Args:
        prediction, target: (B, 3, H, W).
        radius: of the patch, which has 2 radius + 1 pixels per side.

    Returns:
        (B, 1, H - 2 radius, W - 2 radius), from 0 to the number of pixels in a patch.
    """
    error = _signature(prediction, radius) - _signature(target, radius)
    squared = error.square()
    distance = (squared / (0.1 + squared)).sum(1, keepdim=True)
    height, width = prediction.shape[-2] - 2 * radius, prediction.shape[-1] - 2 * radius
    return distance.view(-1, 1, height, width)


def census_ddflow(
    prediction: Tensor, target: Tensor, mask: Tensor | None = None, radius: int = 3
) -> Tensor:
    """Return DDFlow's loss: (distance + 0.01)^0.4, summed over the mask, over twice its sum."""
    robust = (census_distance(prediction, target, radius) + 0.01).pow(0.4)
    inner = _crop_mask(mask, robust, radius)
    return (robust * inner).sum() / (2 * inner.sum() + 1e-6)


def census_unflow(
    prediction: Tensor, target: Tensor, mask: Tensor | None = None, radius: int = 1
) -> Tensor:
    """Return UnFlow's loss: (distance² + 0.001²)^0.45, summed over the mask, over all pixels."""
    robust = generalised_charbonnier(census_distance(prediction, target, radius))
    pixels = prediction.shape[0] * prediction.shape[-2] * prediction.shape[-1]
    return (robust * _crop_mask(mask, robust, radius)).sum() / pixels


def _signature(image: Tensor, radius: int) -> Tensor:
    """Return the scaled differences of the neighbours of each inner pixel, (B, patch, pixels)."""
    image = at_least_float32(image)
    weights = torch.tensor(_GREY, dtype=image.dtype, device=image.device).view(1, 3, 1, 1)
    grey = (image * weights).sum(1, keepdim=True) * 255
    patches = fn.unfold(grey, 2 * radius + 1)
    centre = patches[:, patches.shape[1] // 2, None]
    difference = patches - centre
    return difference / (0.81 + difference.square()).sqrt()


def _crop_mask(mask: Tensor | None, like: Tensor, radius: int) -> Tensor:
    if mask is None:
        return torch.ones_like(like)
    return mask.to(like.dtype)[..., radius:-radius, radius:-radius]
