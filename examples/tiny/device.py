"""Shared by the device projects: train the generated C on this machine, report its memory."""

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
    compiled: Compiled,
    train: Examples,
    score: Callable[[Callable[[Any], Any]], float],
    lr: float,
    epochs: int = 1,
) -> tuple[float, float]:
    """Train the generated C, one example per step, and return the score before and after.

    Args:
        compiled: The compiled network.
        train: The examples.
        score: Maps the network, a function from a real input to an output, to a score.
        lr: The initial learning rate. It falls linearly to zero, so that the score does not
            depend on one unlucky last step.
        epochs: Passes over the examples.
    """
    quantise = compiled.simulator().quantise
    order = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        host = Host(compiled.program, compiled.plan, Path(folder), ("-O3",))

        def run(x: Any) -> Any:
            return host.forward(quantise(x))

        before = score(run)
        steps = np.concatenate([order.permutation(len(train)) for _ in range(epochs)])
        for number, i in enumerate(steps):
            rate = lr * (1 - number / len(steps))
            host.train_step(quantise(train[i][0]), train[i][1], rate)
        return before, score(run)


def best_rate(compiled: Compiled, train: Examples, rates: Sequence[float]) -> float:
    """Return the learning rate with the lowest loss on one half after training on the other.

    The test examples are not used.
    """
    quantise = compiled.simulator().quantise
    inputs = [(quantise(x), label) for x, label in train]
    half = len(inputs) // 2
    losses = {}
    with tempfile.TemporaryDirectory() as folder:
        host = Host(compiled.program, compiled.plan, Path(folder), ("-O3",))
        for rate in rates:
            host.init(1)
            for x, label in inputs[:half]:
                host.train_step(x, label, rate)
            losses[rate] = sum(host.train_step(x, label, 0.0) for x, label in inputs[half:])
    return min(losses, key=lambda rate: losses[rate])


def accuracy(test: Examples) -> Callable[[Callable[[Any], Any]], float]:
    """Return a score: the share of examples whose largest output is at their label."""

    def score(run: Callable[[Any], Any]) -> float:
        return float(np.mean([run(x).argmax() == label for x, label in test]))

    return score


def report(compiled: Compiled, what: str, before: float, after: float) -> None:
    """Print the scores and the memory, and the flash of a Cortex-M4 program if it links."""
    print(f"{what} before {before:.3f}, after {after:.3f}")
    print(f"peak SRAM {compiled.ram_bytes} bytes: {compiled.plan.peak} arena, "
          f"{compiled.program.param_bytes} trained tensors")  # fmt: skip
    if shutil.which("arm-none-eabi-gcc") is None:
        print(f"flash at least {compiled.program.constant_bytes} bytes of constants")
        return
    with tempfile.TemporaryDirectory() as folder:
        compiled.write(Path(folder))
        try:
            print(f"flash {sizes(Path(folder), 'm4')[0]} bytes, linked for a Cortex-M4")
        except ExecutionError:
            print(f"flash at least {compiled.program.constant_bytes} bytes of constants; "
                  "the example's copy of the trained tensors exceeds the board's RAM")  # fmt: skip
