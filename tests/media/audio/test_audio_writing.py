"""Writing of sound: copied or encoded, in sync with the pictures."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import make
import numpy as np
import pytest
from films import film, sound

from kinoloom.base import Audio, Clip
from kinoloom.media.files import read, write

MOST_OFF_S = 0.002  # Matroska rounds to 1 ms, twice
CODECS = {"libopus": "opus", "libmp3lame": "mp3"}


def codecs_of(path: Path) -> list[str]:
    with av.open(str(path)) as file:
        return [stream.codec_context.codec.canonical_name for stream in file.streams.audio]


def find_clicks(clip: Clip, track: int = 0) -> list[float]:
    """Return the times of clicks, in seconds after the first picture."""
    audio = clip.audio[track]
    late = float(audio.start - next(iter(clip)).time)
    return [late + time for time in make.click_times(audio.samples(), audio.rate_hz)]


@pytest.mark.parametrize(
    ("source", "codec", "output", "kept"),
    [
        ("a.mp4", "aac", "b.mp4", "aac"),
        ("a.mp4", "aac", "b.mkv", "aac"),
        ("a.mp4", "aac", "b.webm", "opus"),
        ("a.mkv", "libopus", "b.mp4", "opus"),
        ("a.mkv", "libopus", "b.webm", "opus"),
        ("a.mkv", "libopus", "b.mov", "aac"),
        ("a.mp4", "libmp3lame", "b.mov", "mp3"),
        ("a.mov", "pcm_s16le", "b.mkv", "pcm_s16le"),
        ("a.mov", "pcm_s16le", "b.mp4", "aac"),
        ("a.mkv", "flac", "b.mkv", "flac"),
    ],
)
@pytest.mark.parametrize("late", [Fraction(0), Fraction(1, 5)])
def test_sound_stays_in_sync(
    tmp_path: Path, source: str, codec: str, output: str, kept: str, late: Fraction
) -> None:
    track = make.Sound(codec=codec, rate_hz=48000, seconds=Fraction(2))
    rate = Fraction(30000, 1001)
    clip = read(make.make(tmp_path / source, frames=50, rate=rate, start=late, sounds=(track,)))
    write(clip, tmp_path / output)
    assert codecs_of(tmp_path / output) == [kept]
    before, after = find_clicks(clip), find_clicks(read(tmp_path / output))
    assert len(after) == len(before) == 8
    assert np.abs(np.subtract(after, before)).max() < MOST_OFF_S


def test_copied_packets_are_identical(tmp_path: Path) -> None:
    source = make.make(tmp_path / "a.mp4", frames=25, sounds=(make.Sound(),))
    write(read(source), tmp_path / "b.mp4")
    packets = []
    for path in (source, tmp_path / "b.mp4"):
        with av.open(str(path)) as file:
            demuxed = [(p.pts, bytes(p)) for p in file.demux(audio=0) if p.size]
            packets.append(demuxed)
    assert packets[0] == packets[1]


def test_late_start_shifts_all_streams(tmp_path: Path) -> None:
    late = make.Sound(codec="flac", start=Fraction(2), seconds=Fraction(1))
    source = make.make(tmp_path / "a.mkv", frames=20, start=Fraction(9, 4), sounds=(late,))
    write(read(source), tmp_path / "b.mkv")
    clip = read(tmp_path / "b.mkv")
    assert (clip.audio[0].start, next(iter(clip)).time) == (0, Fraction(1, 4))


def test_sound_beyond_the_pictures_is_kept(tmp_path: Path) -> None:
    clip = film(25, audio=(sound(3, start=Fraction(1, 2)),))
    write(clip, tmp_path / "a.mp4")
    audio = read(tmp_path / "a.mp4").audio[0]
    end = audio.start + Fraction(len(audio.samples()), audio.rate_hz)
    assert abs(end - Fraction(7, 2)) < Fraction(1, 40)


@pytest.mark.parametrize(
    ("name", "codec", "kept"),
    [
        ("a.mp4", "auto", "aac"),
        ("a.mov", "auto", "aac"),
        ("a.mov", "prores", "pcm_s24le"),
        ("a.mkv", "auto", "opus"),
        ("a.mkv", "ffv1", "flac"),
        ("a.webm", "auto", "opus"),
    ],
)
@pytest.mark.parametrize("rate_hz", [22050, 44100])
def test_sound_is_encoded_with_the_codec_of_the_container(
    tmp_path: Path, name: str, codec: str, kept: str, rate_hz: int
) -> None:
    write(film(25, audio=(sound(1, rate_hz),)), tmp_path / name, codec=codec)
    assert codecs_of(tmp_path / name) == [kept]
    after = find_clicks(read(tmp_path / name))
    assert np.abs(np.subtract(after, [0, 0.25, 0.5, 0.75])).max() < MOST_OFF_S


def test_sound_of_a_lossless_film_is_lossless(tmp_path: Path) -> None:
    track = sound(0.5)
    write(film(10, audio=(track,)), tmp_path / "a.mkv", codec="ffv1")
    stored = read(tmp_path / "a.mkv").audio[0].samples()
    assert np.abs(stored - track.samples()).max() <= 2**-23


def test_all_tracks_and_their_languages_are_kept(tmp_path: Path) -> None:
    tracks = (make.Sound(language="deu"), make.Sound(language="fra", seconds=Fraction(1, 2)))
    source = make.make(tmp_path / "a.mkv", frames=25, sounds=tracks)
    write(read(source), tmp_path / "b.mkv")
    assert [audio.language for audio in read(tmp_path / "b.mkv").audio] == ["deu", "fra"]
    new = film(25, audio=(sound(1, language="ita"), sound(1)))
    write(new, tmp_path / "c.mp4")
    assert read(tmp_path / "c.mp4").audio[0].language == "ita"


@pytest.mark.parametrize(
    ("name", "codec", "layout", "kept"),
    [
        ("a.mp4", "auto", "mono", "mono"),
        ("a.mp4", "auto", "5.1(side)", "5.1"),
        ("a.mkv", "auto", "5.1(side)", "5.1"),
        ("a.mkv", "ffv1", "5.1(side)", "5.1(side)"),
        ("a.mov", "prores", "quad", "quad"),
        ("a.mkv", "auto", "2.1", "stereo"),
    ],
)
def test_channels_are_kept_or_mixed_down_with_a_note(
    tmp_path: Path, name: str, codec: str, layout: str, kept: str
) -> None:
    channels = av.AudioLayout(layout).nb_channels
    tones = 200 + 100 * np.arange(channels)
    wave = 0.3 * np.sin(2 * np.pi * tones * np.arange(24000)[:, None] / 48000)
    track = Audio(lambda: iter([wave.astype(np.float32)]), 48000, channels, layout)
    clip = film(10, audio=(track,))
    write(clip, tmp_path / name, codec=codec)
    stored = read(tmp_path / name).audio[0]
    assert stored.layout == kept
    assert clip.notes.count("sound") == (kept == "stereo")
    spectrum = np.abs(np.fft.rfft(stored.samples()[4000:20000], axis=0))
    if kept != "stereo":
        heard_hz = spectrum.argmax(0) * 3
        bass = (
            {3} if kept == "5.1" and name == "a.mp4" else set()
        )  # AAC drops the bass channel above 120 Hz
        assert all(abs(heard_hz[c] - tones[c]) <= 3 for c in set(range(channels)) - bass)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mov"])
def test_eight_channels_are_written(tmp_path: Path, name: str) -> None:
    wave = np.full((9600, 8), 0.25, np.float32)
    write(film(5, audio=(Audio(lambda: iter([wave]), 48000, 8, "7.1"),)), tmp_path / name)
    with av.open(str(tmp_path / name)) as file:
        frames = list(file.decode(audio=0))
    assert frames[0].layout.nb_channels == 8
    assert sum(frame.samples for frame in frames) >= 9600


def test_sound_is_read_in_step_with_pictures(tmp_path: Path) -> None:
    """Sound is consumed block by block, not completely before the pictures."""
    taken: list[str] = []
    track = sound(20, 8000)

    def blocks() -> Iterator[np.ndarray]:
        for block in track.read():
            taken.append("sound")
            yield block

    write(film(20, Fraction(1), audio=(Audio(blocks, 8000, 2, "stereo"),)), tmp_path / "a.mkv")
    assert len(taken) == 160
    with av.open(str(tmp_path / "a.mkv")) as file:
        kinds = [packet.stream.type for packet in file.demux() if packet.size]
    first, last = kinds.index("video"), len(kinds) - 1 - kinds[::-1].index("video")
    assert kinds[first:last].count("audio") > 0.8 * kinds.count("audio")
