"""The engine `blend`: a cross-fade, in every element type, with alpha."""

import numpy as np
import pytest

from kinoloom.errors import ArrayError
from kinoloom.film.engine import EngineOptions
from kinoloom.film.engines.blend import BLEND
from kinoloom.film.synthesis.pixels import bands

ENGINE = BLEND.make(EngineOptions(1 << 20))


def one(first: np.ndarray, second: np.ndarray, time: float) -> np.ndarray:
    (made,) = ENGINE.between(first, second, [time])
    return made


@pytest.mark.parametrize(
    ("dtype", "values", "time", "expected"),
    [
        ("uint8", (0, 100), 0.5, 50),
        ("uint8", (255, 0), 0.25, 191),
        ("uint16", (1000, 65535), 0.5, 33268),
        ("float32", (0.25, 0.75), 0.75, 0.625),
    ],
)
def test_the_mix_is_of_stored_values(
    dtype: str, values: tuple[float, float], time: float, expected: float
) -> None:
    first, second = (np.full((3, 5, 3), value, dtype) for value in values)
    made = one(first, second, time)
    assert made.dtype == first.dtype
    np.testing.assert_allclose(made.astype(float), expected, atol=0.5 if dtype != "float32" else 0)


def test_times_are_kept_in_order() -> None:
    first, second = np.zeros((1, 1, 3), np.uint8), np.full((1, 1, 3), 200, np.uint8)
    made = ENGINE.between(first, second, [0.75, 0.25])
    assert [int(picture[0, 0, 0]) for picture in made] == [150, 50]


def test_more_than_one_band_is_mixed() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 256, (2, 300, 200, 3), np.uint8)
    assert len(list(bands(300, 200))) > 1
    mean = (first.astype(int) + second) / 2
    assert np.abs(one(first, second, 0.5) - mean).max() <= 0.5


@pytest.mark.parametrize("size", [(1, 1), (7, 1 << 16), (1000, 33)])
def test_bands_cover_each_row_once(size: tuple[int, int]) -> None:
    rows = [row for top, bottom in bands(*size) for row in range(top, bottom)]
    assert rows == list(range(size[0]))


def test_hidden_colours_do_not_bleed_in() -> None:
    first = np.full((2, 2, 4), (255, 0, 0, 0), np.uint8)  # red, but fully transparent
    second = np.full((2, 2, 4), (0, 0, 200, 255), np.uint8)
    np.testing.assert_array_equal(one(first, second, 0.5)[0, 0], [0, 0, 200, 128])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_equal_pictures_give_themselves(dtype: str) -> None:
    picture = np.random.default_rng(0).random((4, 5, 4))
    top = 1 if dtype == "float32" else np.iinfo(dtype).max
    picture = (picture * top).astype(dtype)
    made = one(picture, picture.copy(), 0.3)
    np.testing.assert_array_equal(made, picture)
    assert not np.shares_memory(made, picture)


def test_it_knows_no_motion() -> None:
    picture = np.zeros((4, 5, 3), np.uint8)
    assert ENGINE.flows(picture, picture) is None


@pytest.mark.parametrize("other", [np.zeros((4, 6, 3), np.uint8), np.zeros((4, 5, 3), np.uint16)])
def test_pictures_that_differ_in_kind_are_refused(other: np.ndarray) -> None:
    with pytest.raises(ArrayError, match="one shape and dtype"):
        one(np.zeros((4, 5, 3), np.uint8), other, 0.5)
