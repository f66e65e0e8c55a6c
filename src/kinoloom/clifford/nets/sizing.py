"""Networks of equal size: the width at which one has as many parameters as another."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from kinoloom.errors import UsageError


def count_parameters(net: nn.Module) -> int:
    """How many real numbers a network learns."""
    return sum(p.numel() for p in net.parameters() if p.requires_grad)


def match_width(make: Callable[[int], nn.Module], target: int) -> int:
    """The number of channels at which a network's parameters are nearest to a number.

    Args:
        make: builds the network of that many channels; called without memory for its weights.
        target: how many parameters are wanted.

    Raises:
        UsageError: `target` is not positive.
    """
    if target < 1:
        raise UsageError(f"A network has at least 1 parameter, not {target}.")

    def count(channels: int) -> int:
        with torch.device("meta"):
            return count_parameters(make(channels))

    above = 1
    while count(above) < target:
        above *= 2
    below = above // 2
    while above - below > 1:
        middle = (above + below) // 2
        below, above = (middle, above) if count(middle) < target else (below, middle)
    return min((c for c in (below, above) if c), key=lambda c: abs(count(c) - target))
