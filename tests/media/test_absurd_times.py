"""Absurd times and rates are refused when a file is opened, with an error that names the file."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from tests.media.make import Sound, Video, make

import kinoloom
from kinoloom.errors import UnsupportedMediaError, UsageError
from kinoloom.media.files import read
from kinoloom.media.limits import MAX_DURATION_S, MAX_FRAME_S, MAX_RATE, check_times


def make_y4m(path: Path, rate: str, frames: int = 3) -> Path:
    """A raw video with any rate."""
    picture = b"FRAME\n" + bytes(64 * 48 * 3 // 2)
    path.write_bytes(b"YUV4MPEG2 W64 H48 F%b C420jpeg\n" % rate.encode() + frames * picture)
    return path


def make_avi(path: Path, scale: int, rate: int) -> Path:
    """An AVI with any rate in the header of its pictures."""
    data = bytearray(make(path, Video(codec="mpeg4", frames=5)).read_bytes())
    struct.pack_into("<II", data, data.index(b"strh") + 8 + 20, scale, rate)
    path.write_bytes(data)
    return path


def make_apng(path: Path, delay: tuple[int, int], frames: int = 3) -> Path:
    """An animated PNG with any delay; further frames than one are cut off."""
    pictures = [Image.new("RGB", (64, 48), (60 * k, 0, 0)) for k in range(3)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=100)
    data, kept = path.read_bytes(), [b"\x89PNG\r\n\x1a\n"]
    place, shown = 8, 0
    while place < len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        kind, content = data[place + 4 : place + 8], data[place + 8 : place + 8 + size]
        if kind == b"fcTL":
            shown += 1
            content = content[:20] + struct.pack(">HH", *delay) + content[24:]
        if shown <= frames:
            check = zlib.crc32(kind + content).to_bytes(4, "big")
            kept.append(size.to_bytes(4, "big") + kind + content + check)
        place += 12 + size
    path.write_bytes(b"".join(kept))
    return path


def make_jump(path: Path, jump_s: int, *, after: int, offset: int = 0) -> Path:
    """A video whose times start at any tick, and jump after some frames."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        pictures = [np.full((48, 64, 3), 5 * k % 250, np.uint8) for k in range(after + 3)]
        frames = [av.VideoFrame.from_ndarray(each, "rgb24") for each in pictures]
        packets = [packet for frame in [*frames, None] for packet in stream.encode(frame)]
        for number, packet in enumerate(packets):
            packet.pts += offset + 25 * jump_s * (number >= after)
            packet.dts = packet.pts
            file.mux(packet)
    return path


ABSURD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "slow.y4m": (lambda p: make_y4m(p, "1:1000000"), "a frame lasts 1e+06 s, and at most 3600 s"),
    "fast.y4m": (lambda p: make_y4m(p, "100000:1"), "100000 frames per second, and at most 10000"),
    "fast1.y4m": (lambda p: make_y4m(p, "2000000000:1", 1), "2e+09 frames per second"),
    "slow.avi": (lambda p: make_avi(p, 2**32 - 1, 1), "a frame lasts 2.14748e+09 s"),
    "fast.avi": (lambda p: make_avi(p, 1, 2**31 - 1), "2.14748e+09 frames per second"),
    "fast.png": (lambda p: make_apng(p, (1, 65535)), "50000 frames per second"),
    "fast1.png": (lambda p: make_apng(p, (1, 65535), 1), "50000 frames per second"),
    "slow.png": (lambda p: make_apng(p, (65535, 1)), "frames per second"),
    "jump.mkv": (lambda p: make_jump(p, 10**6, after=3), "a frame lasts 1e+06 s"),
    "jump.nut": (lambda p: make_jump(p, 10**9, after=3), "a frame lasts 1e+09 s"),
}


@pytest.mark.parametrize("name", ABSURD)
def test_absurd_times_are_refused_before_the_work(name: str, tmp_path: Path) -> None:
    build, message = ABSURD[name]
    path = build(tmp_path / name)
    with pytest.raises(UnsupportedMediaError, match=re.escape(message)) as caught:
        kinoloom.interpolate(path, engine="fast", fps=30)
    assert str(path) in caught.value.message
    assert "convert it" in caught.value.hint


