"""FILM's augmentation, against plain numpy and the definition of each step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from footage import scenery

from kinoloom.errors import UnsupportedMediaError
from kinoloom.learn.data.augment import NO_AUGMENTATION, Augmentation, augment
from kinoloom.learn.data.source import FrameTriplet


def shot(width: int = 90, height: int = 70, time: float = 0.25) -> FrameTriplet:
    first = scenery(1, width, height)
    return FrameTriplet((first, first // 2, 255 - first), time, "walk.mp4")


def several(
    how: Augmentation, count: int = 40, size_px: int = 48, **changes: int
) -> list[FrameTriplet]:
    made = shot(**changes)
    return [augment(made, size_px, how, np.random.default_rng(k)) for k in range(count)]


def test_without_changes_it_is_a_crop_at_a_random_place() -> None:
    made = shot()
    places = set()
    for part in several(NO_AUGMENTATION):
        found = [
            (x, y)
            for y in range(70 - 48 + 1)
            for x in range(90 - 48 + 1)
            if np.array_equal(made.frames[0][y : y + 48, x : x + 48], part.frames[0])
        ]
        assert len(found) == 1
        (x, y) = found[0]
        for whole, cut in zip(made.frames, part.frames, strict=True):
            assert np.array_equal(whole[y : y + 48, x : x + 48], cut)
        assert part.time == 0.25
        places.add(found[0])
    assert len(places) > 30


@pytest.mark.parametrize("size_px", [70, 69])
def test_the_crop_may_be_as_large_as_the_picture(size_px: int) -> None:
    assert several(Augmentation(), 5, size_px)[0].frames[0].shape == (size_px, size_px, 3)


def test_a_picture_smaller_than_the_crop_is_named() -> None:
    with pytest.raises(UnsupportedMediaError, match=r"walk\.mp4 has 90x70 pixels.* 71 a side"):
        several(Augmentation(), 1, 71)


def test_turns_and_flips_are_the_eight_of_a_square() -> None:
    how = replace(NO_AUGMENTATION, turn=True, flip=True)
    whole = shot(64, 64).frames[0]
    eight = [np.rot90(w, k).tobytes() for w in (whole, whole[:, ::-1]) for k in range(4)]
    counts = np.zeros(8, int)
    for part in several(how, 160, 64, width=64, height=64):
        counts[eight.index(part.frames[0].tobytes())] += 1
        which = counts.argmax()
        assert part.frames[2].tobytes() == (255 - part.frames[0]).tobytes()
    assert counts.min() >= 8, which


def test_half_are_rotated_by_up_to_45_degrees_about_the_centre() -> None:
    """A bar through the centre tells the angle; the corners that come in are black."""
    size = 101
    image = np.full((size, size, 3), 60, np.uint8)
    image[48:53, 50:] = 250
    made = FrameTriplet((image, image, image), 0.5, "bar")
    how = replace(NO_AUGMENTATION, rotate=True)
    angles = []
    for k in range(200):
        part = augment(made, size, how, np.random.default_rng(k)).frames[1][..., 0]
        y, x = np.nonzero(part > 200)
        angles.append(np.rad2deg(np.arctan2(-(y - 50).mean(), (x - 50).mean())))
        if abs(angles[-1]) > 5:
            assert part[0, 0] == part[-1, -1] == 0
        assert part[50, 50] > 100
    plain = np.isclose(angles, 0, atol=1e-9)
    assert 70 < plain.sum() < 130
    turned = np.array(angles)[~plain]
    assert -45.5 < turned.min() < -40
    assert 40 < turned.max() < 45.5
    assert abs(turned.mean()) < 8


def test_a_rotation_is_one_of_the_whole_picture() -> None:
    """The crop of a rotated picture, computed point by point."""
    made = shot(90, 70)
    how = replace(NO_AUGMENTATION, rotate=True)
    whole = made.frames[0].astype(float)
    compared = 0
    for k in range(12):
        rng = np.random.default_rng(k)
        part = augment(made, 40, how, rng).frames[0].astype(float)
        angle, (left, top) = drawn_by(k, 90, 70, 40)
        if not angle:
            continue
        y, x = np.mgrid[:40, :40] + np.array([top, left])[:, None, None]
        cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
        from_x = cos * (x - 44.5) - sin * (y - 34.5) + 44.5
        from_y = sin * (x - 44.5) + cos * (y - 34.5) + 34.5
        inside = (from_x > 0) & (from_x < 89) & (from_y > 0) & (from_y < 69)
        x0, y0 = from_x[inside].astype(int), from_y[inside].astype(int)
        a, b = (from_x[inside] - x0)[:, None], (from_y[inside] - y0)[:, None]
        upper = (1 - a) * whole[y0, x0] + a * whole[y0, x0 + 1]
        lower = (1 - a) * whole[y0 + 1, x0] + a * whole[y0 + 1, x0 + 1]
        assert np.abs(part[inside] - (1 - b) * upper - b * lower).mean() < 1.0
        compared += 1
    assert compared >= 3


def drawn_by(seed: int, width: int, height: int, size: int) -> tuple[float, tuple[int, int]]:
    """The angle and place that the random numbers stand for, in the order they are drawn."""
    rng = np.random.default_rng(seed)
    rng.integers(4)
    angle = rng.uniform(-45, 45)
    angle *= rng.random() < 0.5
    rng.random(3)
    rng.permutation(3)
    x, y = rng.random((1, 2))[0]
    return float(angle), (int(x * (width - size + 1)), int(y * (height - size + 1)))


def test_half_are_reversed_and_their_time_with_them() -> None:
    backwards = 0
    for part in several(replace(NO_AUGMENTATION, reverse=True)):
        first, middle, last = part.frames
        if part.time == 0.75:
            first, last = last, first
            backwards += 1
        else:
            assert part.time == 0.25
        assert np.array_equal(last, 255 - first)
        assert np.array_equal(middle, first // 2)
    assert 10 < backwards < 30


def test_channels_change_places_in_all_frames_alike() -> None:
    parts = several(replace(NO_AUGMENTATION, shuffle=True), 60)
    plain = several(NO_AUGMENTATION, 60)
    shuffled = 0
    for part, other in zip(parts, plain, strict=True):
        shuffled += not np.array_equal(part.frames[0], other.frames[0])
        assert np.array_equal(np.sort(part.frames[0], axis=2), np.sort(other.frames[0], axis=2))
        assert np.array_equal(part.frames[2], 255 - part.frames[0])
    assert 12 < shuffled < 40


def test_of_several_places_the_liveliest_is_taken() -> None:
    """Only the right half changes: most crops of the many tried lie there."""
    first = scenery(4, 200, 64)
    last = first.copy()
    last[:, 100:] = 255 - last[:, 100:]
    made = FrameTriplet((first, first, last), 0.5, "half")

    def change(places: int) -> float:
        how = replace(NO_AUGMENTATION, places=places)
        parts = [augment(made, 64, how, np.random.default_rng(k)) for k in range(30)]
        return float(np.mean([(part.frames[0] != part.frames[2]).mean() for part in parts]))

    assert change(1) < 0.65
    assert change(8) > 0.9
