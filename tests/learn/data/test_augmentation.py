"""FILM's augmentation, compared with plain numpy and the definition of each step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from footage import draw_blobs

from kinoloom.errors import UnsupportedMediaError
from kinoloom.learn.data.augment import NO_AUGMENTATION, Augmentation, augment
from kinoloom.learn.data.source import FrameTriplet


def triplet(width: int = 90, height: int = 70, time: float = 0.25) -> FrameTriplet:
    first = draw_blobs(1, width, height)
    return FrameTriplet((first, first // 2, 255 - first), time, "walk.mp4")


def augment_many(
    augmentation: Augmentation, count: int = 40, size_px: int = 48, **changes: int
) -> list[FrameTriplet]:
    source = triplet(**changes)
    return [augment(source, size_px, augmentation, np.random.default_rng(k)) for k in range(count)]


def test_augmentation_without_transforms_crops_at_random() -> None:
    source = triplet()
    places = set()
    for result in augment_many(NO_AUGMENTATION):
        found = [
            (x, y)
            for y in range(70 - 48 + 1)
            for x in range(90 - 48 + 1)
            if np.array_equal(source.frames[0][y : y + 48, x : x + 48], result.frames[0])
        ]
        assert len(found) == 1
        (x, y) = found[0]
        for whole, cut in zip(source.frames, result.frames, strict=True):
            assert np.array_equal(whole[y : y + 48, x : x + 48], cut)
        assert result.time == 0.25
        places.add(found[0])
    assert len(places) > 30


@pytest.mark.parametrize("size_px", [70, 69])
def test_crop_may_have_the_size_of_the_frame(size_px: int) -> None:
    assert augment_many(Augmentation(), 5, size_px)[0].frames[0].shape == (size_px, size_px, 3)


def test_frame_smaller_than_the_crop_is_rejected_by_name() -> None:
    with pytest.raises(
        UnsupportedMediaError, match=r"walk\.mp4 has 90x70 pixels, fewer than .* 71x71"
    ):
        augment_many(Augmentation(), 1, 71)


def test_quarter_turns_and_flips_are_the_symmetries_of_a_square() -> None:
    augmentation = replace(NO_AUGMENTATION, turn=True, flip=True)
    whole = triplet(64, 64).frames[0]
    eight = [np.rot90(w, k).tobytes() for w in (whole, whole[:, ::-1]) for k in range(4)]
    counts = np.zeros(8, int)
    for result in augment_many(augmentation, 160, 64, width=64, height=64):
        counts[eight.index(result.frames[0].tobytes())] += 1
        which = counts.argmax()
        assert result.frames[2].tobytes() == (255 - result.frames[0]).tobytes()
    assert counts.min() >= 8, which


def test_half_of_the_triplets_rotate_by_up_to_45_degrees() -> None:
    """The direction of a bar through the centre is the angle; the corners that enter are black."""
    size = 101
    image = np.full((size, size, 3), 60, np.uint8)
    image[48:53, 50:] = 250
    source = FrameTriplet((image, image, image), 0.5, "bar")
    augmentation = replace(NO_AUGMENTATION, rotate=True)
    angles = []
    for k in range(200):
        result = augment(source, size, augmentation, np.random.default_rng(k)).frames[1][..., 0]
        y, x = np.nonzero(result > 200)
        angles.append(np.rad2deg(np.arctan2(-(y - 50).mean(), (x - 50).mean())))
        if abs(angles[-1]) > 5:
            assert result[0, 0] == result[-1, -1] == 0
        assert result[50, 50] > 100
    plain = np.isclose(angles, 0, atol=1e-9)
    assert 70 < plain.sum() < 130
    turned = np.array(angles)[~plain]
    assert -45.5 < turned.min() < -40
    assert 40 < turned.max() < 45.5
    assert abs(turned.mean()) < 8


def test_rotation_is_about_the_centre_of_the_whole_frame() -> None:
    """The expected crop of a rotated frame is computed point by point."""
    source = triplet(90, 70)
    augmentation = replace(NO_AUGMENTATION, rotate=True)
    whole = source.frames[0].astype(float)
    compared = 0
    for k in range(12):
        rng = np.random.default_rng(k)
        result = augment(source, 40, augmentation, rng).frames[0].astype(float)
        angle, (left, top) = replay_draws(k, 90, 70, 40)
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
        assert np.abs(result[inside] - (1 - b) * upper - b * lower).mean() < 1.0
        compared += 1
    assert compared >= 3


def replay_draws(seed: int, width: int, height: int, size: int) -> tuple[float, tuple[int, int]]:
    """Return the angle and the corner, drawn in the documented order of random numbers."""
    rng = np.random.default_rng(seed)
    rng.integers(4)
    angle = rng.uniform(-45, 45)
    angle *= rng.random() < 0.5
    rng.random(3)
    rng.permutation(3)
    x, y = rng.random((1, 2))[0]
    return float(angle), (int(x * (width - size + 1)), int(y * (height - size + 1)))


def test_half_of_the_triplets_are_reversed_with_their_time() -> None:
    backwards = 0
    for result in augment_many(replace(NO_AUGMENTATION, reverse=True)):
        first, middle, last = result.frames
        if result.time == 0.75:
            first, last = last, first
            backwards += 1
        else:
            assert result.time == 0.25
        assert np.array_equal(last, 255 - first)
        assert np.array_equal(middle, first // 2)
    assert 10 < backwards < 30


def test_channels_are_permuted_equally_in_all_frames() -> None:
    results = augment_many(replace(NO_AUGMENTATION, shuffle=True), 60)
    plain = augment_many(NO_AUGMENTATION, 60)
    shuffled = 0
    for result, other in zip(results, plain, strict=True):
        shuffled += not np.array_equal(result.frames[0], other.frames[0])
        assert np.array_equal(np.sort(result.frames[0], axis=2), np.sort(other.frames[0], axis=2))
        assert np.array_equal(result.frames[2], 255 - result.frames[0])
    assert 12 < shuffled < 40


def test_candidate_crop_with_the_most_change_is_used() -> None:
    """Only the right half changes, so most crops chosen from many candidates are there."""
    first = draw_blobs(4, 200, 64)
    last = first.copy()
    last[:, 100:] = 255 - last[:, 100:]
    source = FrameTriplet((first, first, last), 0.5, "half")

    def change(places: int) -> float:
        augmentation = replace(NO_AUGMENTATION, places=places)
        results = [augment(source, 64, augmentation, np.random.default_rng(k)) for k in range(30)]
        return float(np.mean([(result.frames[0] != result.frames[2]).mean() for result in results]))

    assert change(1) < 0.65
    assert change(8) > 0.9
