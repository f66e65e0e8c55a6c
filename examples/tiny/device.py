"""What the stories share: train the generated C on this machine, and say what it takes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kinoloom.errors import ExecutionError
from kinoloom.tiny.api import Compiled
from kinoloom.tiny.commands import sizes
from kinoloom.tiny.host import Host

Examples = Sequence[tuple[Any, Any]]
"""Pairs of a real input and its label or target."""


def learn(
    made: Compiled,
    train: Examples,
    score: Callable[[Callable[[Any], Any]], float],
    lr: float,
    epochs: int = 1,
) -> tuple[float, float]:
    """Train the compiled C, one example a step; the score before and after.

    Args:
        made: the compiled network.
        train: examples.
        score: of a function from a real input to an output; what it returns is reported.
        lr: learning rate.
        epochs: how often each example is seen.
    """
    quantise = made.simulator().quantise
    order = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        host = Host(made.program, made.plan, Path(folder), ("-O3",))

        def run(x: Any) -> Any:
            return host.forward(quantise(x))

        before = score(run)
        for _ in range(epochs):
            for i in order.permutation(len(train)):
                host.train_step(quantise(train[i][0]), train[i][1], lr)
        return before, score(run)


def accuracy(test: Examples) -> Callable[[Callable[[Any], Any]], float]:
    """The fraction of examples whose largest output is that of their label."""

    def score(run: Callable[[Any], Any]) -> float:
        return float(np.mean([run(x).argmax() == label for x, label in test]))

    return score


def tell(made: Compiled, what: str, before: float, after: float) -> None:
    """Print the outcome and the memory, with the flash of a linked Cortex-M4 program if it can."""
    print(f"{what} before {before:.3f}, after {after:.3f}")
    print(f"peak SRAM {made.ram_bytes} bytes: {made.plan.peak} arena, "
          f"{made.program.param_bytes} trained tensors")  # fmt: skip
    if shutil.which("arm-none-eabi-gcc") is None:
        print(f"flash at least {made.program.constant_bytes} bytes of constants")
        return
    with tempfile.TemporaryDirectory() as folder:
        made.write(Path(folder))
        try:
            print(f"flash {sizes(Path(folder), 'm4')[0]} bytes, linked for a Cortex-M4")
        except ExecutionError:
            print(f"flash at least {made.program.constant_bytes} bytes of constants; the example's "
                  "copy of what was learned does not fit the board's RAM beside it")  # fmt: skip
