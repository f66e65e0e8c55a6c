"""Skipping changes nothing, and computes only what changed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kinoloom.enhance.networks.upscaler import NetworkUpscaler
from kinoloom.enhance.tiers import choose_upscalers, open_upscaler
from kinoloom.enhance.video.skipping import Skipper, find_changed, list_rectangles

Plane = NDArray[np.uint8]
REACH = 3


def blur_twice_as_large(picture: Plane) -> Plane:
    """A function with a reach of 3 pixels, exact in whole numbers."""
    edge = cv2.BORDER_REPLICATE
    wide = cv2.boxFilter(
        picture.astype(np.int32).astype(np.float64), -1, (7, 7), normalize=False, borderType=edge
    )
    return np.asarray(wide % 256, np.uint8).repeat(2, 0).repeat(2, 1)


def network() -> NetworkUpscaler:
    return open_upscaler(choose_upscalers("live", "clean", 2)[0].file)


@settings(max_examples=30, deadline=None)
@given(
    height=st.integers(1, 150),
    width=st.integers(1, 150),
    seed=st.integers(0, 2**31),
    changes=st.lists(st.integers(0, 6), min_size=1, max_size=4),
)
def test_results_equal_those_of_whole_pictures(
    height: int, width: int, seed: int, changes: list[int]
) -> None:
    rng = np.random.default_rng(seed)
    picture = rng.integers(0, 256, (height, width), dtype=np.uint8)
    skipper = Skipper(blur_twice_as_large, REACH, 2)
    np.testing.assert_array_equal(skipper(picture), blur_twice_as_large(picture))
    for count in changes:
        picture = picture.copy()
        for _ in range(count):
            picture[rng.integers(height), rng.integers(width)] ^= 255
        np.testing.assert_array_equal(skipper(picture), blur_twice_as_large(picture))


@settings(max_examples=50, deadline=None)
@given(
    rows=st.integers(1, 6),
    columns=st.integers(1, 6),
    seed=st.integers(0, 2**31),
)
def test_rectangles_cover_each_changed_square_once(rows: int, columns: int, seed: int) -> None:
    changed = np.random.default_rng(seed).random((rows, columns)) < 0.5
    shape = (rows * 32 - 5, columns * 32 - 9)
    covered = np.zeros(shape, int)
    for rectangle in list_rectangles(changed, shape):
        covered[rectangle] += 1
    expected = changed.repeat(32, 0).repeat(32, 1)[: shape[0], : shape[1]]
    np.testing.assert_array_equal(covered, expected)


def test_pixels_change_squares_within_their_reach() -> None:
    before = np.zeros((96, 96), np.uint8)
    after = before.copy()
    after[32 + REACH, 40] = 1
    assert find_changed(after, before, REACH).sum() == 1
    after[32 + REACH - 1, 40] = 1
    assert [tuple(p) for p in np.argwhere(find_changed(after, before, REACH))] == [(0, 1), (1, 1)]


def test_equal_pictures_are_not_computed_and_shares_are_counted() -> None:
    calls: list[tuple[int, ...]] = []

    def compute(picture: Plane) -> Plane:
        calls.append(picture.shape)
        return blur_twice_as_large(picture)

    skipper = Skipper(compute, REACH, 2)
    picture = np.zeros((128, 128), np.uint8)
    skipper(picture)
    skipper(picture.copy())
    assert calls == [(128, 128)]
    assert (skipper.squares, skipper.kept) == (16, 16)
    changed = picture.copy()
    changed[50, 50] = 9
    skipper(changed)
    assert calls[1:] == [(32 + 2 * REACH, 32 + 2 * REACH)]
    assert (skipper.squares, skipper.kept) == (32, 31)
    skipper(np.zeros((64, 128), np.uint8))
    assert calls[-1] == (64, 128)


@pytest.mark.parametrize("tier", ["live", "fast"])
def test_networks_return_the_same_bits_for_parts(tier: str) -> None:
    (chosen,) = choose_upscalers(tier, "clean", 2)
    upscaler = open_upscaler(chosen.file)
    reach = upscaler.facts.reach_px
    assert reach is not None
    luma = np.random.default_rng(1).random((101, 143), np.float32)
    whole = upscaler.enlarge_luma(luma)
    part = upscaler.enlarge_luma(np.ascontiguousarray(luma[20:80, 30:120]))
    inner = part[2 * reach : -2 * reach, 2 * reach : -2 * reach]
    top, left = 2 * (20 + reach), 2 * (30 + reach)
    np.testing.assert_array_equal(
        inner, whole[top : top + inner.shape[0], left : left + inner.shape[1]]
    )


def test_the_stated_reach_is_the_real_one() -> None:
    upscaler = network()
    reach = upscaler.facts.reach_px
    assert reach is not None
    luma = np.random.default_rng(2).random((64, 64), np.float32)
    other = luma.copy()
    other[32, 32] = 1 - other[32, 32]
    rows, columns = np.nonzero(upscaler.enlarge_luma(luma) != upscaler.enlarge_luma(other))
    extent = max(32 - rows.min() // 2, rows.max() // 2 - 32, columns.max() // 2 - 32)
    assert reach - 1 <= extent <= reach
