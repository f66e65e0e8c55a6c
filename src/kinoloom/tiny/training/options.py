"""Options of a training step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Loss = Literal["cross-entropy", "mse"]


@dataclass(frozen=True)
class TrainingOptions:
    """Loss, scaling and rounding of a training step.

    Attributes:
        loss: softmax cross-entropy with a class label, or mean squared error to a target.
        scaling: whether to apply quantisation-aware scaling; without it updates are too small.
        rounding: rounding of weight updates; a residual takes two more bytes per trained weight.
    """

    loss: Loss = "cross-entropy"
    scaling: bool = True
    rounding: Literal["stochastic", "residual"] = "stochastic"
