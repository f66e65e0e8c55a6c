"""Choose what to train: contributions measured once, then the best scheme within a memory budget.

A contribution is the gain in accuracy over training the head alone, when one more thing is trained:
the biases of the last k layers, or a part of one layer's weights. The best scheme maximises their
sum. Its memory is that of the real plan, so the search is over plans: branch and bound, in which
the trained tensors alone bound the memory from below and the best ratios left bound the gain from
above; what survives is planned. Source of contributions: Lin et al. 2022, section 2.3; there the
search is evolutionary, which is here as `evolve`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from kinoloom.errors import BudgetError, UsageError
from kinoloom.tiny.api import CompiledProgram, compile_program
from kinoloom.tiny.ir.forward_ops import Conv
from kinoloom.tiny.ir.program import Array, Program
from kinoloom.tiny.training.options import Loss
from kinoloom.tiny.training.scheme import Update, collect_convs

RATIOS = (0.125, 0.25, 0.5, 1.0)
Ratios = tuple[float, ...]
"""The ratio of each layer's weights that is trained, in order, without the head."""


@dataclass(frozen=True)
class Contributions:
    """Gains in accuracy.

    Attributes:
        base: the accuracy with the head alone.
        biases: by how many layers before the head have their biases trained; 0 is 0.
        weights: by (layer, ratio).
    """

    base: float
    biases: tuple[float, ...]
    weights: Mapping[tuple[str, float], float]

    def total(self, layers: list[str], suffix: int, ratios: Ratios) -> float:
        """The sum of the contributions of a choice."""
        gains = [self.weights.get((n, r), 0.0) for n, r in zip(layers, ratios, strict=True) if r]
        return self.biases[suffix] + sum(gains)


@dataclass(frozen=True)
class SearchResult:
    """The result of a search.

    Attributes:
        scheme: what to train.
        gain: the sum of contributions.
        ram_bytes: of the compiled program.
        plans: how many were made.
    """

    scheme: dict[str, Update]
    gain: float
    ram_bytes: int
    plans: int


def build_scheme(program: Program, suffix: int, ratios: Ratios) -> dict[str, Update]:
    """Biases of the last `suffix` layers before the head, weights by `ratios`, and the head."""
    layers = [op.layer for op in collect_convs(program)]
    first = len(layers) - 1 - suffix
    scheme = {
        name: Update(True, ratio)
        for i, (name, ratio) in enumerate(zip(layers, ratios, strict=False))
        if i >= first
    }
    return {**scheme, layers[-1]: Update(True, 1.0)}


def count_candidates(program: Program) -> int:
    """How many schemes `measure` scores."""
    return 1 + (len(collect_convs(program)) - 1) * (1 + len(RATIOS))


def measure_contributions(
    program: Program, score: Callable[[dict[str, Update]], float], *, ratios: Ratios = RATIOS
) -> Contributions:
    """Train each candidate alone and note its gain.

    Args:
        program: the inference program.
        score: trains by a scheme and returns an accuracy.
        ratios: of weights to try.
    """
    layers = [op.layer for op in collect_convs(program)][:-1]
    none = (0.0,) * len(layers)
    base = score(build_scheme(program, 0, none))
    suffixes = range(1, len(layers) + 1)
    biases = (0.0, *(score(build_scheme(program, k, none)) - base for k in suffixes))
    head = build_scheme(program, 0, none)
    weights = {
        (name, ratio): score({name: Update(False, ratio), **head}) - base
        for name in layers
        for ratio in ratios
    }
    return Contributions(base, biases, weights)


@dataclass
class _Search:
    """What both searches share: plans by choice, and the best so far."""

    program: Program
    contributions: Contributions
    budget: int
    loss: Loss
    planned: dict[tuple[int, Ratios], int] = field(default_factory=dict)
    best: tuple[float, int, Ratios] | None = None
    smallest: int | None = None

    def __post_init__(self) -> None:
        self.layers = [op.layer for op in collect_convs(self.program)][:-1]

    def ram(self, suffix: int, ratios: Ratios) -> int:
        """Bytes of a choice, by the planner."""
        key = suffix, ratios
        if key not in self.planned:
            made = _compile(self.program, build_scheme(self.program, suffix, ratios), self.loss)
            self.planned[key] = made.ram_bytes
            self.smallest = min(self.smallest or made.ram_bytes, made.ram_bytes)
        return self.planned[key]

    def consider(self, suffix: int, ratios: Ratios) -> bool:
        """Note a choice if it is better and fits; says whether it fits."""
        gain = self.contributions.total(self.layers, suffix, ratios)
        if self.best is not None and gain <= self.best[0]:
            return True
        if self.ram(suffix, ratios) > self.budget:
            return False
        self.best = gain, suffix, ratios
        return True

    def found(self) -> SearchResult:
        if self.best is None:
            raise BudgetError(
                f"No scheme fits {self.budget} bytes; the smallest tried needs {self.smallest}.",
                hint=f"Give at smallest {self.smallest} bytes.",
            )
        gain, suffix, ratios = self.best
        scheme = build_scheme(self.program, suffix, ratios)
        return SearchResult(scheme, gain, self.ram(suffix, ratios), len(self.planned))


def _compile(program: Program, scheme: dict[str, Update], loss: Loss) -> CompiledProgram:
    return compile_program(program, loss, scheme=scheme, budget=2**62)


