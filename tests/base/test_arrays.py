"""Pictures as arrays: what is let in, and the ways between element types."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from kinoloom.base.arrays import check_picture, from_float, to_float
from kinoloom.errors import ArrayError


def grey(value: float, dtype: Any = np.float32, shape: tuple[int, ...] = (2, 3, 3)) -> NDArray[Any]:
    return np.full(shape, value, dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 1, 4), (7, 5, 3)])
def test_valid_picture_is_returned_unchanged(dtype: Any, shape: tuple[int, ...]) -> None:
    image = grey(1, dtype, shape)
    assert check_picture(image) is image


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ([[[1, 2, 3]]], "a list; expected a numpy array"),
        (None, "a NoneType; expected a numpy array"),
        (grey(0, shape=(4, 4)), r"shape \(4, 4\)"),
        (grey(0, shape=(4, 4, 1)), r"shape \(4, 4, 1\)"),
        (grey(0, shape=(1, 4, 4, 3)), r"shape \(1, 4, 4, 3\)"),
        (grey(0, shape=(0, 4, 3)), r"shape \(0, 4, 3\)"),
        (grey(0, np.float64), "dtype float64"),
        (grey(0, np.int8), "dtype int8"),
        (grey(0, bool), "dtype bool"),
        (grey(0, ">u2"), "dtype >u2"),
        (grey(np.nan), "NaN or infinite"),
        (grey(np.inf), "NaN or infinite"),
        (grey(-0.5), "from -0.5 to -0.5; expected 0..1"),
        (grey(255), "from 255 to 255"),
    ],
)
def test_invalid_pictures_are_rejected_by_name(image: object, message: str) -> None:
    with pytest.raises(ArrayError, match=f"The second photo .*{message}"):
        check_picture(image, "second photo")


def test_one_nan_among_many_is_found() -> None:
    image = grey(0.5, shape=(40, 50, 3))
    image[33, 21, 2] = np.nan
    with pytest.raises(ArrayError, match="NaN"):
        check_picture(image)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_integer_value_round_trips_through_float(dtype: Any) -> None:
    top = np.iinfo(dtype).max
    image = np.resize(np.arange(top + 1, dtype=dtype), (top + 1, 1, 3))
    way = to_float(image)
    assert way.dtype == np.float32
    assert (way.min(), way.max()) == (0, 1)
    assert np.array_equal(from_float(way, np.dtype(dtype)), image)


def test_float_picture_is_not_copied() -> None:
    image = grey(0.25)
    assert to_float(image) is image


@given(hnp.arrays(np.float32, (2, 2, 3), elements=st.floats(-2, 3, width=32)))
def test_from_float_clips_and_rounds_to_the_nearest(image: NDArray[np.float32]) -> None:
    made = from_float(image, np.dtype(np.uint8))
    assert made.dtype == np.uint8
    assert np.abs(made / 255 - np.clip(image, 0, 1)).max() <= 0.5 / 255 + 1e-6
    kept = from_float(image, np.dtype(np.float32))
    assert np.array_equal(kept, np.clip(image, 0, 1))
