"""Exponential moving average (EMA) of a network's weights."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class AveragedWeights:
    """A copy of a network with the exponential moving average of its weights.

    The decay after n updates is min(decay, (1 + n) / (10 + n)), so that the average soon forgets
    the random initial weights (as TensorFlow's ExponentialMovingAverage). Buffers are copied.

    Attributes:
        net: the copy, in evaluation mode, without gradients.
        decay: the maximum decay.
    """

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.net = copy.deepcopy(net).requires_grad_(False).eval()
        self.decay = decay

    @torch.no_grad()
    def update(self, net: nn.Module, updates: int) -> None:
        """Include the weights of `net` after its n-th update, n counted from 1."""
        decay = min(self.decay, (1 + updates) / (10 + updates))
        averages, weights = list(self.net.parameters()), list(net.parameters())
        update_averages = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        update_averages(averages, weights, None)
        for copy_, buffer in zip(self.net.buffers(), net.buffers(), strict=True):
            copy_.copy_(buffer)
