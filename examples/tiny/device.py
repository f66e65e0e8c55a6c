"""What the stories share: train the generated C on this machine, and say what it takes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kinoloom.errors import ExecutionError
from kinoloom.tiny.api import CompiledProgram
from kinoloom.tiny.codegen.board import measure_linked_size
from kinoloom.tiny.codegen.host import HostProgram

Examples = Sequence[tuple[Any, Any]]
"""Pairs of a real input and its label or target."""


def learn(
    made: CompiledProgram,
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
        lr: the first learning rate; it falls to zero along a straight line, so that the score
            is not that of one unlucky last step.
        epochs: how often each example is seen.
    """
    quantise = made.simulator().quantise
    order = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        host = HostProgram(made.program, made.plan, Path(folder), ("-O3",))

        def run(x: Any) -> Any:
            return host.forward(quantise(x))

        before = score(run)
        steps = np.concatenate([order.permutation(len(train)) for _ in range(epochs)])
        for number, i in enumerate(steps):
            rate = lr * (1 - number / len(steps))
            host.train_step(quantise(train[i][0]), train[i][1], rate)
        return before, score(run)


def best_rate(made: CompiledProgram, train: Examples, rates: Sequence[float]) -> float:
    """The learning rate of the least loss on half of the examples after learning the other half.

    None of the examples that are scored in the end is looked at.
    """
    quantise = made.simulator().quantise
    inputs = [(quantise(x), label) for x, label in train]
    half = len(inputs) // 2
    losses = {}
    with tempfile.TemporaryDirectory() as folder:
        host = HostProgram(made.program, made.plan, Path(folder), ("-O3",))
        for rate in rates:
            host.init(1)
            for x, label in inputs[:half]:
                host.train_step(x, label, rate)
            losses[rate] = sum(host.train_step(x, label, 0.0) for x, label in inputs[half:])
    return min(losses, key=lambda rate: losses[rate])


def accuracy(test: Examples) -> Callable[[Callable[[Any], Any]], float]:
    """The fraction of examples whose largest output is that of their label."""

    def score(run: Callable[[Any], Any]) -> float:
        return float(np.mean([run(x).argmax() == label for x, label in test]))

    return score


def tell(made: CompiledProgram, what: str, before: float, after: float) -> None:
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
            print(
                f"flash {measure_linked_size(Path(folder), 'm4')[0]} bytes, linked for a Cortex-M4"
            )
        except ExecutionError:
            print(f"flash at least {made.program.constant_bytes} bytes of constants; the example's "
                  "copy of what was learned does not fit the board's RAM beside it")  # fmt: skip
