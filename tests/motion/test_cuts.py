"""Scene cuts and repeats: hard cuts are found; flashes, pans and stills are not taken for them."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from photo_scenes import SCENES, SIZE, Picture, noisy, pan
from scenes import panning, texture, view

from kinoloom import Frame
from kinoloom.motion.cuts import (
    MAX_REPEATS,
    FrameThumbnail,
    difference,
    drop_repeats,
    is_cut,
    is_repeat,
    take_thumbnail,
    thumbnail,
)

RATE = 25


def looks(pictures: Sequence[Picture]) -> list[FrameThumbnail]:
    return [
        take_thumbnail(Frame(p, Fraction(k, RATE), Fraction(1, RATE)))
        for k, p in enumerate(pictures)
    ]


def cuts(pictures: Sequence[Picture]) -> list[int]:
    """The indices of the frames at which a new scene is said to begin."""
    seen = [None, *looks(pictures), None]
    return [k for k in range(1, len(pictures)) if is_cut(*seen[k - 1 : k + 3])]


@pytest.mark.parametrize("before", [1, 2, 5])
@pytest.mark.parametrize("after", [1, 2, 5])
def test_hard_cut_is_found_at_its_frame(before: int, after: int) -> None:
    assert cuts([*pan("astronaut", before), *pan("coffee", after)]) == [before]


def test_several_cuts_are_found() -> None:
    film = [*pan("astronaut", 4), *pan("coffee", 3, -2), *pan("rocket", 4)]
    assert cuts(film) == [4, 7]


@pytest.mark.parametrize("level", [0, 16, 255])
@pytest.mark.parametrize("scene", SCENES)
def test_cut_to_black_or_white_and_back_is_two_cuts(scene: str, level: int) -> None:
    plain = np.full((128, 192, 3), level, np.uint8)
    film = pan(scene, 6)
    assert cuts([*film[:3], plain, plain, *film[3:]]) == [3, 5]


@pytest.mark.parametrize("step", [0.0, 2.0, 12.0, 30.0])
def test_fast_pan_is_not_a_cut(step: float) -> None:
    picture = texture(3, 700, 300)
    assert cuts([view(picture, 10 + k * step, size=SIZE) for k in range(8)]) == []


def test_sudden_pan_is_not_a_cut() -> None:
    picture = texture(3, 700, 300)
    places = [10, 10, 10, 40, 40, 40]
    assert cuts([view(picture, x, size=SIZE) for x in places]) == []


@pytest.mark.parametrize("gain", [1.0, 1.4, 99.0])
def test_flash_is_not_a_cut(gain: float) -> None:
    film = pan("astronaut", 7)
    film[3] = np.clip(film[3] * gain + 60, 0, 255).astype(np.uint8)
    assert cuts(film) == []


def test_fade_is_not_a_cut() -> None:
    film = [np.rint(p * (1 - k / 10)).astype(np.uint8) for k, p in enumerate(pan("coffee", 8))]
    assert cuts(film) == []


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [3, 4])
def test_thumbnail_is_the_mean_brightness_of_each_cell(dtype: Any, channels: int) -> None:
    top = 1.0 if dtype == np.float32 else np.iinfo(dtype).max
    image = np.zeros((72, 128, channels), dtype)
    image[:36, :, :3] = top
    image[:2, :2, :3] = [[[0] * 3, [top] * 3]] * 2  # half of one cell
    thumb = thumbnail(image)
    assert thumb.shape == (36, 64)
    assert thumb.dtype == np.float32
    assert thumb[0, 0] == pytest.approx(0.5, abs=0.01)
    assert thumb[:18].mean() == pytest.approx(1, abs=0.01)
    assert thumb[18:].max() == 0


def test_thumbnail_of_a_smaller_picture() -> None:
    assert (thumbnail(np.full((1, 1, 3), 51, np.uint8)) == np.float32(0.2)).all()


def test_difference_is_the_mean_over_the_picture() -> None:
    black, grey = (np.full((36, 64, 3), value, np.uint8) for value in (0, 51))
    first, second = looks([black, grey])
    assert difference(first, second) == pytest.approx(0.2)


def test_compression_noise_is_still_a_repeat_and_a_small_motion_is_not() -> None:
    film = panning(2, 1.0, size=SIZE)
    first, noise, moved = looks([film[0], noisy(film[0], 1), film[1]])
    assert is_repeat(first, noise)
    assert not is_repeat(first, moved)


def test_small_moving_object_is_not_a_repeat() -> None:
    still = pan("rocket", 1)[0]
    moved = still.copy()
    moved[60:72, 60:72] = 255 - moved[60:72, 60:72]
    assert not is_repeat(*looks([still, moved]))


def kept(pictures: Sequence[Picture]) -> list[int]:
    """The indices of the frames that are not left out."""
    return [int(item.frame.time * RATE) for item in drop_repeats(looks(pictures))]


def timed(film: Sequence[Picture], counts: Sequence[int]) -> list[Picture]:
    """Each picture shown for a number of frames, with noise of its own."""
    shown = [picture for picture, n in zip(film, counts, strict=True) for _ in range(n)]
    return [noisy(picture, k) for k, picture in enumerate(shown)]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([1, 1, 1, 1], [0, 1, 2, 3]),
        ([2, 2, 2, 1], [0, 2, 4, 6]),  # on twos
        ([3, 3, 3, 1], [0, 3, 6, 9]),  # on threes
        ([2, 3, 2, 3, 1], [0, 2, 5, 7, 10]),  # 3:2
        ([1, 1 + MAX_REPEATS, 1], [0, 1, 5]),  # the longest run that counts as repeats
        ([1, 2 + MAX_REPEATS, 1], [0, 1, 2, 3, 4, 5, 6]),  # a still: kept whole
        ([12, 1], list(range(13))),
        ([1, 2], [0, 1, 2]),  # the last frame of all stays
        ([1], [0]),
        ([], []),
    ],
)
def test_repeats_are_removed_and_stills_are_kept(counts: list[int], expected: list[int]) -> None:
    assert kept(timed(panning(len(counts), 4.0, size=SIZE), counts)) == expected


def test_slow_motion_is_not_a_repeat() -> None:
    assert kept(panning(6, 0.5, size=SIZE)) == list(range(6))
