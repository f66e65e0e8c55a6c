"""LossLog: means of the losses between log lines, and the check that they are finite."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

_Entry = tuple[int, list[str], Tensor]
"""A step, names, and a tensor (names,) of their values, on any device."""


class LossLog:
    """Averages losses, and reports the first one that is not finite.

    Reading a value from a GPU waits for the GPU, so values remain tensors until `collect`.
    """

    def __init__(self) -> None:
        self.pending: list[_Entry] = []
        self.sums: dict[str, float] = {}
        self.counts: dict[str, int] = {}

    def add(self, step: int, values: dict[str, Tensor]) -> None:
        """Add the values of a step, scalar tensors on one device."""
        names = list(values)
        self.pending.append((step, names, torch.stack([values[n].detach().float() for n in names])))

    def collect(self, keep: int = 0) -> str:
        """Include all but the newest `keep` steps in the means.

        Returns:
            A sentence that names step, term and value of the first that is not finite, or "".
        """
        while len(self.pending) > keep:
            step, names, tensor = self.pending.pop(0)
            for name, value in zip(names, tensor.tolist(), strict=True):
                if not math.isfinite(value):
                    return f"At step {step} the {name} is {value}."
                self.sums[name] = self.sums.get(name, 0.0) + value
                self.counts[name] = self.counts.get(name, 0) + 1
        return ""

    def take_means(self) -> dict[str, float]:
        """Return the mean of each collected value by name, and start over."""
        means = {name: self.sums[name] / self.counts[name] for name in self.sums}
        self.sums, self.counts = {}, {}
        return means

    def state(self) -> dict[str, Any]:
        """Return the state to store in a checkpoint; call `collect` first."""
        return {"sums": dict(self.sums), "counts": dict(self.counts)}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore a state from a checkpoint."""
        self.pending = []
        self.sums, self.counts = dict(state["sums"]), dict(state["counts"])
