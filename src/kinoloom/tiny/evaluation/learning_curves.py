"""Train in several ways on the same examples, in the same order, and score as it goes.

What learns is the generated C compiled for this machine, or, where there is no C compiler, the
simulator, which is slower and equal bit for bit.
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
"""How often a curve is scored after its start."""


class Learner(Protocol):
    """What learns from real inputs, one a step."""

    def forward(self, x: Array) -> Array:
        """The output for one input."""
        ...

    def train_step(self, x: Array, label: Any, lr: float) -> float:
        """One step; returns the loss before it."""
        ...


@dataclass(frozen=True)
class _DeviceLearner:
    quantiser: Simulator
    device: HostProgram | Simulator

    def forward(self, x: Array) -> Array:
        return self.device.forward(self.quantiser.quantise(x))

    def train_step(self, x: Array, label: Any, lr: float) -> float:
        return self.device.train_step(self.quantiser.quantise(x), label, lr)


@contextmanager
def open_learner(made: CompiledProgram, *flags: str) -> Iterator[Learner]:
    """A compiled network that learns, as a device would."""
    simulator = made.simulator()
    with tempfile.TemporaryDirectory() as folder:
        try:
            host = HostProgram(made.program, made.plan, Path(folder), flags or ("-O2",))
        except MissingError:
            yield _DeviceLearner(simulator, simulator)
        else:
            yield _DeviceLearner(simulator, host)


@dataclass(frozen=True)
class Score:
    """How well held-out examples are done.

    Attributes:
        loss: the mean of what is minimised.
        accuracy: the fraction of right classes; None for targets.
    """

    loss: float
    accuracy: float | None


def evaluate(learner: Learner, examples: Examples) -> Score:
    """Score on the examples that are held out."""
    inputs, labels = examples.x_test, examples.y_test
    found = np.array([np.asarray(learner.forward(x), np.float64).ravel() for x in inputs])
    if not examples.classes:
        return Score(float(((found - labels.reshape(found.shape)) ** 2).mean()), None)
    losses = np.logaddexp.reduce(found, axis=1) - found[np.arange(len(found)), labels]
    return Score(float(losses.mean()), float((found.argmax(1) == labels).mean()))


@dataclass(frozen=True)
class TrainingRun:
    """How long and how fast to learn."""

    rate: float
    epochs: int

    def order(self, count: int) -> list[int]:
        """The numbers of the examples, step by step: each epoch in another order."""
        random = np.random.default_rng(0)
        return [int(i) for _ in range(self.epochs) for i in random.permutation(count)]


def train(learner: Learner, examples: Examples, course: TrainingRun) -> None:
    """Learn all steps of a course."""
    for i in course.order(len(examples.x)):
        learner.train_step(examples.x[i], examples.y[i], course.rate)


@dataclass(frozen=True)
class LearningCurve:
    """How one way to train did.

    Attributes:
        way: its name.
        ram_bytes: of the compiled program; None for what runs on no device.
        course: how long and how fast it learned.
        steps: after how many steps it was scored.
        scores: one for each of these.
    """

    way: str
    ram_bytes: int | None
    course: TrainingRun
    steps: tuple[int, ...]
    scores: tuple[Score, ...]


def trace_curve(
    way: str, learner: Learner, ram_bytes: int | None, examples: Examples, course: TrainingRun
) -> LearningCurve:
    """Learn a course and score at its start, at its end, and at equal distances between."""
    order = course.order(len(examples.x))
    logger.info("training %s: %d steps", way, len(order))
    stops = sorted({round(len(order) * i / CURVE_POINTS) for i in range(CURVE_POINTS + 1)})
    scores = [evaluate(learner, examples)]
    for start, stop in pairwise(stops):
        for i in order[start:stop]:
            learner.train_step(examples.x[i], examples.y[i], course.rate)
        scores.append(evaluate(learner, examples))
    return LearningCurve(way, ram_bytes, course, tuple(stops), tuple(scores))


def trace_curves(
    ways: Iterable[tuple[str, CompiledProgram]], examples: Examples, course: TrainingRun
) -> list[LearningCurve]:
    """One curve for each way to train, by name."""
    made = []
    for way, one in ways:
        with open_learner(one) as learner:
            made.append(trace_curve(way, learner, one.ram_bytes, examples, course))
    return made
