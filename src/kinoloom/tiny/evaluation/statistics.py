"""Uncertainty of accuracies: intervals, standard errors of gains, and sizes of test sets.

Scores are arrays (repeats, examples) with one value per held-out example and random seed, higher is
better: 1 for a correct class and 0 for a wrong one, or a negative squared error.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from kinoloom.tiny.ir.program import Array

CONFIDENCE = 0.95
Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
MIN_EXAMPLES = 6
"""Fewest examples with which a sign test can reach p < 0.05."""


@dataclass(frozen=True)
class Gain:
    """The gain of one candidate over another.

    Attributes:
        mean: mean difference of the scores.
        standard_error: over seeds and examples together; infinite if too few examples.
    """

    mean: float
    standard_error: float

    def is_distinguishable(self, comparisons: int = 1) -> bool:
        """Return whether the gain is positive beyond noise, with 95 % confidence.

        Args:
            comparisons: number of gains tested together; each needs more evidence (Bonferroni).
        """
        quantile = NormalDist().inv_cdf(1 - (1 - CONFIDENCE) / 2 / comparisons)
        return self.mean > quantile * self.standard_error

    def __str__(self) -> str:
        return f"{self.mean:+.4f} ± {self.standard_error:.4f}"


def measure_seed_variance(differences: Iterable[Array]) -> float:
    """Return the variance of a gain between seeds, pooled over several gains.

    A few seeds estimate the variance of one gain badly; those of many gains together do not.

    Args:
        differences: differences of scores (repeats, examples), one array per gain.
    """
    variances = [float(d.mean(axis=1).var(ddof=1)) for d in differences if len(d) > 1]
    return float(np.mean(variances)) if variances else 0.0


def estimate_gain(difference: Array, seed_variance: float | None = None) -> Gain:
    """Estimate a gain from the differences of the scores of two candidates.

    Seeds and examples are both samples: the gain must hold for other seeds and other examples.

    Args:
        difference: (repeats, examples), paired by seed and example.
        seed_variance: variance between seeds; None to estimate it from this gain alone.
    """
    repeats, count = difference.shape
    if seed_variance is None:
        seed_variance = measure_seed_variance([difference])
    if count < MIN_EXAMPLES:
        return Gain(float(difference.mean()), math.inf)
    example_variance = float(difference.mean(axis=0).var(ddof=1))
    error = math.sqrt(seed_variance / repeats + example_variance / count)
    return Gain(float(difference.mean()), error)


def accuracy_interval(accuracy: float, count: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of an accuracy (Wilson 1927).

    Args:
        accuracy: fraction of correct classes, 0..1.
        count: number of test examples.
    """
    center = (accuracy + Z**2 / (2 * count)) / (1 + Z**2 / count)
    spread = math.sqrt(accuracy * (1 - accuracy) / count + Z**2 / (4 * count**2))
    half = Z * spread / (1 + Z**2 / count)
    return max(0.0, center - half), min(1.0, center + half)


def count_examples_needed(first: float, second: float) -> int:
    """Return about how many test examples distinguish two accuracies with 95 % confidence."""
    mean = min(max((first + second) / 2, 0.01), 0.99)
    return math.ceil(Z**2 * mean * (1 - mean) / (first - second) ** 2)