def test_an_animation_of_one_frame_has_the_rate_of_its_delay(tmp_path: Path) -> None:
    clip = read(make_apng(tmp_path / "one.png", (1, 10), 1))
    assert clip.rate == 10  # not that of the time base, 100,000
    [frame] = clip
    assert frame.duration == Fraction(1, 10)


@pytest.mark.parametrize("suffix", [".mkv", ".nut", ".mov"])
@pytest.mark.parametrize("offset", [2**31, 2**45, -(2**40)])
def test_times_that_start_far_from_zero_are_usual(suffix: str, offset: int, tmp_path: Path) -> None:
    clip = read(make_jump(tmp_path / f"far{suffix}", 0, after=3, offset=offset))
    assert [frame.time for frame in clip] == [Fraction(k, 25) for k in range(6)]


@pytest.mark.parametrize("suffix", [".mkv", ".nut", ".mov"])
@pytest.mark.parametrize("offset", [2**58, 2**62, 2**63 - 200])
def test_times_at_the_end_of_the_range_do_not_overflow(
    suffix: str, offset: int, tmp_path: Path
) -> None:
    path = make_jump(tmp_path / f"far{suffix}", 0, after=3, offset=offset)
    try:
        clip = read(path)
    except UnsupportedMediaError:
        return
    times = [frame.time for frame in clip]
    assert list(clip.read(Fraction(10))) == []
    assert times == sorted(times)
    assert len(times) > 1


def test_a_late_jump_ends_the_readable_part(tmp_path: Path) -> None:
    clip = read(make_jump(tmp_path / "late.mkv", 100_000, after=300))
    assert len(list(clip)) == 300
    [note] = [note for note in clip.notes if note.kind == "damage"]
    assert "a frame lasts 100000 s" in note.message


def test_long_but_plausible_times_are_kept(tmp_path: Path) -> None:
    pictures = [Image.new("RGB", (64, 48), (60 * k, 0, 0)) for k in range(3)]
    for suffix in (".gif", ".webp"):
        path = tmp_path / f"long{suffix}"
        pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=600_000)
        assert read(path).duration == 1800
    path = tmp_path / "longer.webp"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=4_000_000)
    with pytest.raises(UnsupportedMediaError, match="a frame lasts 4000 s"):
        read(path)


@pytest.mark.parametrize("rate_hz", [1, 100, 10**9])
def test_sound_of_an_absurd_rate_is_left_out(rate_hz: int, tmp_path: Path) -> None:
    sound = Sound(codec="pcm_s16le", rate_hz=8000, layout="mono")
    path = make(tmp_path / "a.avi", Video(codec="mpeg4", sounds=(sound,)))
    data = bytearray(path.read_bytes())
    header = data.index(b"auds")
    struct.pack_into("<II", data, header + 20, 1, rate_hz)
    struct.pack_into("<I", data, data.index(b"strf", header) + 8 + 4, rate_hz)
    path.write_bytes(data)
    clip = read(path)
    assert clip.audio == ()
    [note] = [note for note in clip.notes if note.kind == "sound"]
    assert "unusual sample rates" in note.message


def test_the_bounds_are_inclusive() -> None:
    path = Path("a.mkv")
    for times, rate, end in (
        ([0, Fraction(1, MAX_RATE)], Fraction(MAX_RATE), None),
        ([0, MAX_FRAME_S], Fraction(1, MAX_FRAME_S), None),
        ([0, 1], None, MAX_DURATION_S),
    ):
        check_times(path, [Fraction(t) for t in times], rate, end and Fraction(end))
    for times, rate, end in (
        ([0, Fraction(1, MAX_RATE + 1)], None, None),
        ([0], Fraction(MAX_RATE + 1), None),
        ([0, MAX_FRAME_S + 1], None, None),
        ([0, 1], None, MAX_DURATION_S + 1),
        ([MAX_DURATION_S + 1], None, None),
    ):
        with pytest.raises(UnsupportedMediaError, match=r"a\.mkv cannot be used"):
            check_times(path, [Fraction(t) for t in times], rate, end and Fraction(end))


def test_an_absurd_output_rate_is_an_option_that_is_wrong(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mkv")
    with pytest.raises(UsageError, match="would have 1e\\+06 frames per second"):
        kinoloom.interpolate(path, engine="fast", fps=10**6)
