"""The engine `blend`: a cross-fade in every dtype, with and without alpha."""

import numpy as np
import pytest
from frames import render

from kinoloom.errors import ArrayError
from kinoloom.film.engine import EngineOptions
from kinoloom.film.engines.blend import BLEND
from kinoloom.film.synthesis.pixels import split_bands

ENGINE = BLEND.build(EngineOptions(1 << 20))


def interpolate_one(first: np.ndarray, second: np.ndarray, time: float) -> np.ndarray:
    (result,) = render(ENGINE, first, second, [time])
    return result


@pytest.mark.parametrize(
    ("dtype", "values", "time", "expected"),
    [
        ("uint8", (0, 100), 0.5, 50),
        ("uint8", (255, 0), 0.25, 191),
        ("uint16", (1000, 65535), 0.5, 33268),
        ("float32", (0.25, 0.75), 0.75, 0.625),
    ],
)
def test_gamma_encoded_values_are_averaged(
    dtype: str, values: tuple[float, float], time: float, expected: float
) -> None:
    first, second = (np.full((3, 5, 3), value, dtype) for value in values)
    result = interpolate_one(first, second, time)
    assert result.dtype == first.dtype
    np.testing.assert_allclose(
        result.astype(float), expected, atol=0.5 if dtype != "float32" else 0
    )


def test_order_of_times_is_kept() -> None:
    first, second = np.zeros((1, 1, 3), np.uint8), np.full((1, 1, 3), 200, np.uint8)
    result = render(ENGINE, first, second, [0.75, 0.25])
    assert [int(picture[0, 0, 0]) for picture in result] == [150, 50]


def test_several_bands_are_blended() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 256, (2, 300, 200, 3), np.uint8)
    assert len(list(split_bands(300, 200))) > 1
    mean = (first.astype(int) + second) / 2
    assert np.abs(interpolate_one(first, second, 0.5) - mean).max() <= 0.5


@pytest.mark.parametrize("size", [(1, 1), (7, 1 << 16), (1000, 33)])
def test_bands_cover_each_row_once(size: tuple[int, int]) -> None:
    rows = [row for top, bottom in split_bands(*size) for row in range(top, bottom)]
    assert rows == list(range(size[0]))


def test_hidden_colours_do_not_bleed() -> None:
    first = np.full((2, 2, 4), (255, 0, 0, 0), np.uint8)  # red, but fully transparent
    second = np.full((2, 2, 4), (0, 0, 200, 255), np.uint8)
    np.testing.assert_array_equal(interpolate_one(first, second, 0.5)[0, 0], [0, 0, 200, 128])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_identical_images_are_returned(dtype: str) -> None:
    picture = np.random.default_rng(0).random((4, 5, 4))
    top = 1 if dtype == "float32" else np.iinfo(dtype).max
    picture = (picture * top).astype(dtype)
    result = interpolate_one(picture, picture.copy(), 0.3)
    np.testing.assert_array_equal(result, picture)
    assert not np.shares_memory(result, picture)


def test_flow_is_none() -> None:
    picture = np.zeros((4, 5, 3), np.uint8)
    assert ENGINE.estimate_flow(picture, picture) is None


@pytest.mark.parametrize("other", [np.zeros((4, 6, 3), np.uint8), np.zeros((4, 5, 3), np.uint16)])
def test_images_of_different_formats_are_rejected(other: np.ndarray) -> None:
    with pytest.raises(ArrayError, match="same shape and dtype"):
        interpolate_one(np.zeros((4, 5, 3), np.uint8), other, 0.5)
