"""Reading of sound: start times, samples, gaps, damage, stretching."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from make import Sound, click_times, clicks, make, make_sound, scratch
from numpy.typing import NDArray

from kinoloom.base.audio import Audio
from kinoloom.errors import InputNotFoundError, UnreadableMediaError, UsageError
from kinoloom.media.audio.reading import read_tracks, stretch

FILM = Fraction(24000, 1001)


def find_clicks(audio: Audio) -> list[float]:
    """Return the times of clicks on the clip's clock."""
    return [float(audio.start) + at for at in click_times(audio.samples(), audio.rate_hz)]


CLICKS = [
    ("a.mp4", "aac", 48000),
    ("b.mp4", "aac", 44100),
    ("c.mp4", "libopus", 48000),
    ("d.mp4", "libmp3lame", 44100),
    ("a.mov", "pcm_s16le", 44100),
    ("a.mkv", "aac", 44100),
    ("b.mkv", "libopus", 48000),
    ("c.mkv", "flac", 44100),
    ("d.mkv", "libmp3lame", 44100),
    ("a.webm", "libopus", 48000),
    ("a.ts", "aac", 48000),
    ("a.mpg", "mp2", 48000),
    ("a.avi", "pcm_s16le", 44100),
]


@pytest.mark.parametrize(("name", "codec", "rate_hz"), CLICKS)
def test_clicks_are_read_at_their_times(
    tmp_path: Path, name: str, codec: str, rate_hz: int
) -> None:
    """Encoder delay, rounded times and late starts do not shift sound against pictures."""
    kind = {"a.webm": "libvpx-vp9", "a.mpg": "mpeg2video", "a.avi": "mjpeg"}.get(name, "libx264")
    pix_fmt = "yuvj420p" if kind == "mjpeg" else "yuv420p"
    rate = Fraction(25) if name == "a.mpg" else FILM
    sound = Sound(codec=codec, rate_hz=rate_hz)
    path = make(tmp_path / name, codec=kind, pix_fmt=pix_fmt, rate=rate, sounds=(sound,))
    (audio,) = read_tracks(path)
    with av.open(str(path)) as file:
        begins = [s.start_time * s.time_base for s in file.streams]
        pictures = float(begins[0] - min(begins))
    at = find_clicks(audio)
    assert len(at) == 4
    assert np.abs(np.array(at) - pictures - [0, 0.25, 0.5, 0.75]).max() < 0.0015
    assert (audio.rate_hz, audio.channels, audio.layout) == (rate_hz, 2, "stereo")
    assert audio.origin == (path, 1)


@pytest.mark.parametrize(
    ("codec", "step"),
    [
        ("pcm_u8", 2.0**-7),
        ("pcm_s16le", 2.0**-15),
        ("pcm_s24le", 2.0**-23),
        ("pcm_s32le", 2.0**-24),
        ("pcm_f32le", 0),
        ("pcm_f64le", 0),
        ("flac", 2.0**-15),
    ],
)
@pytest.mark.parametrize(("layout", "channels"), [("mono", 1), ("stereo", 2), ("5.1", 6)])
def test_samples_are_exact(
    tmp_path: Path, codec: str, step: float, layout: str, channels: int
) -> None:
    sound = Sound(codec=codec, layout=layout, rate_hz=44100, seconds=Fraction(1, 2))
    (audio,) = read_tracks(make_sound(tmp_path / "a.mkv", sound))
    samples = audio.samples()
    truth = clicks(sound).T
    assert samples.shape == truth.shape == (22050, channels)
    assert samples.dtype == np.float32
    assert np.abs(samples - truth).max() <= step


def test_blocks_are_lazy_and_repeatable(tmp_path: Path) -> None:
    (audio,) = read_tracks(make_sound(tmp_path / "a.mkv", Sound(codec="flac")))
    blocks = list(audio.read())
    assert len(blocks) > 3
    assert all(block.ndim == 2 and len(block) and block.shape[1] == 2 for block in blocks)
    assert np.array_equal(np.concatenate(blocks), audio.samples())


