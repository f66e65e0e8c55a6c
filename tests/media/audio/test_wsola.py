"""Time stretching of samples: length, pitch, level, onsets."""

from __future__ import annotations

import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kinoloom.base.audio import Samples
from kinoloom.media.audio.wsola import stretch_blocks

RATE = 48000
FACTORS = [
    Fraction(2),
    Fraction(3),
    Fraction(8),
    Fraction(1, 2),
    Fraction(3, 4),
    Fraction(1001, 1000),
]


def whole(samples: Samples, factor: Fraction, block: int = 1024, rate_hz: int = RATE) -> Samples:
    blocks = [samples[at : at + block] for at in range(0, len(samples), block)]
    made = list(stretch_blocks(blocks, rate_hz, samples.shape[1], factor))
    assert all(len(each) for each in made)
    return np.concatenate([np.zeros((0, samples.shape[1]), np.float32), *made])


def tones(seconds: float, *hz: float) -> Samples:
    time = np.arange(int(seconds * RATE)) / RATE
    wave = sum(np.sin(2 * np.pi * each * time) for each in hz) * (0.5 / len(hz))
    return np.asarray(wave, np.float32)[:, None]


def spectrum(wave: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    power = np.abs(np.fft.rfft(wave * np.hanning(len(wave)))) ** 2
    return np.fft.rfftfreq(len(wave), 1 / RATE), power


@given(
    length=st.integers(0, 6000),
    factor=st.fractions(Fraction(1, 20), Fraction(12), max_denominator=1001),
    rate_hz=st.sampled_from([100, 8000, 11025, 48000]),
    block=st.integers(1, 5000),
)
@settings(max_examples=60, deadline=None)
def test_stretched_length_is_exact(length: int, factor: Fraction, rate_hz: int, block: int) -> None:
    noise = np.random.default_rng(length).uniform(-1, 1, (length, 2)).astype(np.float32)
    made = whole(noise, factor, block, rate_hz)
    assert made.shape == (round(length * factor), 2)
    assert made.dtype == np.float32
    assert np.abs(made).max(initial=0) <= 1.0001


@pytest.mark.parametrize("factor", FACTORS)
def test_pitch_and_level_are_preserved(factor: Fraction) -> None:
    made = whole(tones(4, 440), factor)[:, 0]
    middle = made[len(made) // 8 : -len(made) // 8]
    hz, power = spectrum(middle)
    near = np.abs(hz - 440) < 12
    assert power[near].sum() > 10**4 * power[~near].sum()
    assert abs(middle.std() / (0.5 / 2**0.5) - 1) < 0.01


def test_chord_is_preserved() -> None:
    made = whole(tones(4, 220, 277.2, 329.6), Fraction(2))[RATE:-RATE, 0]
    hz, power = spectrum(made)
    tuned = np.any([np.abs(hz - each) < 12 for each in (220, 277.2, 329.6)], axis=0)
    assert power[tuned].sum() > 30 * power[~tuned].sum()


def bursts(at_s: NDArray[np.float64], background: float) -> Samples:
    samples = tones(6, 220, 331) * np.float32(background)
    burst = np.random.default_rng(0).uniform(-0.8, 0.8, RATE // 100).astype(np.float32)
    for begin in (at_s * RATE).astype(int):
        samples[begin : begin + len(burst), 0] += burst
    return samples


@pytest.mark.parametrize("background", [0.0, 0.1])
@pytest.mark.parametrize("factor", FACTORS)
def test_onsets_play_once_at_their_time(factor: Fraction, background: float) -> None:
    at = 0.3 + 0.5 * np.arange(11)
    made = whole(bursts(at, background), factor)[:, 0]
    loud = np.flatnonzero(np.abs(made) > 0.35)
    heard = loud[np.diff(loud, prepend=-RATE) > RATE // 66]
    assert len(heard) == len(at)
    assert np.abs(heard / RATE - at * float(factor)).max() < 0.006


def test_onset_near_the_end_is_complete() -> None:
    samples = np.concatenate([np.zeros((RATE, 1), np.float32), tones(0.06, 440)])
    made = whole(samples, Fraction(4))[:, 0]
    assert np.abs(made[: 4 * RATE - RATE // 50]).max() < 0.01
    for begin in np.arange(4.02, 4.22, 0.02):
        assert np.abs(made[int(begin * RATE) :][: RATE // 50]).max() > 0.4


def test_silence_stays_silent() -> None:
    assert not whole(np.zeros((RATE, 2), np.float32), Fraction(3)).any()


def test_channels_stay_aligned() -> None:
    left = bursts(np.array([0.3, 0.9]), 0.2)
    both = whole(np.hstack([left, -0.5 * left]), Fraction(5, 2))
    assert np.allclose(both[:, 1], -0.5 * both[:, 0], atol=1e-6)


def test_result_is_independent_of_block_size() -> None:
    samples = bursts(0.3 + 0.5 * np.arange(11), 0.1)
    one = whole(samples, Fraction(7, 3), block=len(samples))
    for block in (333, 48000):
        assert np.array_equal(whole(samples, Fraction(7, 3), block), one)


def test_memory_does_not_grow_with_length() -> None:
    block = tones(0.1, 440)

    def peak(blocks: int) -> int:
        tracemalloc.start()
        for _ in stretch_blocks((block for _ in range(blocks)), RATE, 1, Fraction(3, 2)):
            pass
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    assert peak(60) < 1.2 * peak(15)
