"""Reading of sound: start times, samples, gaps, damage, stretching."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from make import Sound, click_times, clicks, make, make_sound, scratch
from numpy.typing import NDArray

from kinoloom.base.audio import Audio
from kinoloom.base.notes import Notes
from kinoloom.errors import InputNotFoundError, UnreadableMediaError, UsageError
from kinoloom.media.audio.reading import read_tracks, stretch
from kinoloom.media.video.reading import open_video

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


SPOILED: dict[str, Callable[[bytes], bytes]] = {
    "noise": lambda data: data[:9] + np.random.default_rng(2).bytes(len(data) - 9),
    "all noise": lambda data: np.random.default_rng(2).bytes(len(data)),
    "one bit": lambda data: data[:-9] + bytes([data[-9] ^ 16]) + data[-8:],
}


def spoil(path: Path, name: str, numbers: range) -> Path:
    """Copy a file of one sound stream with some of its packets damaged."""
    changed = path.with_name(f"b{path.suffix}")
    with av.open(str(path)) as source, av.open(str(changed), "w") as out:
        stream = out.add_stream_from_template(source.streams.audio[0])
        for number, packet in enumerate(source.demux(audio=0)):
            if not packet.size:
                continue
            copy = packet
            if number in numbers:
                copy = av.Packet(SPOILED[name](bytes(packet)))
                copy.pts, copy.dts, copy.duration = packet.pts, packet.dts, packet.duration
                copy.time_base = packet.time_base
            copy.stream = stream
            out.mux(copy)
    return changed


@pytest.mark.parametrize("place", ["start", "middle", "end"])
@pytest.mark.parametrize(
    ("name", "codec", "damage"),
    [
        ("a.mkv", "flac", "noise"),
        ("a.mkv", "flac", "one bit"),
        ("a.mov", "alac", "noise"),
        ("a.mkv", "aac", "all noise"),
        ("a.mp4", "libmp3lame", "all noise"),
    ],
)
def test_packets_that_cannot_be_decoded_are_silent_and_noted(
    tmp_path: Path, name: str, codec: str, damage: str, place: str
) -> None:
    def draw(rate_hz: int) -> NDArray[np.float32]:
        return np.repeat(tone(2, rate_hz).T, 2, axis=0)

    intact = write_tone(tmp_path / name, codec, draw(48000))
    with av.open(str(intact)) as file:
        times = [float(p.pts * p.time_base) for p in file.demux(audio=0) if p.size]
    first = {"start": 2, "middle": len(times) // 2, "end": len(times) - 3}[place]
    numbers = range(first, min(first + 3, len(times)))
    notes = Notes()
    (whole,) = read_tracks(intact, notes)
    truth = whole.samples()
    assert not list(notes)
    (audio,) = read_tracks(spoil(intact, damage, numbers), notes)
    samples = audio.samples()
    assert abs(len(samples) - len(truth)) < 48  # Matroska rounds times to milliseconds
    (note,) = notes
    assert (note.kind, note.level) == ("damage", "error")
    found = re.search(r"(\d) packet\(s\) cannot be decoded and are silent", note.message)
    assert found is not None
    assert found[1] == ("1" if codec == "libmp3lame" else "3")  # FFmpeg joins damaged MP3 packets
    begin = round((times[first] - max(times[0], 0)) * 48000)  # FFmpeg drops what is before 0
    assert note.time is not None
    assert abs(float(note.time - audio.start) * 48000 - begin) < 50
    length = round((times[1] - times[0]) * 48000) * 3
    inside = samples[begin + 600 : min(begin + length, len(samples)) - 600]
    assert (inside == 0).mean() > 0.8 if len(inside) else place == "end"
    before = slice(0, max(0, begin - 600))
    assert np.abs(samples[before] - truth[before]).max(initial=0) < 0.02
    if place != "end":
        rest = slice(begin + length + 6000, -3000)
        assert abs(samples[rest].std() / truth[rest].std() - 1) < 0.02
    audio.samples()
    assert len(list(notes)) == 1


def write_tone(path: Path, codec: str, wave: NDArray[np.float32]) -> Path:
    """Encode (channels, n) samples at 48 kHz."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=48000, layout="stereo")
        context = stream.codec_context
        form = (context.codec.audio_formats or [])[0].name
        fit = av.AudioResampler(form, "stereo", 48000, frame_size=context.frame_size or None)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(wave), "fltp", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48000, 0, Fraction(1, 48000)
        for part in [*fit.resample(frame), *fit.resample(None)]:
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    return path


def test_damaged_sound_of_a_video_is_noted_by_the_clip(tmp_path: Path) -> None:
    sound = Sound(codec="flac", rate_hz=48000, seconds=Fraction(2))
    path = make(tmp_path / "a.mkv", frames=50, sounds=(sound,))
    with av.open(str(path)) as file:
        places = [packet.pos for packet in file.demux(audio=0) if packet.size and packet.pos]
    data = bytearray(path.read_bytes())
    data[places[10] + 40 : places[10] + 90] = np.random.default_rng(0).bytes(50)
    path.write_bytes(data)
    clip = open_video(path)
    clip.audio[0].samples()
    (note,) = clip.notes
    assert "Sound (stream 1) of a.mkv is damaged at" in note.message
    assert clip.notes.failed


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
