"""Pictures through real codecs in memory."""

from fractions import Fraction

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kinoloom.base.clip import Color
from kinoloom.errors import UnsupportedMediaError
from kinoloom.media.recompression import (
    MAX_CRF,
    Compression,
    recompress,
    recompress_picture,
)

RATE = Fraction(25)
Pixels = NDArray[np.uint8]


def draw_frames(count: int, height: int = 72, width: int = 96) -> list[Pixels]:
    """Draw a smooth coloured pattern that moves two pixels to the right per frame."""
    coarse = np.random.default_rng(2).integers(30, 220, (6, 12, 3)).astype(np.uint8)
    wide = cv2.resize(coarse, (width + 2 * count, height), interpolation=cv2.INTER_CUBIC)
    return [np.ascontiguousarray(wide[:, 2 * (count - k) :][:, :width]) for k in range(count)]


def find_error(first: list[Pixels], second: list[Pixels]) -> float:
    return float(
        np.mean([np.abs(a.astype(int) - b).mean() for a, b in zip(first, second, strict=True)])
    )


@pytest.mark.parametrize("codec", MAX_CRF)
def test_pictures_return_in_order_and_always_the_same(codec: str) -> None:
    frames = draw_frames(20)
    compression = Compression(codec, crf=4)
    result = list(recompress(frames, compression, RATE))
    assert find_error(result, frames) < 3
    assert all(picture.shape == (72, 96, 3) for picture in result)
    again = list(recompress(iter(frames), compression, RATE))
    assert all(np.array_equal(a, b) for a, b in zip(result, again, strict=True))


@pytest.mark.parametrize(("height", "width"), [(24, 32), (64, 64), (128, 64)])
def test_h265_is_the_same_for_small_pictures(height: int, width: int) -> None:
    """With larger blocks, x265 reads wrong memory, and every run differs."""
    rng = np.random.default_rng(1)
    frames = [rng.integers(0, 256, (height, width, 3)).astype(np.uint8) for _ in range(12)]
    first, *others = (list(recompress(frames, Compression("h265", 30), RATE)) for _ in range(4))
    assert all(np.array_equal(first, other) for other in others)


@pytest.mark.parametrize("codec", MAX_CRF)
def test_quality_falls_with_the_factor_and_rises_with_the_bit_rate(codec: str) -> None:
    frames = draw_frames(12, 144, 192)

    def measure(crf: int | None, bits_per_pixel: float | None) -> float:
        return find_error(
            list(recompress(frames, Compression(codec, crf, bits_per_pixel), RATE)), frames
        )

    assert measure(MAX_CRF[codec], None) > 1.5 * measure(8, None)
    assert measure(None, 0.02) > 1.2 * measure(None, 1.0)


@settings(max_examples=25)
@given(st.sampled_from(list(MAX_CRF)), st.integers(1, 150), st.integers(1, 150))
def test_pictures_of_any_size_are_accepted(codec: str, height: int, width: int) -> None:
    frames = draw_frames(2, height, width)
    result = list(recompress(frames, Compression(codec, 12), RATE))
    assert [picture.shape for picture in result] == [(height, width, 3)] * 2


def test_a_single_picture_is_a_key_frame() -> None:
    (picture,) = draw_frames(1)
    result = recompress_picture(picture, Compression("h264", 10))
    assert find_error([result], [picture]) < 3
    coarse = recompress_picture(picture, Compression("h264", None, 0.01))
    assert find_error([coarse], [picture]) > 2 * find_error([result], [picture])


def test_no_pictures_give_none() -> None:
    assert list(recompress([], Compression("h264", 20), RATE)) == []


def test_chroma_is_stored_at_half_the_resolution() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2, 0] = stripes[:, 1::2, 2] = 200
    result = recompress_picture(stripes, Compression("mpeg4", 2))
    inner = result[8:-8, 8:-8].astype(int)
    assert np.ptp(inner[..., 0] - inner[..., 2]) < 120 < np.ptp(stripes[..., 0].astype(int))


@pytest.mark.parametrize(
    "color", [Color(matrix=0, full_range=True), Color(5, 6, 6), Color(9, 1, 9)]
)
def test_colours_survive_in_every_colour_space(color: Color) -> None:
    flat = np.full((64, 64, 3), (200, 60, 90), np.uint8)
    (result,) = recompress([flat], Compression("h264", 4), RATE, color)
    assert np.abs(result.astype(int) - flat).max() <= 4


def test_a_size_beyond_the_codec_is_rejected() -> None:
    with pytest.raises(UnsupportedMediaError, match="h264 rejects pictures of 20000x16 pixels"):
        list(recompress([np.zeros((16, 20000, 3), np.uint8)], Compression("h264", 20), RATE))
