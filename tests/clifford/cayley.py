"""An independent oracle for products of multivectors.

Blades are lists of generators; a product sorts the joined list by swapping neighbours and strikes
out equal ones. Slow, and plainly right.
"""

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
from hypothesis import strategies as st

Blade = tuple[int, ...]


def blades(dim: int) -> list[Blade]:
    return [c for grade in range(dim + 1) for c in combinations(range(dim), grade)]


def multiply(first: Blade, second: Blade, metric: Sequence[int]) -> tuple[Blade, int]:
    word, sign, at = [*first, *second], 1, 0
    while at < len(word) - 1:
        if word[at] > word[at + 1]:
            word[at], word[at + 1] = word[at + 1], word[at]
            sign, at = -sign, max(at - 1, 0)
        elif word[at] == word[at + 1]:
            sign *= metric[word[at]]
            del word[at : at + 2]
            at = max(at - 1, 0)
        else:
            at += 1
    return tuple(word), sign


def product(
    x: np.ndarray,
    y: np.ndarray,
    metric: Sequence[int],
    keeps: Callable[[int, int, int], bool] = lambda i, j, k: True,
) -> np.ndarray:
    """Return the product of two multivectors (I,), restricted to grades by `keeps`."""
    order = blades(len(metric))
    total = np.zeros(len(order), np.float64)
    for i, first in enumerate(order):
        for j, second in enumerate(order):
            blade, sign = multiply(first, second, metric)
            if keeps(len(first), len(second), len(blade)):
                total[order.index(blade)] += sign * x[i] * y[j]
    return total


def metrics(smallest: int = 1, largest: int = 4) -> st.SearchStrategy[tuple[int, ...]]:
    """Draw signatures of `smallest` to `largest` generators, in any order."""
    return st.lists(st.sampled_from([1, -1, 0]), min_size=smallest, max_size=largest).map(tuple)


def multivector(dim: int, seed: int, count: int = 1) -> np.ndarray:
    """Draw normal multivectors (count, I), or (I,) for one."""
    drawn = np.random.default_rng(seed).standard_normal((count, 2**dim))
    return drawn[0] if count == 1 else drawn