def test_all_tracks_are_read_in_order(tmp_path: Path) -> None:
    sounds = (
        Sound(language="deu"),
        Sound(language="eng", layout="mono", rate_hz=44100, start=Fraction(1, 4)),
    )
    german, english = read_tracks(make(tmp_path / "a.mkv", sounds=sounds))
    assert (german.language, german.channels, german.start) == ("deu", 2, 0)
    assert (english.language, english.channels, english.rate_hz) == ("eng", 1, 44100)
    assert (
        np.abs(
            np.array(find_clicks(english)) - [0.25, 0.5, 0.75, 1.0][: len(find_clicks(english))]
        ).max()
        < 0.03
    )


def test_duration_is_read_from_the_file(tmp_path: Path) -> None:
    (audio,) = read_tracks(make(tmp_path / "a.mp4", sounds=(Sound(seconds=Fraction(3, 2)),)))
    assert audio.duration == Fraction(3, 2)


def test_video_without_sound_has_no_tracks(tmp_path: Path) -> None:
    assert read_tracks(make(tmp_path / "a.mp4")) == ()


def test_missing_file_and_non_media_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError):
        read_tracks(tmp_path / "none.wav")
    path = tmp_path / "text.wav"
    path.write_text("no sound")
    with pytest.raises(UnreadableMediaError):
        read_tracks(path)


def write_pcm(
    path: Path, blocks: list[tuple[int, NDArray[np.float32]]], rate_hz: int = 8000
) -> Path:
    """Write a mono PCM file of blocks of samples, each at its own time in samples."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("pcm_f32le", rate=rate_hz, layout="mono")
        for at, block in blocks:
            frame = av.AudioFrame.from_ndarray(block[None], "flt", "mono")
            frame.sample_rate, frame.pts = rate_hz, at
            for packet in stream.encode(frame):
                packet.pts = packet.dts = at
                packet.time_base = Fraction(1, rate_hz)
                out.mux(packet)
    return path


def test_gaps_are_silent(tmp_path: Path) -> None:
    one = np.full(4000, 0.5, np.float32)
    (audio,) = read_tracks(write_pcm(tmp_path / "a.mkv", [(0, one), (20000, one)]))
    samples = audio.samples()[:, 0]
    assert samples.shape == (24000,)
    assert (samples[:4000] == 0.5).all()
    assert (samples[4000:20000] == 0).all()
    assert (samples[20000:] == 0.5).all()


def test_lost_packet_becomes_silence(tmp_path: Path) -> None:
    ramp = np.linspace(-1, 1, 8000, dtype=np.float32)
    blocks = [(at, ramp[at : at + 400]) for at in range(0, 8000, 400) if at != 4000]
    (audio,) = read_tracks(write_pcm(tmp_path / "a.mkv", blocks))
    ramp[4000:4400] = 0
    assert np.array_equal(audio.samples()[:, 0], ramp)


def test_slow_drift_is_followed_in_few_steps(tmp_path: Path) -> None:
    """A camera's sound clock that runs 2 % slow: 0.16 s in 8 s."""
    block = np.full(1000, 0.5, np.float32)
    path = write_pcm(tmp_path / "a.mkv", [(1020 * k, block) for k in range(64)])
    (audio,) = read_tracks(path)
    samples = audio.samples()[:, 0]
    assert 0 <= 1020 * 63 + 1000 - len(samples) < 800
    assert np.count_nonzero(np.diff((samples == 0).astype(int)) == 1) == 1


