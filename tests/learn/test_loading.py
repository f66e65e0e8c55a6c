"""Batches are the same whoever makes them, and in order."""

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


def made(loaders: int, loader: Literal["threads", "processes"]) -> list[Any]:
    settings = replace(toy.QUICK, loaders=loaders, loader=loader)
    return list(iterate_batches(toy.Numbers(settings), STEPS, range(1, 3), 4, settings))


@pytest.mark.parametrize(("loaders", "loader"), [(3, "threads"), (1, "processes")])
def test_workers_make_what_one_makes(loaders: int, loader: Any) -> None:
    expected, found = made(0, "threads"), made(loaders, loader)
    assert [[part["step"] for part in parts] for parts in found] == [[s, s] for s in STEPS]
    for mine, theirs in zip(expected, found, strict=True):
        for one, other in zip(mine, theirs, strict=True):
            assert np.array_equal(one["x"], other["x"])
            assert torch.equal(one["y"], other["y"])


def test_threads_run_ahead_but_not_too_far() -> None:
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
    stop(source)
    assert not [t for t in threading.enumerate() if t.name.startswith("kinoloom-batches")]


def stop(source: Iterator[Any]) -> None:
    source.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("loaders", [0, 2])
def test_an_error_in_a_source_comes_at_its_step(loaders: int) -> None:
    def make(step: int, share: int, shares: int) -> int:
        if step == 4:
            raise OSError("disk gone")
        return step

    settings = replace(toy.QUICK, loaders=loaders)
    source = iterate_batches(make, range(10), range(1), 1, settings)
    assert [next(source) for _ in range(4)] == [[0], [1], [2], [3]]
    with pytest.raises(OSError, match="disk gone"):
        next(source)


def test_a_source_that_cannot_be_sent_is_refused() -> None:
    settings = replace(toy.QUICK, loader="processes")
    with pytest.raises(UsageError, match=r"cannot be sent to other processes.*threads"):
        next(iterate_batches(lambda step, share, shares: 0, range(1), range(1), 1, settings))


def test_shares_are_equal_and_cover_the_batch() -> None:
    assert [list(share_indices(6, share, 3)) for share in range(3)] == [[0, 1], [2, 3], [4, 5]]
    with pytest.raises(UsageError, match="batch of 6 cannot be cut into 4"):
        share_indices(6, 0, 4)


def test_generators_depend_on_the_place_alone() -> None:
    places = [(0, 1, 2), (0, 2, 1), (1, 1, 2), (0, 1)]
    drawn = [generator(*place).random() for place in places]
    assert len(set(drawn)) == 4
    assert generator(0, 1, 2).random() == drawn[0]


def test_the_global_generators_are_set_apart_for_each_share() -> None:
    def drawn(*place: int) -> tuple[float, float]:
        seed_everything(*place)
        return float(torch.rand(())), float(np.random.rand())  # noqa: NPY002  what is tested

    assert len({drawn(0, 0, 0), drawn(0, 0, 1), drawn(0, 1, 0), drawn(1, 0, 0)}) == 4
    assert drawn(0, 1, 0) == drawn(0, 1, 0)


@dataclass(frozen=True)
class Frozen:
    tensor: torch.Tensor
    number: int


def test_all_arrays_in_a_batch_go_to_the_device() -> None:
    pair = namedtuple("pair", "a b")
    batch = {"x": [np.ones(2), "text"], "p": pair(torch.ones(1), 3), "d": Frozen(torch.ones(1), 2)}
    found = to_device(batch, torch.device("meta"))
    assert found["x"][0].device.type == "meta"
    assert found["x"][1] == "text"
    assert found["p"].a.device.type == "meta"
    assert found["p"].b == 3
    assert (found["d"].tensor.device.type, found["d"].number) == ("meta", 2)
