"""Soft census losses: pictures compared by how each pixel stands to its neighbours.

They do not see changes of brightness. Both publications share the transform: grey values times
255, the difference d of each neighbour in a square patch from the centre as d / sqrt(0.81 + d²),
and the distance of two such signatures as the sum over the patch of e² / (0.1 + e²). They differ in
the robust function on top. Source: Meister et al., "UnFlow", AAAI 2018, and Liu et al., "DDFlow",
AAAI 2019, with the constants of their published code.
"""

from __future__ import annotations

import torch
import torch.nn.functional as fn
from torch import Tensor

from kinoloom.learn.losses.photometric import exact, generalised_charbonnier

_GREY = (0.2989, 0.5870, 0.1140)  # as TensorFlow's rgb_to_grayscale


def census_distance(made: Tensor, truth: Tensor, radius: int = 3) -> Tensor:
    """The distance of the signatures at each pixel that has its whole patch in the picture.

    Args:
        made, truth: (B, 3, H, W).
        radius: the patch has 2 radius + 1 pixels on a side.

    Returns:
        (B, 1, H - 2 radius, W - 2 radius), from 0 to the pixels of a patch.
    """
    error = _signature(made, radius) - _signature(truth, radius)
    squared = error.square()
    distance = (squared / (0.1 + squared)).sum(1, keepdim=True)
    height, width = made.shape[-2] - 2 * radius, made.shape[-1] - 2 * radius
    return distance.view(-1, 1, height, width)


def census_ddflow(
    made: Tensor, truth: Tensor, mask: Tensor | None = None, radius: int = 3
) -> Tensor:
    """DDFlow's: (distance + 0.01)^0.4, summed where the mask is 1, over twice the mask's sum."""
    robust = (census_distance(made, truth, radius) + 0.01).pow(0.4)
    inner = _inner(mask, robust, radius)
    return (robust * inner).sum() / (2 * inner.sum() + 1e-6)


def census_unflow(
    made: Tensor, truth: Tensor, mask: Tensor | None = None, radius: int = 1
) -> Tensor:
    """UnFlow's: (distance² + 0.001²)^0.45, summed where the mask is 1, over all pixels."""
    robust = generalised_charbonnier(census_distance(made, truth, radius))
    pixels = made.shape[0] * made.shape[-2] * made.shape[-1]
    return (robust * _inner(mask, robust, radius)).sum() / pixels


def _signature(image: Tensor, radius: int) -> Tensor:
    """(B, patch, pixels): the scaled differences of the neighbours of each inner pixel."""
    image = exact(image)
    weights = torch.tensor(_GREY, dtype=image.dtype, device=image.device).view(1, 3, 1, 1)
    grey = (image * weights).sum(1, keepdim=True) * 255
    patches = fn.unfold(grey, 2 * radius + 1)
    centre = patches[:, patches.shape[1] // 2, None]
    difference = patches - centre
    return difference / (0.81 + difference.square()).sqrt()


def _inner(mask: Tensor | None, like: Tensor, radius: int) -> Tensor:
    if mask is None:
        return torch.ones_like(like)
    return mask.to(like.dtype)[..., radius:-radius, radius:-radius]
