"""Search for the best update scheme within a memory budget, based on contribution analysis.

A contribution is the gain in accuracy, relative to training the head alone, from training one more
part: the biases of the last k layers, or a fraction of one layer's weights. The best scheme
maximises the sum of contributions. The memory of a scheme is that of its memory plan. The exact
search is branch and bound: the trained tensors alone bound the memory from below, and the best
remaining ratios bound the gain from above; only schemes within both bounds are planned. Source of
contribution analysis: Lin et al. 2022, section 2.3; its evolutionary search is `evolve_scheme`.
"""

from __future__ import annotations

from collections.abc import Mapping
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
"""Ratio of trained weights of each layer before the head, in order."""


@dataclass(frozen=True)
class Contributions:
    """Contributions to the accuracy; `trials` measures them.

    Attributes:
        base: accuracy of training the head alone.
        biases: gain of training the biases of the last k layers before the head, by k from 0.
        weights: gain of training weights, by (layer, ratio).
    """

    base: float
    biases: tuple[float, ...]
    weights: Mapping[tuple[str, float], float]

    def total(self, layers: list[str], suffix: int, ratios: Ratios) -> float:
        """Return the sum of contributions of a candidate."""
        gains = [self.weights.get((n, r), 0.0) for n, r in zip(layers, ratios, strict=True) if r]
        return self.biases[suffix] + sum(gains)


@dataclass(frozen=True)
class SearchResult:
    """The result of a search.

    Attributes:
        scheme: the best scheme.
        gain: its sum of contributions.
        ram_bytes: RAM of its compiled program.
        plans: number of memory plans that the search computed.
    """

    scheme: dict[str, Update]
    gain: float
    ram_bytes: int
    plans: int


def build_scheme(program: Program, suffix: int, ratios: Ratios) -> dict[str, Update]:
    """Build the scheme of a candidate; all of the head is trained.

    Args:
        program: the inference program.
        suffix: number of layers before the head with trained biases.
        ratios: ratio of trained weights of each layer before the head.
    """
    layers = [op.layer for op in collect_convs(program)]
    first = len(layers) - 1 - suffix
    scheme = {
        name: Update(True, ratio)
        for i, (name, ratio) in enumerate(zip(layers, ratios, strict=False))
        if i >= first
    }
    return {**scheme, layers[-1]: Update(True, 1.0)}


@dataclass
class _Search:
    """The state of a search: memory by candidate, and the best candidate so far."""

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
        """Return the RAM of a candidate in bytes, from its memory plan."""
        key = suffix, ratios
        if key not in self.planned:
            compiled = _compile(self.program, build_scheme(self.program, suffix, ratios), self.loss)
            self.planned[key] = compiled.ram_bytes
            self.smallest = min(self.smallest or compiled.ram_bytes, compiled.ram_bytes)
        return self.planned[key]

    def consider(self, suffix: int, ratios: Ratios) -> None:
        """Keep a candidate if it is better than the best so far, or as good and cheaper."""
        gain = self.contributions.total(self.layers, suffix, ratios)
        is_better = self.best is None or gain > self.best[0]
        if self.best is not None and gain == self.best[0]:
            is_better = self.ram(suffix, ratios) < self.ram(*self.best[1:])
        if is_better and self.ram(suffix, ratios) <= self.budget:
            self.best = gain, suffix, ratios

    def result(self) -> SearchResult:
        """Return the best candidate.

        Raises:
            BudgetError: No candidate fits.
        """
        if self.best is None:
            raise BudgetError(
                f"No scheme fits {self.budget} bytes; the smallest tried needs {self.smallest}.",
                hint=f"Set a budget of at least {self.smallest} bytes.",
            )
        gain, suffix, ratios = self.best
        scheme = build_scheme(self.program, suffix, ratios)
        return SearchResult(scheme, gain, self.ram(suffix, ratios), len(self.planned))


def _compile(program: Program, scheme: dict[str, Update], loss: Loss) -> CompiledProgram:
    return compile_program(program, loss, scheme=scheme, budget=2**62)


def search_scheme(
    program: Program, contributions: Contributions, budget: int, loss: Loss = "cross-entropy"
) -> SearchResult:
    """Find the scheme with the largest sum of contributions within a budget, exactly.

    Args:
        program: the inference program.
        contributions: of each part; see `trials`.
        budget: bytes of RAM for the arena and the trained tensors.
        loss: loss of the training step.

    Raises:
        BudgetError: Not even training the head alone fits.
        UsageError: The contributions belong to another program.
    """
    search = _start_search(program, contributions, budget, loss)
    frozen = (0.0,) * len(search.layers)
    for suffix in range(len(search.layers) + 1):
        if search.ram(suffix, frozen) <= budget:
            _Branches(search, suffix).explore()
    return search.result()


