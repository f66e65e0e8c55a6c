"""Losses of optical flow."""

from __future__ import annotations

import torch
from torch import Tensor

from kinoloom.learn.losses.photometric import exact, generalised_charbonnier, masked_mean


def end_point_error(flow: Tensor, truth: Tensor, mask: Tensor | None = None) -> Tensor:
    """The mean distance in pixels between the ends of two flows, where the mask is 1.

    Source: Baker et al., "A database and evaluation methodology for optical flow", IJCV 2011.
    """
    difference = exact(flow) - exact(truth)
    return masked_mean(torch.linalg.vector_norm(difference, dim=1, keepdim=True), mask)


def smoothness(flow: Tensor, image: Tensor, order: int = 1, edge_weight: float = 150.0) -> Tensor:
    """How much the flow changes where the picture does not.

    In x and in y, the mean of exp(-edge_weight times the mean over the colours of |dI|) times
    sqrt((d^k V)² + 0.001²), and of both the mean. For k = 2 the edge is looked for over two
    pixels, as the second difference of the flow is taken.

    Source: Jonschkowski et al., "What matters in unsupervised optical flow", ECCV 2020, section 3.

    Args:
        flow: (B, 2, H, W).
        image: (B, 3, H, W), that the flow lies on.
        order: k, 1 or 2.
        edge_weight: the lambda of the source.
    """
    along = []
    for axis in (-1, -2):
        size = image.shape[axis] - order
        edges = image.narrow(axis, order, size) - image.narrow(axis, 0, size)
        weights = (-edge_weight * exact(edges).abs().mean(1, keepdim=True)).exp()
        change = generalised_charbonnier(exact(flow).diff(order, dim=axis), exponent=0.5)
        along.append((weights * change).mean())
    return torch.stack(along).mean()
