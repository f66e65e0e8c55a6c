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
from kinoloom.tiny.api import Compiled
from kinoloom.tiny.codegen.host import Host
from kinoloom.tiny.evaluation.examples import Examples
from kinoloom.tiny.ir.program import Array
from kinoloom.tiny.simulate.simulator import Simulator

POINTS = 8
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
class _OnDevice:
    quantiser: Simulator
    device: Host | Simulator

    def forward(self, x: Array) -> Array:
        return self.device.forward(self.quantiser.quantise(x))

    def train_step(self, x: Array, label: Any, lr: float) -> float:
        return self.device.train_step(self.quantiser.quantise(x), label, lr)


@contextmanager
def on_device(made: Compiled, *flags: str) -> Iterator[Learner]:
    """A compiled network that learns, as a device would."""
    simulator = made.simulator()
    with tempfile.TemporaryDirectory() as folder:
        try:
            host = Host(made.program, made.plan, Path(folder), flags or ("-O2",))
        except MissingError:
            yield _OnDevice(simulator, simulator)
        else:
            yield _OnDevice(simulator, host)


@dataclass(frozen=True)
class Score:
    """How well held-out examples are done.

    Attributes:
        loss: the mean of what is minimised.
        accuracy: the fraction of right classes; None for targets.
    """

    loss: float
    accuracy: float | None


def score(learner: Learner, examples: Examples) -> Score:
    """Score on the examples that are held out."""
    inputs, labels = examples.x_test, examples.y_test
    found = np.array([np.asarray(learner.forward(x), np.float64).ravel() for x in inputs])
    if not examples.classes:
        return Score(float(((found - labels.reshape(found.shape)) ** 2).mean()), None)
    losses = np.logaddexp.reduce(found, axis=1) - found[np.arange(len(found)), labels]
    return Score(float(losses.mean()), float((found.argmax(1) == labels).mean()))


@dataclass(frozen=True)
class Course:
    """How long and how fast to learn."""

    rate: float
    epochs: int

    def order(self, count: int) -> list[int]:
        """The numbers of the examples, step by step: each epoch in another order."""
        random = np.random.default_rng(0)
        return [int(i) for _ in range(self.epochs) for i in random.permutation(count)]


def train(learner: Learner, examples: Examples, course: Course) -> None:
    """Learn all steps of a course."""
    for i in course.order(len(examples.x)):
        learner.train_step(examples.x[i], examples.y[i], course.rate)


@dataclass(frozen=True)
class Curve:
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
    course: Course
    steps: tuple[int, ...]
    scores: tuple[Score, ...]


def curve(
    way: str, learner: Learner, ram_bytes: int | None, examples: Examples, course: Course
) -> Curve:
    """Learn a course and score at its start, at its end, and at equal distances between."""
    order = course.order(len(examples.x))
    logger.info("training %s: %d steps", way, len(order))
    stops = sorted({round(len(order) * i / POINTS) for i in range(POINTS + 1)})
    scores = [score(learner, examples)]
    for start, stop in pairwise(stops):
        for i in order[start:stop]:
            learner.train_step(examples.x[i], examples.y[i], course.rate)
        scores.append(score(learner, examples))
    return Curve(way, ram_bytes, course, tuple(stops), tuple(scores))


def curves(ways: Iterable[tuple[str, Compiled]], examples: Examples, course: Course) -> list[Curve]:
    """One curve for each way to train, by name."""
    made = []
    for way, one in ways:
        with on_device(one) as learner:
            made.append(curve(way, learner, one.ram_bytes, examples, course))
    return made
