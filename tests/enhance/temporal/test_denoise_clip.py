"""Clips without noise: the same frames from any start, cuts, alpha, bits, and invalid input."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moving_clips import RATE, add_noise, build_clip, draw_moving, error_levels

from kinoloom.base.clip import Clip, Frame
from kinoloom.enhance.estimate.noise import Noise
from kinoloom.enhance.temporal.clip import denoise_clip
from kinoloom.enhance.temporal.parameters import LOOKBACK_S, follow_noise
from kinoloom.enhance.temporal.shots import mark_shots
from kinoloom.errors import ArrayError, UsageError

SIGMA = 12.0


def two_scenes() -> list[np.ndarray]:
    """Six frames of one scene, then five of a much darker one."""
    bright = draw_moving(6, (1.5, 0.5))
    dark = [one // 4 for one in draw_moving(5, (-1.0, 0.0), seed=5)]
    return bright + dark


def make_noisy(truth: list[np.ndarray], sigma: float = SIGMA) -> Clip:
    return build_clip([add_noise(one, sigma, k) for k, one in enumerate(truth)])


def subtract_noise(image: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """A spatial denoiser whose result depends on both inputs at each pixel."""
    return image * 0.9 + noise[..., None]


@given(st.integers(0, 45))
@settings(max_examples=10, deadline=None)
def test_each_start_gives_the_same_frames(hundredths: int) -> None:
    clip = denoise_clip(make_noisy(two_scenes()), subtract_noise, SIGMA)
    check_frames_from(Fraction(hundredths, 100), clip)


def test_each_start_gives_the_same_frames_with_estimated_noise() -> None:
    clip = denoise_clip(make_noisy(two_scenes()), subtract_noise, None)
    check_frames_from(Fraction(9, 25), clip)


def check_frames_from(start: Fraction, clip: Clip) -> None:
    expected = [frame for frame in clip if frame.time + frame.duration > start]
    found = list(clip.read(start))
    assert [frame.time for frame in found] == [frame.time for frame in expected]
    for one, other in zip(found, expected, strict=True):
        assert np.array_equal(one.image, other.image)
        assert np.array_equal(one.native.read(), other.native.read())


def test_a_long_frame_has_the_noise_of_the_frames_before_it() -> None:
    """Its samples are seconds before the start, more than the frames that cuts need."""
    frames = list(make_noisy(draw_moving(9, (0.5, 0.0))))
    times = [Fraction(k, 4) for k in range(9)]
    frames = [
        replace(one, time=at, duration=Fraction(1, 4))
        for one, at in zip(frames, times, strict=True)
    ]
    frames[-1] = replace(frames[-1], duration=Fraction(60))
    clip = denoise_clip(Clip.from_frames(frames), None, None)
    (last,) = clip.read(Fraction(40))
    assert np.array_equal(last.image, list(clip)[-1].image)


def test_noise_falls_and_nothing_crosses_the_cut() -> None:
    truth = two_scenes()
    noisy = make_noisy(truth)
    result = list(denoise_clip(noisy, None, SIGMA))
    for clean, frame, true in zip(result, noisy, truth, strict=True):
        assert error_levels(clean.image, true) < 0.8 * error_levels(frame.image, true)
    alone = list(denoise_clip(make_noisy(truth[:6]), None, SIGMA))
    for one, other in zip(result[:6], alone, strict=True):
        assert np.array_equal(one.image, other.image)


def test_the_clip_keeps_its_facts_and_reads_lazily() -> None:
    read: list[Fraction] = []

    def frames(start: Fraction) -> Iterator[Frame]:
        for frame in source.read(start):
            read.append(frame.time)
            yield frame

    source = make_noisy(draw_moving(40, (0.5, 0.0)))
    clip = denoise_clip(source.with_(read=frames), None, SIGMA)
    assert not read
    assert (clip.rate, clip.frame_count, clip.duration) == (RATE, 40, Fraction(40, 25))
    first = next(iter(clip))
    assert first.time == 0
    assert len(read) < 15


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_bits_and_alpha_are_kept(dtype: str) -> None:
    top = {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]
    pictures = []
    for number, one in enumerate(draw_moving(3, (1.0, 0.0))):
        alpha = np.full((*one.shape[:2], 1), number * 40, np.uint8)
        scaled = np.concatenate([add_noise(one, SIGMA, number), alpha], 2) / 255 * top
        pictures.append(scaled.astype(dtype))
    result = list(denoise_clip(build_clip(pictures), None, SIGMA))
    for clean, source in zip(result, pictures, strict=True):
        assert clean.image.dtype == source.dtype
        assert clean.image[..., 3] == pytest.approx(source[..., 3], abs=1e-6 * top)
        assert not np.array_equal(clean.image[..., :3], source[..., :3])


def test_photos_are_denoised_one_by_one() -> None:
    pictures = [add_noise(one, SIGMA, 0) for one in draw_moving(3, (0.0, 0.0))]
    pictures[1] = pictures[1][:40]
    clip = build_clip(pictures, stills=True)
    for clean, source in zip(denoise_clip(clip, None, SIGMA), pictures, strict=True):
        assert np.array_equal(clean.image, source)


def test_a_video_that_changes_size_is_cut_there() -> None:
    pictures = draw_moving(4, (0.0, 0.0))
    pictures[2:] = [one[:40, :50] for one in pictures[2:]]
    sizes = [frame.image.shape for frame in denoise_clip(build_clip(pictures), None, 5.0)]
    assert sizes == [picture.shape for picture in pictures]


def test_no_noise_returns_the_frames_themselves() -> None:
    clip = build_clip(draw_moving(3, (1.0, 0.0)))
    assert list(denoise_clip(clip, subtract_noise, 0.0)) == list(clip)


def test_wrong_noise_and_denoisers_are_rejected() -> None:
    clip = build_clip(draw_moving(2, (1.0, 0.0)))
    for wrong in (-1.0, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="The noise must be a number of levels, at least 0"):
            denoise_clip(clip, None, wrong)
    with pytest.raises(ArrayError, match=r"The denoiser returned \(3, 3, 3\); expected \(64, 80"):
        next(iter(denoise_clip(clip, lambda image, noise: image[:3, :3], 5.0)))


def test_shots_begin_at_the_cut_only() -> None:
    marked = list(mark_shots(make_noisy(two_scenes(), 3)))
    assert [k for k, item in enumerate(marked) if item.begins] == [0, 6]


def test_noise_is_a_median_of_samples_since_the_cut() -> None:
    measured: list[Fraction] = []
    frames = list(build_clip(two_scenes() + draw_moving(150, (0.0, 0.0))))

    def estimate(picture: np.ndarray) -> Noise:
        time = next(frame.time for frame in frames if frame.image is picture)
        measured.append(time)
        return Noise(float(time), float(time) ** 2, 0.0)

    followed = list(follow_noise(mark_shots(frames), estimate))
    assert measured[:4] == [0, Fraction(6, 25), Fraction(11, 25), 1]
    by_time = {item.frame.time: noise.sigma for item, noise in followed}
    assert by_time[Fraction(5, 25)] == 0
    assert by_time[Fraction(10, 25)] == 0.24
    last = max(by_time)
    recent = [float(time) for time in measured if time > last - LOOKBACK_S]
    assert by_time[last] == pytest.approx(np.median(recent))


def test_noise_of_a_tiny_video_is_zero() -> None:
    frames = [Frame(np.zeros((4, 4, 3), np.uint8), Fraction(k)) for k in range(3)]
    assert [noise.sigma for _, noise in follow_noise(mark_shots(frames))] == [0, 0, 0]
