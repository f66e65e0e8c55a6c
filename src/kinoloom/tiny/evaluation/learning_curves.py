"""Learning curves of several methods on the same examples in the same order.

The generated C code trains on this machine. Without a C compiler the simulator trains instead,
slower but bit-identical.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from kinoloom.base.notes import logger
from kinoloom.errors import MissingError
from kinoloom.tiny.api import CompiledProgram
from kinoloom.tiny.codegen.host import HostProgram
from kinoloom.tiny.evaluation.examples import Examples
from kinoloom.tiny.ir.program import Array
from kinoloom.tiny.simulate.simulator import Simulator

CURVE_POINTS = 8
"""Number of evaluations of a learning curve after the initial one."""


class Learner(Protocol):
    """A network that trains on real inputs, one example per step."""

    def forward(self, x: Array) -> Array:
        """Return the output for one input."""
        ...

    def train_step(self, x: Array, label: Any, lr: float) -> float:
        """Take one step and return the loss before it."""
        ...


@dataclass(frozen=True)
class DeviceLearner:
    """A compiled network as a learner."""

    quantiser: Simulator
    device: HostProgram | Simulator

    def forward(self, x: Array) -> Array:
        """Return the output for one input."""
        return self.device.forward(self.quantiser.quantise(x))

    def train_step(self, x: Array, label: Any, lr: float) -> float:
        """Take one step and return the loss before it."""
        return self.device.train_step(self.quantiser.quantise(x), label, lr)

    def init(self, seed: int) -> None:
        """Reset the device; `seed` is that of stochastic rounding."""
        self.device.init(seed)


@contextmanager
def open_learner(compiled: CompiledProgram, *flags: str) -> Iterator[DeviceLearner]:
    """Open a compiled network as a learner on real inputs.

    Args:
        compiled: the compiled network.
        *flags: flags of the C compiler; -O2 by default.
    """
    simulator = compiled.simulator()
    with tempfile.TemporaryDirectory() as folder:
        try:
            host = HostProgram(compiled.program, compiled.plan, Path(folder), flags or ("-O2",))
        except MissingError:
            yield DeviceLearner(simulator, simulator)
        else:
            yield DeviceLearner(simulator, host)


@dataclass(frozen=True)
class Score:
    """Performance on held-out examples.

    Attributes:
        loss: mean loss.
        accuracy: fraction of correct classes, 0..1; None for targets.
    """

    loss: float
    accuracy: float | None


def evaluate(learner: Learner, examples: Examples) -> Score:
    """Evaluate a learner on the held-out examples."""
    labels, outputs = examples.y_test, _run_on_test_inputs(learner, examples)
    if not examples.classes:
        return Score(float(((outputs - labels.reshape(outputs.shape)) ** 2).mean()), None)
    losses = np.logaddexp.reduce(outputs, axis=1) - outputs[np.arange(len(outputs)), labels]
    return Score(float(losses.mean()), float((outputs.argmax(1) == labels).mean()))


def score_examples(learner: Learner, examples: Examples) -> Array:
    """Return one score per held-out example, higher is better.

    Returns:
        (N,): 1 for a correct class and 0 for a wrong one; with targets, the negative squared error.
    """
    labels, outputs = examples.y_test, _run_on_test_inputs(learner, examples)
    if examples.classes:
        return np.asarray(outputs.argmax(1) == labels, np.float64)
    return np.asarray(-((outputs - labels.reshape(outputs.shape)) ** 2).mean(axis=1))


def _run_on_test_inputs(learner: Learner, examples: Examples) -> Array:
    return np.array([np.asarray(learner.forward(x), np.float64).ravel() for x in examples.x_test])


@dataclass(frozen=True)
class TrainingRun:
    """The learning rate, the number of epochs and the seed of the order of a training run."""

    learning_rate: float
    epochs: int
    seed: int = 0

    def order(self, count: int) -> list[int]:
        """Return the index of the example of each step; each epoch is shuffled."""
        random = np.random.default_rng(self.seed)
        return [int(i) for _ in range(self.epochs) for i in random.permutation(count)]


def train(learner: Learner, examples: Examples, run: TrainingRun) -> None:
    """Train a learner on all examples."""
    for i in run.order(len(examples.x)):
        learner.train_step(examples.x[i], examples.y[i], run.learning_rate)


@dataclass(frozen=True)
class LearningCurve:
    """The learning curve of one method.

    Attributes:
        name: name of the method.
        ram_bytes: RAM of the compiled program; None if it does not run on a device.
        run: the training run.
        steps: number of training steps before each evaluation.
        scores: score of each evaluation.
    """

    name: str
    ram_bytes: int | None
    run: TrainingRun
    steps: tuple[int, ...]
    scores: tuple[Score, ...]


def trace_curve(
    name: str, learner: Learner, ram_bytes: int | None, examples: Examples, run: TrainingRun
) -> LearningCurve:
    """Train a learner and evaluate it before, after and at equal intervals during the run."""
    order = run.order(len(examples.x))
    logger.info("training %s: %d steps", name, len(order))
    marks = sorted({round(len(order) * i / CURVE_POINTS) for i in range(CURVE_POINTS + 1)})
    scores = [evaluate(learner, examples)]
    for start, stop in pairwise(marks):
        for i in order[start:stop]:
            learner.train_step(examples.x[i], examples.y[i], run.learning_rate)
        scores.append(evaluate(learner, examples))
    return LearningCurve(name, ram_bytes, run, tuple(marks), tuple(scores))


def trace_curves(
    methods: Iterable[tuple[str, CompiledProgram]], examples: Examples, run: TrainingRun
) -> list[LearningCurve]:
    """Return the learning curve of each compiled network, given as (name, network)."""
    curves = []
    for name, method in methods:
        with open_learner(method) as learner:
            curves.append(trace_curve(name, learner, method.ram_bytes, examples, run))
    return curves
