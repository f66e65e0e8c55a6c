"""The most detailed part of a picture."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kinoloom.enhance.pictures.detail import find_detail


def test_the_part_with_detail_is_found() -> None:
    picture = np.full((400, 600, 3), 90, np.uint8)
    picture[208:304, 320:448:8] = 200
    part = find_detail(picture, 128)
    assert 304 <= part.columns.start <= 320
    assert part.rows.start <= 208
    assert part.rows.stop >= 304


def test_noise_is_not_detail() -> None:
    rng = np.random.default_rng(1)
    picture = np.full((256, 256, 3), 128.0)
    picture[:128] += rng.normal(0, 40, (128, 256, 3))
    stripes = 128 + 60 * np.sign(np.sin(np.arange(256) / 4))
    picture[128:] = stripes[None, :, None]
    part = find_detail(picture.clip(0, 255).astype(np.uint8), 96)
    assert part.rows.start >= 112


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 64), st.integers(0, 2**31))
def test_the_part_is_inside_and_as_large_as_possible(
    height: int, width: int, side: int, seed: int
) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    part = find_detail(picture, side)
    assert part.crop(picture).shape == (min(side, height), min(side, width), 3)
    assert part.rows.start >= 0
    assert part.columns.start >= 0
    larger = part.scale(2, 3)
    assert larger.columns.stop - larger.columns.start == 2 * min(side, width)
    assert larger.rows.start == 3 * part.rows.start
