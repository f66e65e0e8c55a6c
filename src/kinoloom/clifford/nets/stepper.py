"""Stepper: a network that tells the change of a field from its last moments, and rolls it out.

Inputs: (B, moments, J, *space), the last moments in order; outputs: (B, J, *space), the next one.
The network inside sees fields of unit size and tells changes of unit size: each grade has one
scale, so that the blades of a grade keep their proportions, which is what makes them one vector.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from kinoloom.errors import ArrayError, UsageError


class Stepper(nn.Module):
    """last + change * net(history / scale).

    Args:
        net: (B, moments, J, *space) -> (B, 1, J, *space).
        moments: how many moments it is shown.
        scale: the size of each of the J blades.
        change: the size of each blade's change in one step.

    Raises:
        UsageError: no moment, or sizes that are not positive or not as many.
    """

    scale: Tensor
    change: Tensor

    def __init__(
        self, net: nn.Module, moments: int, scale: Sequence[float], change: Sequence[float]
    ) -> None:
        super().__init__()
        if moments < 1 or len(scale) != len(change) or not min(*scale, *change) > 0:
            raise UsageError(
                f"A stepper needs at least 1 moment and a positive size for each blade and its "
                f"change, not {moments}, {list(scale)} and {list(change)}."
            )
        self.net, self.moments = net, moments
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.get_default_dtype()))
        self.register_buffer("change", torch.tensor(change, dtype=torch.get_default_dtype()))

    def forward(self, history: Tensor) -> Tensor:
        """The next moment.

        Raises:
            ArrayError: another shape.
        """
        self._check(history)
        tail = [1] * (history.dim() - 3)
        told = self.net(history / self.scale.reshape(-1, *tail))[:, 0]
        made: Tensor = history[:, -1] + self.change.reshape(-1, *tail) * told
        return made

    def rollout(self, history: Tensor, steps: int) -> Tensor:
        """The next moments, each made of those before: (B, steps, J, *space).

        Raises:
            ArrayError: another shape.
        """
        made = []
        for _ in range(steps):
            made.append(self(history))
            history = torch.cat([history[:, 1:], made[-1][:, None]], dim=1)
        return torch.stack(made, dim=1)

    def _check(self, history: Tensor) -> None:
        if history.dim() < 4 or history.shape[1:3] != (self.moments, len(self.scale)):
            raise ArrayError(
                f"This stepper takes (B, {self.moments}, {len(self.scale)}, *space), not "
                f"{tuple(history.shape)}."
            )
