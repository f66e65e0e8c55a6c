"""MeanWeights: the exponential moving average of a network's weights."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class MeanWeights:
    """A copy of a network whose weights follow the running mean of those of the original.

    The decay is min(decay, (1 + n) / (10 + n)) after n updates, so that the random start is soon
    forgotten (the rule of TensorFlow's ExponentialMovingAverage). Buffers are copied.

    Attributes:
        net: the copy, in evaluation mode, without gradients.
        decay: the greatest decay.
    """

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.net = copy.deepcopy(net).requires_grad_(False).eval()
        self.decay = decay

    @torch.no_grad()
    def update(self, net: nn.Module, updates: int) -> None:
        """Follow the weights of `net` after its update number `updates` (from 1 on)."""
        decay = min(self.decay, (1 + updates) / (10 + updates))
        mine, theirs = list(self.net.parameters()), list(net.parameters())
        follow = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        follow(mine, theirs, None)
        for here, there in zip(self.net.buffers(), net.buffers(), strict=True):
            here.copy_(there)