def _start_search(
    program: Program, contributions: Contributions, budget: int, loss: Loss
) -> _Search:
    search = _Search(program, contributions, budget, loss)
    if len(contributions.biases) != len(search.layers) + 1:
        raise UsageError(
            f"The contributions belong to a network of {len(contributions.biases)} layers: "
            f"expected {len(search.layers) + 1}."
        )
    return search


class _Branches:
    """Branch and bound over the ratios for one number of trained biases, best gain first."""

    def __init__(self, search: _Search, suffix: int) -> None:
        self.search, self.suffix = search, suffix
        self.first = len(search.layers) - suffix
        weights = search.contributions.weights
        self.options = [
            sorted(
                ((weights[n, r], r) for n, r in weights if n == name and weights[n, r] > 0),
                reverse=True,
            )
            for name in search.layers[self.first :]
        ]
        constants = search.program.constants
        self.bytes = {
            op.layer: trained_bytes_by_ratio(constants[op.weights.frozen], op)
            for op in collect_convs(search.program)
        }
        frozen = (0.0,) * len(search.layers)
        self.fixed = _compile(
            search.program, build_scheme(search.program, suffix, frozen), search.loss
        ).program.param_bytes

    def explore(self, chosen: Ratios = (), gain: float = 0.0, size: int = 0) -> None:
        """Explore the candidates that start with `chosen`, unless a bound excludes them."""
        depth, search = len(chosen), self.search
        best_remaining = sum(options[0][0] for options in self.options[depth:] if options)
        upper_bound = search.contributions.biases[self.suffix] + gain + best_remaining
        if search.best is not None and upper_bound <= search.best[0]:
            return
        if self.fixed + size > search.budget:
            return
        if depth == len(self.options):
            search.consider(self.suffix, (0.0,) * self.first + chosen)
            return
        name = search.layers[self.first + depth]
        for value, ratio in [*self.options[depth], (0.0, 0.0)]:
            self.explore((*chosen, ratio), gain + value, size + self.bytes[name][ratio])


def trained_bytes_by_ratio(weights: Array, op: Conv) -> dict[float, int]:
    """Return the bytes of trained weights by ratio; those of a grouped layer are one tensor."""
    channels = weights.shape[1] if op.geometry.groups == 1 else 1
    column = weights.size // channels
    counts = {ratio: max(1, int(np.floor(ratio * channels + 0.5))) for ratio in RATIOS}
    return {0.0: 0, **{ratio: count * column for ratio, count in counts.items()}}


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
    """Find a good scheme by evolutionary search, for networks that are too large for exact search.

    Args:
        program: the inference program.
        contributions: of each part; see `trials`.
        budget: bytes of RAM for the arena and the trained tensors.
        loss: loss of the training step.
        population: candidates per generation.
        generations: number of generations.
        seed: seed of the search.

    Raises:
        BudgetError: No candidate fits.
        UsageError: The contributions belong to another program.
    """
    search = _start_search(program, contributions, budget, loss)
    random = np.random.default_rng(seed)
    search.consider(0, (0.0,) * len(search.layers))
    candidates = [_random_candidate(search, random) for _ in range(population)]
    for _ in range(generations):
        fitting = [candidate for candidate in candidates if search.ram(*candidate) <= budget]
        for candidate in fitting:
            search.consider(*candidate)
        fitting.sort(key=partial(_gain, search), reverse=True)
        parents = fitting[: population // 4] or [(0, (0.0,) * len(search.layers))]
        candidates = [_breed(search, random, parents) for _ in range(population)]
    return search.result()


Candidate = tuple[int, Ratios]


def _gain(search: _Search, candidate: Candidate) -> float:
    return search.contributions.total(search.layers, *candidate)


def _random_candidate(search: _Search, random: np.random.Generator) -> Candidate:
    suffix = int(random.integers(len(search.layers) + 1))
    ratios = random.choice([0.0, *RATIOS], len(search.layers))
    return _repair(search, suffix, tuple(float(r) for r in ratios))


def _breed(search: _Search, random: np.random.Generator, parents: list[Candidate]) -> Candidate:
    """Return a crossover of two parents with mutations."""
    first, second = (parents[int(random.integers(len(parents)))] for _ in range(2))
    ratios = [a if random.random() < 0.5 else b for a, b in zip(first[1], second[1], strict=True)]
    for i in range(len(ratios)):
        if random.random() < 0.15:
            ratios[i] = float(random.choice([0.0, *RATIOS]))
    suffix = first[0] + int(random.integers(-1, 2))
    return _repair(search, min(max(suffix, 0), len(search.layers)), tuple(ratios))


def _repair(search: _Search, suffix: int, ratios: Ratios) -> Candidate:
    """Return the candidate without trained weights where the bias is frozen."""
    first = len(search.layers) - suffix
    return suffix, tuple(r if i >= first else 0.0 for i, r in enumerate(ratios))
