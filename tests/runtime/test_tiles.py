"""Tiles: they cover the picture, leave no seam, and change nothing that is local."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kinoloom.errors import UsageError
from kinoloom.runtime.tiles import Tiling, largest_tile, plan_spans, run_tiled

Floats = NDArray[np.float32]


def tiling(height: int, width: int, side: int, context: int, feather: int) -> Tiling:
    rows, columns = (
        plan_spans(length, side, context=context, feather=feather) for length in (height, width)
    )
    return Tiling(rows, columns)


def tiled(picture: Floats, plan: Tiling, work: Callable[[Floats], Floats]) -> Floats:
    out = np.full_like(picture, np.nan)
    run_tiled(plan, [out], lambda rows, columns: [work(picture[rows, columns])])
    return out


def noise(height: int, width: int) -> Floats:
    return np.random.default_rng(0).random((height, width, 3), np.float32)


SIZES = [
    (1, 1, 64, 8, 8),
    (1, 200, 64, 8, 8),
    (63, 64, 64, 8, 8),
    (65, 64, 64, 8, 8),
    (97, 131, 64, 8, 8),
    (301, 77, 64, 10, 12),
    (250, 250, 64, 0, 1),
    (130, 130, 128, 16, 32),
]


@pytest.mark.parametrize("numbers", SIZES)
def test_giving_the_picture_back_gives_it_back_exactly(numbers: tuple[int, ...]) -> None:
    picture = noise(*numbers[:2])
    np.testing.assert_array_equal(tiled(picture, tiling(*numbers), np.copy), picture)


@pytest.mark.parametrize("numbers", SIZES)
def test_a_filter_that_looks_no_further_than_the_context_leaves_no_trace(
    numbers: tuple[int, ...],
) -> None:
    picture, context = noise(*numbers[:2]), numbers[3]
    kernel = (2 * context + 1, 2 * context + 1)

    def blur(part: Floats) -> Floats:
        return cv2.blur(part, kernel, borderType=cv2.BORDER_REPLICATE).reshape(part.shape)

    found, expected = tiled(picture, tiling(*numbers), blur), blur(picture)
    assert np.abs(found - expected).max() < 1e-5
    assert 1 in (context + 1, len(picture)) or np.abs(found - picture).max() > 0.1


def test_a_filter_that_looks_further_leaves_one() -> None:
    picture = noise(200, 200)

    def blur(part: Floats) -> Floats:
        return cv2.blur(part, (51, 51), borderType=cv2.BORDER_REPLICATE)

    found = tiled(picture, tiling(200, 200, 64, 8, 8), blur)
    assert np.abs(found - blur(picture)).max() > 0.01


def test_tiles_that_differ_pass_evenly_into_each_other() -> None:
    levels = iter(range(100))
    picture = np.zeros((20, 400, 1), np.float32)
    found = tiled(picture, tiling(20, 400, 64, 8, 16), lambda part: part + next(levels))
    steps = np.diff(found[10, :, 0])
    assert (steps >= 0).all()
    assert steps.max() < 1 / 16
    assert (found == found[:1]).all()


@given(
    length=st.integers(1, 3000),
    side=st.integers(16, 400),
    context=st.integers(0, 60),
    feather=st.integers(1, 60),
)
def test_spans_cover_and_weights_sum_to_one(
    length: int, side: int, context: int, feather: int
) -> None:
    shared = 2 * context + feather
    if 2 * shared > side and length > side:
        with pytest.raises(UsageError, match=f"not {shared}"):
            plan_spans(length, side, context=context, feather=feather)
        return
    spans = plan_spans(length, side, context=context, feather=feather)
    assert (spans[0].start, spans[-1].stop) == (0, length)
    assert all(span.stop - span.start == min(side, length) for span in spans)
    total = np.zeros(length)
    for span in spans:
        weights = span.weights()
        assert (weights[: span.context] == 0).all()
        assert (weights[len(weights) - span.context :] == 1).all()
        own = np.ones(span.stop - span.start)
        own[: span.shared] = weights
        total[span.slice] = total[span.slice] * (1 - own) + own
    np.testing.assert_allclose(total, 1)
    for before, after in pairwise(spans):
        assert after.shared == before.stop - after.start >= shared


@pytest.mark.parametrize(("context", "feather"), [(-1, 8), (8, 0), (16, 1)])
def test_invalid_overlaps_are_rejected(context: int, feather: int) -> None:
    with pytest.raises(UsageError, match="can overlap by 1 to 32 px"):
        plan_spans(200, 64, context=context, feather=feather)


@pytest.mark.parametrize(
    ("height", "width", "pixels", "expected"),
    [
        (100, 100, 10**9, (128, 128)),
        (1, 1, 64 * 64, (64, 64)),
        (1, 1, 64 * 64 - 1, None),
        (1000, 1000, 512 * 512, (512, 512)),
        (1000, 1000, 512 * 512 - 1, (448, 576)),
        (100, 5000, 128 * 640, (128, 640)),
        (5000, 100, 128 * 640 + 50, (640, 128)),
        (1000, 1000, 256 * 256, (256, 256)),
        (1000, 1000, 256 * 256 - 1, None),
        (1000, 1000, 0, None),
        (1000, 1000, -5, None),
    ],
)
def test_the_largest_tile_that_fits(
    height: int, width: int, pixels: int, expected: tuple[int, int] | None
) -> None:
    assert largest_tile(height, width, pixels, multiple=64, least=256) == expected


def test_several_pictures_are_made_of_each_tile_and_finished_once() -> None:
    picture, calls = noise(150, 90), []
    out = [np.zeros(picture.shape, np.uint8) for _ in range(3)]

    def work(rows: slice, columns: slice) -> Sequence[Floats]:
        calls.append((rows, columns))
        return [picture[rows, columns] * scale for scale in (1, 0.5, 0)]

    def to_bytes(rows: Floats) -> NDArray[np.uint8]:
        finished.append(len(rows))
        return np.rint(rows * 255).astype(np.uint8)

    finished: list[int] = []
    plan = tiling(150, 90, 64, 8, 8)
    run_tiled(plan, out, work, to_bytes)
    assert len(calls) == plan.count == 8
    assert sum(finished) == 3 * 150
    for made, scale in zip(out, (1, 0.5, 0), strict=True):
        np.testing.assert_array_equal(made, np.rint(picture * np.float32(scale) * 255))


def test_work_that_makes_too_few_pictures_is_noticed() -> None:
    out = [np.zeros((8, 8, 3), np.float32) for _ in range(2)]
    with pytest.raises(ValueError, match="shorter"):
        run_tiled(tiling(8, 8, 64, 8, 8), out, lambda rows, columns: [out[0]])
