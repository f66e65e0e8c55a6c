"""Streams that are late get a faster tier; noise that cannot be seen is left."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from kinoloom.base.clip import Clip, Frame
from kinoloom.enhance.estimate.measure import measure_photo
from kinoloom.enhance.estimate.noise import Noise
from kinoloom.enhance.ops import enhance
from kinoloom.enhance.options import EnhanceOptions
from kinoloom.enhance.pictures.building import find_noise
from kinoloom.enhance.pictures.work import PictureWork
from kinoloom.enhance.planning.settings import resolve


def make_clip(count: int = 6) -> Clip:
    picture = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    large = picture.repeat(6, 0).repeat(6, 1)
    frames = [Frame(large, Fraction(k, 25), Fraction(1, 25)) for k in range(count)]
    return Clip.from_frames(frames, rate=Fraction(25))


def test_a_faster_tier_is_used_from_the_moment_the_stream_is_late() -> None:
    clip = enhance(make_clip(), scale=2, tier="fast", latency="0.1")
    on_time = [frame.image for frame in clip]
    assert all((one == on_time[0]).all() for one in on_time)
    assert clip.pacing is not None
    clip.pacing.late = 2
    late = [frame.image for frame in clip]
    assert late[0].shape == on_time[0].shape
    live = next(iter(enhance(make_clip(1), scale=2, tier="live"))).image
    np.testing.assert_array_equal(late[0], live)
    assert (late[1] != live).any()  # no network is left
    assert clip.notes.count("late") == 2


def test_without_a_latency_the_tier_never_changes() -> None:
    assert enhance(make_clip(), scale=2, tier="fast").pacing is None


@pytest.mark.parametrize(("sigma", "is_removed"), [(1.0, False), (8.0, True)])
def test_noise_that_cannot_be_seen_is_left(sigma: float, is_removed: bool) -> None:
    grey = np.full((128, 128, 3), 120.0) + np.random.default_rng(1).normal(0, sigma, (128, 128, 3))
    picture = np.rint(grey).astype(np.uint8)
    settings = resolve(EnhanceOptions(denoise="auto"), lambda: measure_photo(picture, None))
    assert (find_noise(settings).sigma > 0) == is_removed
    named = resolve(EnhanceOptions(denoise="1"), lambda: measure_photo(picture, None))
    assert find_noise(named) == Noise(1.0, 1.0, 0.0)


def test_memory_of_results_counts_every_pass() -> None:
    work = PictureWork((), lambda width, height: (width, height), (), 1)
    assert work.count_held_bytes(10, 20, 1) == 600
    resized = PictureWork((), lambda width, height: (2 * width, 2 * height), (), 1)
    assert resized.count_held_bytes(10, 20, 1) == 600 * 2 + 2400 * (2 + 1)