def search_scheme(
    program: Program, contributions: Contributions, budget: int, loss: Loss = "cross-entropy"
) -> SearchResult:
    """The scheme of the largest sum of contributions that fits the budget: exact.

    Raises:
        BudgetError: not even the head alone fits.
        UsageError: the contributions are not of this program.
    """
    task = _start_search(program, contributions, budget, loss)
    none = (0.0,) * len(task.layers)
    for suffix in range(len(task.layers) + 1):
        if task.ram(suffix, none) <= budget:
            _Branches(task, suffix).explore()
    return task.found()


def _start_search(program: Program, given: Contributions, budget: int, loss: Loss) -> _Search:
    task = _Search(program, given, budget, loss)
    if len(given.biases) != len(task.layers) + 1:
        raise UsageError(
            f"The contributions are of a network of {len(given.biases)} layers; this one has "
            f"{len(task.layers) + 1}."
        )
    return task


class _Branches:
    """All choices of weights for one suffix of biases, the most gainful first."""

    def __init__(self, task: _Search, suffix: int) -> None:
        self.task, self.suffix = task, suffix
        self.first = len(task.layers) - suffix
        weights = task.contributions.weights
        self.options = [
            sorted(
                ((weights[n, r], r) for n, r in weights if n == name and weights[n, r] > 0),
                reverse=True,
            )
            for name in task.layers[self.first :]
        ]
        constants = task.program.constants
        self.bytes = {
            op.layer: trained_bytes_by_ratio(constants[op.weights.frozen], op)
            for op in collect_convs(task.program)
        }
        none = (0.0,) * len(task.layers)
        self.fixed = _compile(
            task.program, build_scheme(task.program, suffix, none), task.loss
        ).program.param_bytes

    def explore(self, chosen: Ratios = (), gain: float = 0.0, size: int = 0) -> None:
        """Try all that begins with `chosen`, unless it cannot be better or cannot fit."""
        depth, task = len(chosen), self.task
        most = sum(options[0][0] for options in self.options[depth:] if options)
        reach = task.contributions.biases[self.suffix] + gain + most
        if task.best is not None and reach <= task.best[0]:
            return
        if self.fixed + size > task.budget:
            return
        if depth == len(self.options):
            task.consider(self.suffix, (0.0,) * self.first + chosen)
            return
        name = task.layers[self.first + depth]
        for value, ratio in [*self.options[depth], (0.0, 0.0)]:
            part = self.bytes[name][ratio]
            self.explore((*chosen, ratio), gain + value, size + part)


def trained_bytes_by_ratio(weights: Array, op: Conv) -> dict[float, int]:
    """Bytes of trained weights by ratio; of a grouped layer all, as soon as one is trained."""
    channels = weights.shape[1] if op.geometry.groups == 1 else 1
    column = weights.size // channels
    kept = {ratio: max(1, int(np.floor(ratio * channels + 0.5))) for ratio in RATIOS}
    return {0.0: 0, **{ratio: count * column for ratio, count in kept.items()}}


def evolve_scheme(
    program: Program,
    contributions: Contributions,
    budget: int,
    *,
    loss: Loss = "cross-entropy",
    population: int = 24,
    generations: int = 20,
    seed: int = 0,
) -> SearchResult:
    """The same by an evolutionary search: for networks whose choices are too many for `search`.

    Raises:
        BudgetError: nothing that was tried fits.
        UsageError: the contributions are not of this program.
    """
    task = _start_search(program, contributions, budget, loss)
    random = np.random.default_rng(seed)
    task.consider(0, (0.0,) * len(task.layers))
    people = [_random_choice(task, random) for _ in range(population)]
    for _ in range(generations):
        fit = [choice for choice in people if task.ram(*choice) <= budget]
        for choice in fit:
            task.consider(*choice)
        fit.sort(key=partial(_gain, task), reverse=True)
        parents = fit[: population // 4] or [(0, (0.0,) * len(task.layers))]
        people = [_child(task, random, parents) for _ in range(population)]
    return task.found()


Candidate = tuple[int, Ratios]


def _gain(task: _Search, choice: Candidate) -> float:
    return task.contributions.total(task.layers, *choice)


def _random_choice(task: _Search, random: np.random.Generator) -> Candidate:
    suffix = int(random.integers(len(task.layers) + 1))
    ratios = random.choice([0.0, *RATIOS], len(task.layers))
    return _valid(task, suffix, tuple(float(r) for r in ratios))


def _child(task: _Search, random: np.random.Generator, parents: list[Candidate]) -> Candidate:
    """A mix of two parents with some changes."""
    one, two = (parents[int(random.integers(len(parents)))] for _ in range(2))
    ratios = [a if random.random() < 0.5 else b for a, b in zip(one[1], two[1], strict=True)]
    for i in range(len(ratios)):
        if random.random() < 0.15:
            ratios[i] = float(random.choice([0.0, *RATIOS]))
    suffix = one[0] + int(random.integers(-1, 2))
    return _valid(task, min(max(suffix, 0), len(task.layers)), tuple(ratios))


def _valid(task: _Search, suffix: int, ratios: Ratios) -> Candidate:
    """The same without weights of layers whose bias is not trained."""
    first = len(task.layers) - suffix
    return suffix, tuple(r if i >= first else 0.0 for i, r in enumerate(ratios))
