"""Losses of optical flow."""

from __future__ import annotations

import torch
from torch import Tensor

from kinoloom.learn.losses.photometric import at_least_float32, generalised_charbonnier, masked_mean


def end_point_error(flow: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the mean end-point error in pixels over the mask.

    Source: Baker et al., "A database and evaluation methodology for optical flow", IJCV 2011.
    """
    difference = at_least_float32(flow) - at_least_float32(target)
    return masked_mean(torch.linalg.vector_norm(difference, dim=1, keepdim=True), mask)


def smoothness(flow: Tensor, image: Tensor, order: int = 1, edge_weight: float = 150.0) -> Tensor:
    """Return the edge-aware smoothness loss of a flow.

    The mean of exp(-edge_weight times the mean over the colours of |dI|) times sqrt((d^k V)² +
    0.001²), in x and in y, then the mean of both. For k = 2 the image gradient spans two pixels, as
    does the second difference of the flow.

    Source: Jonschkowski et al., "What matters in unsupervised optical flow", ECCV 2020, section 3.

    Args:
        flow: (B, 2, H, W).
        image: (B, 3, H, W), the frame from which the flow starts.
        order: k, 1 or 2.
        edge_weight: lambda in the source.
    """
    terms = []
    for axis in (-1, -2):
        size = image.shape[axis] - order
        edges = image.narrow(axis, order, size) - image.narrow(axis, 0, size)
        weights = (-edge_weight * at_least_float32(edges).abs().mean(1, keepdim=True)).exp()
        change = generalised_charbonnier(at_least_float32(flow).diff(order, dim=axis), exponent=0.5)
        terms.append((weights * change).mean())
    return torch.stack(terms).mean()
