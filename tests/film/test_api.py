"""`kinoloom.interpolate` on arrays."""

import doctest

import numpy as np
import pytest
from scenes import panning, texture, view

import kinoloom
from kinoloom.errors import ArrayError, KinoloomError, UsageError


@pytest.fixture
def pair() -> list[np.ndarray]:
    return panning(2, step=4.0)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_arrays_give_arrays_of_their_dtype(pair: list[np.ndarray], dtype: str) -> None:
    unit = {"uint8": 1.0, "uint16": 257.0, "float32": 1 / 255}[dtype]
    arrays = [(p * unit).astype(dtype) for p in pair]
    result = kinoloom.interpolate(arrays, times=[0.25, 0.5, 0.75])
    assert result.shape == (3, *pair[0].shape)
    assert result.dtype == dtype
    truth = view(texture(0), 12.0).astype(float)[8:-8, 12:-12]
    assert np.abs(result[1][8:-8, 12:-12] / unit - truth).mean() < 4


def test_whole_times_return_the_arrays() -> None:
    pictures = panning(3)
    result = kinoloom.interpolate(pictures, times=[0, 0.5, 1, 1.5, 2], engine="fast")
    for index, picture in zip((0, 2, 4), pictures, strict=True):
        assert np.array_equal(result[index], picture)


def test_integer_times_divide_each_pair_evenly() -> None:
    assert kinoloom.interpolate(panning(3), times=4, engine="fast").shape[0] == 6
    assert kinoloom.interpolate(panning(2), engine="fast").shape[0] == 1


def test_alpha_is_interpolated(pair: list[np.ndarray]) -> None:
    arrays = [np.dstack([p, np.full(p.shape[:2], 120, np.uint8)]) for p in pair]
    result = kinoloom.interpolate(arrays)
    assert result.shape[-1] == 4
    assert np.abs(result[..., 3].astype(int) - 120).max() <= 1


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 7, 3), (5, 3, 3), (33, 65, 3)])
@pytest.mark.parametrize("engine", ["fast"])
def test_any_size_works(shape: tuple[int, ...], engine: str) -> None:
    rng = np.random.default_rng(0)
    pair = [rng.integers(0, 256, shape, np.uint8) for _ in range(2)]
    assert kinoloom.interpolate(pair, times=3, engine=engine).shape == (2, *shape)


nan = np.full((4, 4, 3), np.nan, np.float32)
good = np.zeros((4, 4, 3), np.uint8)


@pytest.mark.parametrize(
    ("source", "error", "match"),
    [
        ([good, nan], ArrayError, "NaN"),
        ([good, good.astype(np.int64)], ArrayError, "int64"),
        ([good, good[:3]], ArrayError, "same shape and dtype"),
        ([good, good[..., 0]], ArrayError, r"\(4, 4\)"),
        ([good, "b.png"], ArrayError, "str"),
        ([good], UsageError, "at least two images"),
        ([good, good.astype(np.float32) + 2], ArrayError, "0..1"),
        ([np.zeros((0, 4, 3), np.uint8)] * 2, ArrayError, "at least 1"),
    ],
)
def test_invalid_arrays_are_rejected(
    source: list[object], error: type[KinoloomError], match: str
) -> None:
    with pytest.raises(error, match=match):
        kinoloom.interpolate(source)


@pytest.mark.parametrize("times", [[-0.1], [1.1], [0.5, 0.2], [], [float("nan")], 1, 0])
def test_invalid_times_are_rejected(times: object) -> None:
    with pytest.raises(UsageError):
        kinoloom.interpolate([good, good], times=times)


def test_film_options_are_rejected_for_arrays() -> None:
    with pytest.raises(UsageError, match="'fps' is not supported for arrays"):
        kinoloom.interpolate([good, good], fps=60)


def test_docstring_example_runs() -> None:
    from kinoloom.film import api

    assert doctest.testmod(api).failed == 0
    assert doctest.testmod(api).attempted > 0