def test_rounded_times_leave_no_gaps(tmp_path: Path) -> None:
    ramp = np.linspace(-1, 1, 8000, dtype=np.float32)
    blocks = [(at + 3 * (at // 1000 % 2), ramp[at : at + 1000]) for at in range(0, 8000, 1000)]
    (audio,) = read_tracks(write_pcm(tmp_path / "a.mkv", blocks))
    assert np.array_equal(audio.samples()[:, 0], ramp)


def test_overlapping_packets_are_trimmed(tmp_path: Path) -> None:
    one, two = np.full(8000, 0.5, np.float32), np.full(8000, -0.5, np.float32)
    (audio,) = read_tracks(write_pcm(tmp_path / "a.mkv", [(0, one), (4000, two)]))
    samples = audio.samples()[:, 0]
    assert (samples == np.concatenate([one, two[4000:]])).all()


def test_implausible_times_are_replaced_by_the_sample_count(tmp_path: Path) -> None:
    one = np.full(4000, 0.5, np.float32)
    path = write_pcm(tmp_path / "a.mkv", [(0, one), (8000 * 90000, one)])
    (audio,) = read_tracks(path)
    assert audio.samples().shape == (8000, 1)


def test_damaged_sound_keeps_its_length(tmp_path: Path) -> None:
    sound = Sound(codec="flac", rate_hz=48000, seconds=Fraction(4))
    path = scratch(make_sound(tmp_path / "a.mkv", sound), 0.5, size=60)
    (audio,) = read_tracks(path)
    samples = audio.samples()
    assert abs(len(samples) - 4 * 48000) <= 4608
    assert abs(find_clicks(audio)[-1] - 3.75) < 0.002


def test_changing_layout_is_resampled(tmp_path: Path) -> None:
    """As in broadcasts: stereo, then mono at another rate; all is returned in the first format."""
    first = make_sound(tmp_path / "a.ac3", Sound(codec="ac3", seconds=Fraction(1, 2)))
    other = Sound(codec="ac3", layout="mono", rate_hz=44100, seconds=Fraction(1, 2))
    second = make_sound(tmp_path / "b.ac3", other)
    first.write_bytes(first.read_bytes() + second.read_bytes())
    (audio,) = read_tracks(first)
    blocks = list(audio.read())
    assert {block.shape[1] for block in blocks} == {audio.channels}
    assert 0.95 < sum(map(len, blocks)) / audio.rate_hz < 1.15


def tone(seconds: float = 2, rate_hz: int = 48000, hz: float = 440) -> NDArray[np.float32]:
    wave = 0.5 * np.sin(2 * np.pi * hz / rate_hz * np.arange(int(seconds * rate_hz)))
    return wave.astype(np.float32)[:, None]


def audio_of(samples: NDArray[np.float32], rate_hz: int = 48000, **fields: Any) -> Audio:
    def read() -> Iterator[NDArray[np.float32]]:
        return (samples[at : at + 1000] for at in range(0, len(samples), 1000))

    layout = {1: "mono", 2: "stereo"}[samples.shape[1]]
    return Audio(read, rate_hz, samples.shape[1], layout, **fields)


@pytest.mark.parametrize("factor", [Fraction(2), Fraction(1, 3), Fraction(1001, 1000)])
def test_stretched_track_has_new_start_and_duration(factor: Fraction) -> None:
    audio = audio_of(tone(), start=Fraction(3, 7), duration=Fraction(2), origin=(Path("a"), 1))
    longer = stretch(audio, factor)
    assert (longer.start, longer.duration) == (Fraction(3, 7) * factor, 2 * factor)
    assert longer.origin is None
    assert (longer.rate_hz, longer.channels, longer.layout) == (48000, 1, "mono")
    assert len(longer.samples()) == round(96000 * factor)
    assert np.array_equal(longer.samples(), longer.samples())


def test_unknown_duration_stays_unknown() -> None:
    assert stretch(audio_of(tone()), Fraction(2)).duration is None


def test_factor_one_returns_the_track_unchanged() -> None:
    audio = audio_of(tone(), origin=(Path("a"), 1))
    assert stretch(audio, Fraction(1)) is audio


@pytest.mark.parametrize("factor", [Fraction(0), Fraction(-2)])
def test_invalid_factors_are_rejected(factor: Fraction) -> None:
    with pytest.raises(UsageError, match="above 0"):
        stretch(audio_of(tone()), factor)


@pytest.mark.parametrize("factor", [Fraction(2), Fraction(8), Fraction(1, 2), Fraction(5, 4)])
def test_clicks_of_a_file_stay_in_sync_when_stretched(tmp_path: Path, factor: Fraction) -> None:
    sound = Sound(start=Fraction(1, 8), seconds=Fraction(3), every=Fraction(1, 2))
    (audio,) = read_tracks(make(tmp_path / "a.mp4", sounds=(sound,)))
    before, after = find_clicks(audio), find_clicks(stretch(audio, factor))
    assert len(before) == len(after) == 6
    assert np.abs(np.array(after) - float(factor) * np.array(before)).max() < 0.005
