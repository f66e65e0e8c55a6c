"""Random numbers for recipes: plain values, short enough to be read in a record."""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate
from typing import TypeVar

import numpy as np

Range = tuple[float, float]
T = TypeVar("T")
_DIGITS = 5


def uniform(rng: np.random.Generator, limits: Range) -> float:
    """Draw a number from a range, rounded to five digits."""
    return _shorten(float(rng.uniform(*limits)), limits)


def log_uniform(rng: np.random.Generator, limits: Range) -> float:
    """Draw a number whose logarithm is uniform, rounded to five digits."""
    low, high = (math.log(limit) for limit in limits)
    return _shorten(math.exp(rng.uniform(low, high)), limits)


def integer(rng: np.random.Generator, limits: tuple[int, int]) -> int:
    """Draw a whole number from a range, both limits included."""
    return int(rng.integers(limits[0], limits[1] + 1))


def happens(rng: np.random.Generator, probability: float) -> bool:
    """Draw whether an event of a probability happens."""
    return bool(rng.random() < probability)


def choose(
    rng: np.random.Generator, items: Sequence[T], shares: Sequence[float] | None = None
) -> T:
    """Draw one of the items, with equal shares if none are given."""
    if shares is None:
        return items[int(rng.integers(len(items)))]
    index = bisect(list(accumulate(shares)), float(rng.random()))
    return items[min(index, len(items) - 1)]  # shares may sum to less than 1 by rounding


def _shorten(value: float, limits: Range) -> float:
    return min(max(float(f"{value:.{_DIGITS}g}"), limits[0]), limits[1])
