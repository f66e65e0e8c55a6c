"""Meter: the losses since the last line of the log, and the watch over them."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

Measured = tuple[int, list[str], Tensor]
"""A step, names, and a tensor (names,) of their values, on any device."""


class Meter:
    """Sums up losses, and finds the first that is not a finite number.

    Reading a value from a GPU waits for it, so values are kept as tensors until `read`.
    """

    def __init__(self) -> None:
        self.pending: list[Measured] = []
        self.sums: dict[str, float] = {}
        self.counts: dict[str, int] = {}

    def add(self, step: int, values: dict[str, Tensor]) -> None:
        """Take in the values of a step, scalar tensors of one device."""
        names = list(values)
        self.pending.append((step, names, torch.stack([values[n].detach().float() for n in names])))

    def read(self, keep: int = 0) -> str:
        """Count all but the newest `keep` steps; say what is wrong with them, or "".

        Returns:
            One sentence that names step, term and value of the first that is not finite.
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
        """The mean of each value read since the last call, by name."""
        means = {name: self.sums[name] / self.counts[name] for name in self.sums}
        self.sums, self.counts = {}, {}
        return means

    def state(self) -> dict[str, Any]:
        """What to save; call `read` before."""
        return {"sums": dict(self.sums), "counts": dict(self.counts)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self.pending = []
        self.sums, self.counts = dict(state["sums"]), dict(state["counts"])
