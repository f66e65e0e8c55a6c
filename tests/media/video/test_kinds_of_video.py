"""Sizes that change, clocks that restart, and chroma, checked frame by frame."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from make import Sound, click_times, make, picture, read_number

import kinoloom
from kinoloom.media.video.planes import find_layout, split_planes
from kinoloom.media.video.reading import open_video

TICK = Fraction(1, 90_000)


def shifted(first: int) -> Any:
    """Return a function that draws numbers from `first` on."""
    return lambda number, width, height: picture(first + number, width, height)


def concatenate(path: Path, *parts: Path) -> Path:
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def make_part(path: Path, first: int, **changes: Any) -> Path:
    """Encode a second of video, with sound."""
    known = {"frames": 25, "draw": shifted(first), "sounds": (Sound(codec="mp2"),)}
    return make(path, **(known | changes))


def join_packets(path: Path, *parts: Path) -> Path:
    """Copy the pictures of files one after the other, with times that go on."""
    with av.open(str(path), "w") as out:
        end, stream = Fraction(0), None
        for part in parts:
            with av.open(str(part)) as file:
                source = file.streams.video[0]
                stream = stream or out.add_stream_from_template(source)
                packets = [packet for packet in file.demux(source) if packet.size]
                begin, length = min(p.pts for p in packets), len(packets) / source.average_rate
                for packet in packets:
                    shift = round(end / packet.time_base) - begin
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = stream
                    out.mux(packet)
                end += length
    return path


@pytest.mark.parametrize("suffix", [".ts", ".mpg"])
def test_clock_that_restarts_goes_on(tmp_path: Path, suffix: str) -> None:
    """Every part is shown after the one before, and no damage is reported."""
    codec = "libx264" if suffix == ".ts" else "mpeg2video"
    options = {"bf": "2"}
    parts = [
        make_part(tmp_path / f"{k}{suffix}", 25 * k, codec=codec, options=options) for k in range(3)
    ]
    clip = open_video(concatenate(tmp_path / f"all{suffix}", *parts))
    frames = list(clip)
    assert [read_number(frame.image) for frame in frames] == list(range(75))
    steps = [b.time - a.time for a, b in pairwise(frames)]
    assert all(abs(step - Fraction(1, 25)) <= TICK for step in steps)
    assert not [note.message for note in clip.notes]
    (sound,) = clip.audio
    found = np.array(click_times(np.concatenate(list(sound.read())), sound.rate_hz))
    pictures = np.array([float(frame.time) for frame in frames[::25]])
    for begin in pictures - float(frames[0].time):
        assert np.abs(found - begin).min() < 0.06  # a click at the start of each part


def test_clock_that_jumps_ahead_goes_on(tmp_path: Path) -> None:
    parts = [make_part(tmp_path / "a.ts", 0), make_part(tmp_path / "b.ts", 25, start=Fraction(900))]
    clip = open_video(concatenate(tmp_path / "all.ts", *parts))
    frames = list(clip)
    assert [read_number(frame.image) for frame in frames] == list(range(50))
    assert frames[-1].time - frames[0].time == pytest.approx(Fraction(49, 25), abs=0.001)
    assert not list(clip.notes)


def test_restarted_clock_reads_the_same_from_any_time(tmp_path: Path) -> None:
    parts = [make_part(tmp_path / f"{k}.ts", 25 * k) for k in range(2)]
    clip = open_video(concatenate(tmp_path / "all.ts", *parts))
    whole = list(clip)
    for place in (3, 24, 25, 40):
        rest = list(clip.read(whole[place].time))
        assert [frame.time for frame in rest] == [frame.time for frame in whole[place:]]
        assert read_number(rest[0].image) == place


def test_film_of_a_restarted_clock_keeps_its_sound(tmp_path: Path) -> None:
    parts = [make_part(tmp_path / f"{k}.ts", 25 * k) for k in range(2)]
    source = concatenate(tmp_path / "all.ts", *parts)
    kinoloom.write(kinoloom.interpolate(source, engine="fast"), tmp_path / "film.mkv")
    film = open_video(tmp_path / "film.mkv")
    assert [read_number(frame.image) for frame in film][::2] == list(range(50))
    (sound,) = film.audio
    found = click_times(np.concatenate(list(sound.read())), sound.rate_hz)
    assert len(found) >= 8
    assert found[-1] > 1.6


def test_real_damage_after_a_restart_is_reported(tmp_path: Path) -> None:
    parts = [make_part(tmp_path / f"{k}.ts", 25 * k) for k in range(2)]
    data = bytearray(concatenate(tmp_path / "all.ts", *parts).read_bytes())
    place = len(data) * 3 // 4 // 188 * 188
    del data[place : place + 188 * 20]
    (tmp_path / "all.ts").write_bytes(data)
    clip = open_video(tmp_path / "all.ts")
    list(clip)
    assert "damage" in {note.kind for note in clip.notes}


@pytest.mark.parametrize("other", [(96, 64), (32, 24), (64, 64)])
@pytest.mark.parametrize("suffix", [".ts", ".mkv"])
def test_pictures_of_another_size_are_scaled(
    tmp_path: Path, suffix: str, other: tuple[int, int]
) -> None:
    parts = [
        make(tmp_path / "a.ts", frames=25),
        make(tmp_path / "b.ts", frames=25, draw=shifted(25), size=other),
    ]
    clip = open_video(join_packets(tmp_path / f"all{suffix}", *parts))
    frames = list(clip)
    assert {frame.image.shape for frame in frames} == {(48, 64, 3)}
    assert len(frames) == 50
    notes = [note.message for note in clip.notes if note.kind == "size"]
    assert notes == [
        f"The pictures of all{suffix} change to {other[0]}x{other[1]} at 1.000 s; they are scaled "
        "to 64x48."
    ]
    assert not [note for note in clip.notes if note.kind == "damage"]
    borders = {(96, 64): np.s_[:2], (32, 24): np.s_[:0], (64, 64): np.s_[:, :4]}
    assert frames[-1].image[borders[other]].max(initial=0) < 10  # black
    assert frames[-1].image[16:32, 16:48].max() > 150
    if other == (32, 24):
        assert [read_number(frame.image) for frame in frames] == list(range(50))
    kinoloom.write(clip, tmp_path / "film.mp4")
    assert len(list(open_video(tmp_path / "film.mp4"))) == 50


CHROMA = {"yuv420p": "4:2:0", "yuv422p": "4:2:2", "yuv444p": "4:4:4"}


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [(".mp4", "h264"), (".mp4", "h265"), (".webm", "vp9"), (".mkv", "ffv1"), (".mov", "h264")],
)
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p", "yuv444p"])
def test_chroma_is_kept(tmp_path: Path, pix_fmt: str, suffix: str, codec: str) -> None:
    source = make(tmp_path / "a.mkv", frames=4, pix_fmt=pix_fmt)
    clip = kinoloom.read(source)
    kinoloom.write(clip, tmp_path / f"b{suffix}", codec=codec)
    with av.open(str(tmp_path / f"b{suffix}")) as file:
        frames = list(file.decode(video=0))
    assert {frame.format.name for frame in frames} == {pix_fmt}
    assert [read_number(frame.to_ndarray(format="rgb24")) for frame in frames] == [0, 1, 2, 3]
    assert not [note for note in clip.notes if note.kind == "chroma"]


@pytest.mark.parametrize("pix_fmt", ["yuv422p", "yuv444p"])
def test_coarser_chroma_is_noted(tmp_path: Path, pix_fmt: str) -> None:
    clip = kinoloom.read(make(tmp_path / "a.mkv", frames=4, pix_fmt=pix_fmt))
    kinoloom.write(clip, tmp_path / "b.webm", codec="av1")
    (note,) = [note for note in clip.notes if note.kind == "chroma"]
    assert note.message == (
        f"The source has {CHROMA[pix_fmt]} chroma; av1 in a .webm file stores 4:2:0."
    )


@pytest.mark.parametrize(
    ("pix_fmt", "profile", "shown"),
    [("yuv422p10le", "2", "Standard"), ("yuv444p10le", "4", "4444")],
)
@pytest.mark.parametrize("suffix", [".mov", ".mkv"])
def test_prores_stays_prores(
    tmp_path: Path, pix_fmt: str, profile: str, shown: str, suffix: str
) -> None:
    options = {"profile": profile}
    source = make(tmp_path / "a.mov", frames=4, codec="prores_ks", pix_fmt=pix_fmt, options=options)
    kinoloom.write(kinoloom.read(source), tmp_path / f"b{suffix}")
    with av.open(str(tmp_path / f"b{suffix}")) as file:
        context = file.streams.video[0].codec_context
        frame = next(file.decode(video=0))
        assert context.codec.canonical_name == "prores"
        assert ("4444" in (context.profile or "")) == (shown == "4444")
    assert find_layout(frame.format.name).steps == find_layout(pix_fmt).steps


def test_depth_changes_without_rgb(tmp_path: Path) -> None:
    """Luma and chroma of every code come back, also those outside the RGB cube."""
    codes = np.arange(64 * 48, dtype=np.uint32) * 2654435761 % 256

    def draw(number: int, *_: int) -> Any:
        return np.roll(codes, number * 977).reshape(48, 64, 1).repeat(3, 2).astype(np.uint8)

    source = make(tmp_path / "a.mkv", frames=2, codec="ffv1", pix_fmt="yuv420p", draw=draw)
    clip = kinoloom.read(source)
    kinoloom.write(clip, tmp_path / "b.mov", codec="prores")
    kinoloom.write(clip.with_(bits=16), tmp_path / "c.mkv", codec="h265", quality=100)
    before = split_planes(next(iter(clip)).native, find_layout("yuv420p"))  # type: ignore[arg-type]
    with av.open(str(tmp_path / "c.mkv")) as file:
        after = split_planes(next(file.decode(video=0)), find_layout("yuv420p10le"))
    for old, new in zip(before, after, strict=True):
        assert np.abs(old.astype(int) * 4 - new).max() <= 16  # the encoder's loss
