"""Prefetched batches are equal for all workers, and in order."""

import threading
import time
from collections import namedtuple
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pytest
import torch
import toy

from kinoloom.errors import UsageError
from kinoloom.learn.loading import iterate_batches, to_device
from kinoloom.learn.seeds import generator, seed_everything, share_indices

STEPS = range(3, 9)


def load_all(loaders: int, loader: Literal["threads", "processes"]) -> list[Any]:
    settings = replace(toy.QUICK, loaders=loaders, loader=loader)
    return list(iterate_batches(toy.Numbers(settings), STEPS, range(1, 3), 4, settings))


@pytest.mark.parametrize(("loaders", "loader"), [(3, "threads"), (1, "processes")])
def test_workers_build_equal_batches_in_order(loaders: int, loader: Any) -> None:
    expected, found = load_all(0, "threads"), load_all(loaders, loader)
    assert [[part["step"] for part in parts] for parts in found] == [[s, s] for s in STEPS]
    for expected_parts, parts in zip(expected, found, strict=True):
        for one, other in zip(expected_parts, parts, strict=True):
            assert np.array_equal(one["x"], other["x"])
            assert torch.equal(one["y"], other["y"])


def test_prefetching_is_bounded() -> None:
    settings = replace(toy.QUICK, loaders=2, ahead=3)
    started: list[int] = []

    def make(step: int, share: int, shares: int) -> int:
        started.append(step)
        return step

    source = iterate_batches(make, range(100), range(1), 1, settings)
    assert next(source) == [0]
    while len(started) < 5:
        time.sleep(0.001)
    time.sleep(0.05)
    assert sorted(started) == [0, 1, 2, 3, 4]
    assert next(source) == [1]
    close(source)
    assert not [t for t in threading.enumerate() if t.name.startswith("kinoloom-batches")]


def close(source: Iterator[Any]) -> None:
    source.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("loaders", [0, 2])
def test_error_is_raised_at_its_step(loaders: int) -> None:
    def make(step: int, share: int, shares: int) -> int:
        if step == 4:
            raise OSError("disk gone")
        return step

    settings = replace(toy.QUICK, loaders=loaders)
    source = iterate_batches(make, range(10), range(1), 1, settings)
    assert [next(source) for _ in range(4)] == [[0], [1], [2], [3]]
    with pytest.raises(OSError, match="disk gone"):
        next(source)


def test_unpicklable_batch_function_is_rejected() -> None:
    settings = replace(toy.QUICK, loader="processes")
    with pytest.raises(UsageError, match=r"cannot be pickled for worker processes.*threads"):
        next(iterate_batches(lambda step, share, shares: 0, range(1), range(1), 1, settings))


def test_shares_are_equal_and_cover_the_batch() -> None:
    assert [list(share_indices(6, share, 3)) for share in range(3)] == [[0, 1], [2, 3], [4, 5]]
    with pytest.raises(UsageError, match="batch of 6 samples cannot be divided into 4"):
        share_indices(6, 0, 4)


def test_generators_depend_on_the_key_alone() -> None:
    keys = [(0, 1, 2), (0, 2, 1), (1, 1, 2), (0, 1)]
    drawn = [generator(*key).random() for key in keys]
    assert len(set(drawn)) == 4
    assert generator(0, 1, 2).random() == drawn[0]


def test_global_generators_differ_between_shares() -> None:
    def drawn(*key: int) -> tuple[float, float]:
        seed_everything(*key)
        return float(torch.rand(())), float(np.random.rand())  # noqa: NPY002  what is tested

    assert len({drawn(0, 0, 0), drawn(0, 0, 1), drawn(0, 1, 0), drawn(1, 0, 0)}) == 4
    assert drawn(0, 1, 0) == drawn(0, 1, 0)


@dataclass(frozen=True)
class Frozen:
    tensor: torch.Tensor
    number: int


def test_all_arrays_of_a_batch_move_to_the_device() -> None:
    pair = namedtuple("pair", "a b")
    batch = {"x": [np.ones(2), "text"], "p": pair(torch.ones(1), 3), "d": Frozen(torch.ones(1), 2)}
    found = to_device(batch, torch.device("meta"))
    assert found["x"][0].device.type == "meta"
    assert found["x"][1] == "text"
    assert found["p"].a.device.type == "meta"
    assert found["p"].b == 3
    assert (found["d"].tensor.device.type, found["d"].number) == ("meta", 2)
