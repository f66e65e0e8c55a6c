"""Autoregressive stepper: predicts the next time step of a field from the last ones.

Inputs: (B, history_steps, J, *space), the last time steps in order; outputs: (B, J, *space), the
next one. The network inside maps normalised fields to normalised changes. All blades of a grade
have the same scale, so vectors keep their direction.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from kinoloom.errors import ArrayError, UsageError


class Stepper(nn.Module):
    """Residual predictor: last + change * net(history / scale).

    Args:
        net: maps (B, history_steps, J, *space) to (B, 1, J, *space).
        history_steps: number of time steps of the input.
        scale: standard size of each of the J blades.
        change: standard size of the change of each blade in a time step.

    Raises:
        UsageError: `history_steps` is not positive, or the sizes are not positive or differ in
            number.
    """

    scale: Tensor
    change: Tensor

    def __init__(
        self, net: nn.Module, history_steps: int, scale: Sequence[float], change: Sequence[float]
    ) -> None:
        super().__init__()
        if history_steps < 1:
            raise UsageError(f"Invalid history_steps {history_steps}: expected at least 1.")
        if len(scale) != len(change) or not min(*scale, *change) > 0:
            raise UsageError(
                f"Invalid scale {list(scale)} or change {list(change)}: expected a positive size "
                "for each blade."
            )
        self.net, self.history_steps = net, history_steps
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.get_default_dtype()))
        self.register_buffer("change", torch.tensor(change, dtype=torch.get_default_dtype()))

    def forward(self, history: Tensor) -> Tensor:
        """Predict the next time step.

        Raises:
            ArrayError: the shape is wrong.
        """
        self._check(history)
        tail = [1] * (history.dim() - 3)
        change = self.net(history / self.scale.reshape(-1, *tail))[:, 0]
        prediction: Tensor = history[:, -1] + self.change.reshape(-1, *tail) * change
        return prediction

    def rollout(self, history: Tensor, steps: int) -> Tensor:
        """Predict `steps` time steps autoregressively, (B, steps, J, *space).

        Raises:
            ArrayError: the shape is wrong.
        """
        predictions = []
        for _ in range(steps):
            predictions.append(self(history))
            history = torch.cat([history[:, 1:], predictions[-1][:, None]], dim=1)
        return torch.stack(predictions, dim=1)

    def _check(self, history: Tensor) -> None:
        if history.dim() < 4 or history.shape[1:3] != (self.history_steps, len(self.scale)):
            raise ArrayError(
                f"The history has shape {tuple(history.shape)}: expected "
                f"(B, {self.history_steps}, {len(self.scale)}, *space)."
            )
