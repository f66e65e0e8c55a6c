"""Trials: each candidate of a search trained with several seeds, and what is more than noise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from kinoloom.tiny.evaluation.search import (
    RATIOS,
    Contributions,
    SearchResult,
    build_scheme,
)
from kinoloom.tiny.evaluation.statistics import Gain, estimate_gain, measure_seed_variance
from kinoloom.tiny.ir.program import Array, Program
from kinoloom.tiny.training.scheme import Update, collect_convs

Score = Callable[[dict[str, Update]], Array]
"""A function that trains a scheme with several seeds and returns scores (repeats, examples)."""


@dataclass(frozen=True)
class Trials:
    """Scores (repeats, examples) of single candidates; see `evaluation.statistics`.

    Attributes:
        head: the head alone.
        biases: biases of the last k layers and the head, by k - 1.
        weights: weights of one layer and the head, by (layer, ratio).
    """

    head: Array
    biases: tuple[Array, ...]
    weights: Mapping[tuple[str, float], Array]

    @cached_property
    def seed_variance(self) -> float:
        """Variance of a gain between seeds, pooled over all candidates."""
        scores = [*self.biases, *self.weights.values()]
        return measure_seed_variance([one - self.head for one in scores])

    @property
    def comparisons(self) -> int:
        """Number of candidates that are compared with the head."""
        return len(self.biases) + len(self.weights)

    def bias_gains(self) -> tuple[Gain, ...]:
        """Return the gains of biases over the head alone, by k - 1."""
        return tuple(self._estimate(one, self.head) for one in self.biases)

    def weight_gains(self) -> dict[tuple[str, float], Gain]:
        """Return the gains of weights over the head alone, by (layer, ratio)."""
        return {key: self._estimate(one, self.head) for key, one in self.weights.items()}

    def contributions(self) -> Contributions:
        """Return all contributions as measured, noise included."""
        biases = (0.0, *(gain.mean for gain in self.bias_gains()))
        weights = {key: gain.mean for key, gain in self.weight_gains().items()}
        return Contributions(float(self.head.mean()), biases, weights)

    def distinguishable_contributions(self) -> Contributions:
        """Return the contributions that are more than noise.

        A larger part counts only if it is distinguishably better than the best smaller one;
        otherwise it has the gain of the smaller one, so that a search prefers that.
        """
        biases, best = [0.0], self.head
        for one in self.biases:
            best = one if self._is_better(one, best) else best
            is_worse = self._is_better(best, one)
            biases.append(float(((one if is_worse else best) - self.head).mean()))
        weights = {}
        for name in dict.fromkeys(name for name, _ in self.weights):
            best = self.head
            for ratio in sorted(ratio for other, ratio in self.weights if other == name):
                one = self.weights[name, ratio]
                is_better = self._is_better(one, best)
                weights[name, ratio] = float((one - self.head).mean()) if is_better else 0.0
                best = one if is_better else best
        return Contributions(float(self.head.mean()), tuple(biases), weights)

    def _estimate(self, one: Array, other: Array) -> Gain:
        return estimate_gain(one - other, self.seed_variance)

    def _is_better(self, one: Array, other: Array) -> bool:
        return self._estimate(one, other).is_distinguishable(self.comparisons)


def count_trials(program: Program) -> int:
    """Return the number of candidates that `run_trials` trains."""
    return 1 + (len(collect_convs(program)) - 1) * (1 + len(RATIOS))


def run_trials(program: Program, score: Score, *, ratios: tuple[float, ...] = RATIOS) -> Trials:
    """Train each part together with the head.

    Args:
        program: the inference program.
        score: function that trains a scheme and returns its scores.
        ratios: ratios of trained weights to measure.
    """
    layers = [op.layer for op in collect_convs(program)][:-1]
    frozen = (0.0,) * len(layers)
    head = build_scheme(program, 0, frozen)
    suffixes = range(1, len(layers) + 1)
    return Trials(
        score(head),
        tuple(score(build_scheme(program, k, frozen)) for k in suffixes),
        {
            (name, ratio): score({name: Update(False, ratio), **head})
            for name in layers
            for ratio in ratios
        },
    )


@dataclass(frozen=True)
class Finalist:
    """A scheme that a search proposes, trained as a whole.

    Attributes:
        result: the scheme with its memory.
        score: mean score.
        gain: gain over the best cheaper finalist; None for the cheapest.
        is_better: whether that gain is distinguishable from noise.
    """

    result: SearchResult
    score: float
    gain: Gain | None = None
    is_better: bool = True


def train_finalists(results: list[SearchResult], score: Score) -> list[Finalist]:
    """Train the proposed schemes as a whole and compare each with the best cheaper one.

    Args:
        results: proposed schemes; equal schemes are trained once.
        score: function that trains a scheme, with other seeds than the trials, and returns scores.

    Returns:
        The finalists from cheap to expensive. The last one that `is_better` is the one to use: it
        is the cheapest that no other one distinguishably surpasses.
    """
    distinct = {tuple(sorted(result.scheme.items(), key=repr)): result for result in results}
    cheapest, *others = sorted(distinct.values(), key=lambda result: result.ram_bytes)
    best = score(cheapest.scheme)
    finalists = [Finalist(cheapest, float(best.mean()))]
    for result in others:
        scores = score(result.scheme)
        gain = estimate_gain(scores - best)
        is_better = gain.is_distinguishable(len(others))
        finalists.append(Finalist(result, float(scores.mean()), gain, is_better))
        best = scores if is_better else best
    return finalists
