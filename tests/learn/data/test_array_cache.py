"""The cache of decoded arrays."""

import pickle

import numpy as np

from kinoloom.learn.data.cache import ArrayCache


def array(value: int) -> np.ndarray:
    return np.full(100, value, np.uint8)


def test_an_array_is_computed_once() -> None:
    cache, computed = ArrayCache(1000), []

    def compute() -> np.ndarray:
        computed.append(1)
        return array(5)

    assert cache.get("a", compute) is cache.get("a", compute)
    assert len(computed) == 1


def test_the_least_recently_used_arrays_are_dropped() -> None:
    cache = ArrayCache(250)
    first, second = cache.get(1, lambda: array(1)), cache.get(2, lambda: array(2))
    assert cache.get(1, lambda: array(9)) is first
    cache.get(3, lambda: array(3))
    assert cache.size_bytes == 200
    assert cache.get(1, lambda: array(9)) is first
    assert cache.get(2, lambda: array(9)) is not second


def test_an_array_above_the_limit_is_returned_and_not_kept() -> None:
    cache = ArrayCache(99)
    assert cache.get(1, lambda: array(1))[0] == 1
    assert cache.get(1, lambda: array(2))[0] == 2
    assert cache.size_bytes == 0


def test_a_pickled_cache_starts_empty() -> None:
    cache = ArrayCache(1000)
    cache.get(1, lambda: array(1))
    again = pickle.loads(pickle.dumps(cache))  # noqa: S301  our own bytes
    assert (again.limit_bytes, again.size_bytes) == (1000, 0)
    assert again.get(1, lambda: array(2))[0] == 2
    assert len(pickle.dumps(cache)) < 200
