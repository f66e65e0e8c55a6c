"""MATLAB's bicubic resizing: values worked out by hand, invariants, and published pictures."""

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from kinoloom.errors import ArrayError, UsageError
from kinoloom.metrics import resize_bicubic

SCALES = st.fractions(Fraction(1, 9), Fraction(9), max_denominator=9)


def draw_impulse(length: int, at: int) -> NDArray[np.float64]:
    """A row of zeros with a one."""
    row = np.zeros((1, length))
    row[0, at] = 1
    return row


def test_enlarging_an_impulse_samples_the_kernel() -> None:
    # Centres of the output are at odd multiples of a quarter of an input pixel.
    quarters = np.array([1.75, 1.25, 0.75, 0.25, -0.25, -0.75, -1.25, -1.75])
    near = np.abs(quarters)
    inner = 1.5 * near**3 - 2.5 * near**2 + 1
    outer = -0.5 * near**3 + 2.5 * near**2 - 4 * near + 2
    large = resize_bicubic(draw_impulse(9, 4), 2)
    assert large.shape == (2, 18)
    assert large[0, 5:13] == pytest.approx(np.where(near <= 1, inner, outer), abs=1e-12)
    assert not large[0, :5].any()
    assert not large[0, 13:].any()


def test_reducing_widens_the_kernel() -> None:
    # Half the kernel at 0.25, 0.75, 1.25, 1.75, for the four input pixels on each side.
    weights = np.array([-0.01171875, -0.03515625, 0.11328125, 0.43359375])
    row = resize_bicubic(draw_impulse(32, 15), 0.5)[0]
    assert row[6:10] == pytest.approx(weights[[1, 3, 2, 0]], abs=1e-12)


def test_edge_pixels_continue_beyond_the_border() -> None:
    ramp = np.arange(16.0)[None]
    padded = np.pad(ramp, ((0, 0), (8, 8)), mode="edge")
    assert resize_bicubic(ramp, 0.5)[0] == pytest.approx(resize_bicubic(padded, 0.5)[0, 4:-4])


@given(scale=SCALES, height=st.integers(1, 40), width=st.integers(1, 40), value=st.integers(0, 255))
def test_a_flat_picture_stays_flat(scale: Fraction, height: int, width: int, value: int) -> None:
    flat = np.full((height, width, 3), value, np.uint8)
    result = resize_bicubic(flat, scale)
    assert result.shape == (math.ceil(height * scale), math.ceil(width * scale), 3)
    assert result.dtype == np.uint8
    assert (result == value).all()


@given(scale=st.fractions(1, 9, max_denominator=9), slope=st.floats(-1, 1))
def test_an_enlarged_ramp_is_a_ramp_away_from_the_borders(scale: Fraction, slope: float) -> None:
    ramp = slope * np.arange(40.0)[None]
    result = resize_bicubic(ramp, scale)
    margin = math.ceil(3 * scale) + 1
    inside = np.arange(result.shape[1])[margin:-margin]
    expected = slope * ((inside + 0.5) / float(scale) - 0.5)
    assert result[0, margin:-margin] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_integers_are_clipped_and_floats_are_not(dtype: Any) -> None:
    top = float(np.iinfo(dtype).max)
    step = np.repeat(np.array([[0] * 8 + [top] * 8], dtype), 4, axis=0)
    whole = resize_bicubic(step, 2)
    assert (whole.min(), whole.max()) == (0, top)
    real = resize_bicubic(step.astype(np.float32) / np.float32(top), 2)
    assert real.dtype == np.float32
    assert real.min() < -0.05
    assert real.max() > 1.05


def test_integers_are_rounded_after_each_axis() -> None:
    # Columns of means 0.5 and 1.5 round to 1 and 2, whose mean 1.5 rounds to 2. One rounding, or
    # columns first, would give 1.
    square = np.array([[0, 2], [1, 1]], np.uint8)
    assert resize_bicubic(square, Fraction(1, 2)).tolist() == [[2]]
    assert resize_bicubic(square, 1).tolist() == square.tolist()


@pytest.mark.parametrize(
    ("image", "scale", "error", "message"),
    [
        (np.zeros((4, 4, 3), np.uint8), 0, UsageError, "The scale is 0; expected a positive"),
        (np.zeros((4, 4, 3), np.uint8), math.inf, UsageError, "The scale is inf"),
        (np.zeros((4, 4, 3), np.uint8), math.nan, UsageError, "The scale is nan"),
        (np.zeros((4, 4, 3), np.int32), 2, ArrayError, "has dtype int32; expected uint8"),
        (np.zeros((4, 0, 3), np.uint8), 2, ArrayError, r"has shape \(4, 0, 3\)"),
        (np.zeros(4, np.uint8), 2, ArrayError, r"has shape \(4,\)"),
        ([[1]], 2, ArrayError, "has shape list"),
    ],
)
def test_bad_input_is_rejected(image: Any, scale: float, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        resize_bicubic(image, scale)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_low_resolution_pictures_of_set5_are_reproduced(shared_data: Path, scale: int) -> None:
    folder = shared_data / "enhance" / "set5"
    for number in range(1, 6):
        high = np.asarray(Image.open(folder / f"HR/img_{number:03}.png").convert("RGB"))
        name = f"LR_x{scale}/img_{number:03}_SRF_{scale}_LR.png"
        low = np.asarray(Image.open(folder / name).convert("RGB"))
        height, width = (low.shape[0] * scale, low.shape[1] * scale)
        assert np.array_equal(resize_bicubic(high[:height, :width], Fraction(1, scale)), low)
