"""Parameter counts, and the width at which a network has a given number of parameters."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from kinoloom.errors import UsageError


def count_parameters(net: nn.Module) -> int:
    """Return the number of trainable parameters of a network."""
    return sum(p.numel() for p in net.parameters() if p.requires_grad)


def match_width(build: Callable[[int], nn.Module], target: int) -> int:
    """Return the number of channels at which a network has closest to `target` parameters.

    Args:
        build: constructs the network from its number of channels; called on the meta device.
        target: number of parameters.

    Raises:
        UsageError: `target` is not positive.
    """
    if target < 1:
        raise UsageError(f"Invalid number of parameters {target}: expected at least 1.")

    def count(channels: int) -> int:
        with torch.device("meta"):
            return count_parameters(build(channels))

    above = 1
    while count(above) < target:
        above *= 2
    below = above // 2
    while above - below > 1:
        middle = (above + below) // 2
        below, above = (middle, above) if count(middle) < target else (below, middle)
    return min((c for c in (below, above) if c), key=lambda c: abs(count(c) - target))
