"""Shared by the examples: train the generated C on this machine and print scores and memory."""

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


def train_on_device(
    compiled: CompiledProgram,
    train: Examples,
    score: Callable[[Callable[[Any], Any]], float],
    lr: float,
    epochs: int = 1,
) -> tuple[float, float]:
    """Train the generated C, one example per step.

    Args:
        compiled: the compiled network.
        train: training examples.
        score: function that scores a network, a function from a real input to an output.
        lr: initial learning rate; it decays linearly to zero, to reduce the noise of last steps.
        epochs: number of epochs.

    Returns:
        The score before and after training.
    """
    quantise = compiled.simulator().quantise
    order = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        host = HostProgram(compiled.program, compiled.plan, Path(folder), ("-O3",))

        def run(x: Any) -> Any:
            return host.forward(quantise(x))

        before = score(run)
        steps = np.concatenate([order.permutation(len(train)) for _ in range(epochs)])
        for number, i in enumerate(steps):
            rate = lr * (1 - number / len(steps))
            host.train_step(quantise(train[i][0]), train[i][1], rate)
        return before, score(run)


def select_learning_rate(
    compiled: CompiledProgram, train: Examples, rates: Sequence[float]
) -> float:
    """Select the learning rate with the least loss on half of the examples, trained on the others.

    The examples of the final score are not used.
    """
    quantise = compiled.simulator().quantise
    inputs = [(quantise(x), label) for x, label in train]
    half = len(inputs) // 2
    losses = {}
    with tempfile.TemporaryDirectory() as folder:
        host = HostProgram(compiled.program, compiled.plan, Path(folder), ("-O3",))
        for rate in rates:
            host.init(1)
            for x, label in inputs[:half]:
                host.train_step(x, label, rate)
            losses[rate] = sum(host.train_step(x, label, 0.0) for x, label in inputs[half:])
    return min(losses, key=lambda rate: losses[rate])


def score_accuracy(test: Examples) -> Callable[[Callable[[Any], Any]], float]:
    """Return a function that scores a network by its accuracy."""

    def score(run: Callable[[Any], Any]) -> float:
        return float(np.mean([run(x).argmax() == label for x, label in test]))

    return score


def print_result(compiled: CompiledProgram, what: str, before: float, after: float) -> None:
    """Print scores and memory, with the flash of a linked Cortex-M4 program if it can be built."""
    print(f"{what} before {before:.3f}, after {after:.3f}")
    print(f"peak SRAM {compiled.ram_bytes} bytes: {compiled.plan.peak} arena, "
          f"{compiled.program.param_bytes} trained tensors")  # fmt: skip
    if shutil.which("arm-none-eabi-gcc") is None:
        print(f"flash at least {compiled.program.constant_bytes} bytes of constants")
        return
    with tempfile.TemporaryDirectory() as folder:
        compiled.write(Path(folder))
        try:
            print(
                f"flash {measure_linked_size(Path(folder), 'm4')[0]} bytes, linked for a Cortex-M4"
            )
        except ExecutionError:
            print(f"flash at least {compiled.program.constant_bytes} bytes of constants; the "
                  "example's copy of the trained tensors exceeds the RAM of the board")  # fmt: skip
