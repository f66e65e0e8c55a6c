"""Videos that are damaged, truncated or not videos: the readable part is used and noted."""

from __future__ import annotations

import os
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition
from make import Sound, make, make_sound, picture, read_number, scratch, truncate

from kinoloom.base.clip import Clip
from kinoloom.errors import (
    InputNotFoundError,
    MediaError,
    UnreadableMediaError,
    UnsupportedMediaError,
)
from kinoloom.media.video.reading import open_video

FASTSTART = {"movflags": "+faststart"}
X265 = {"x265-params": "log-level=none"}


def damage(clip: Clip) -> list[Any]:
    return [note for note in clip.notes if note.kind == "damage"]


def packet_places(path: Path) -> list[int]:
    with av.open(str(path)) as file:
        return [packet.pos for packet in file.demux(video=0) if packet.size and packet.pos]


CUT = [
    ("a.mp4", {"muxer": FASTSTART, "options": {"g": "8"}}),
    ("b.mp4", {"muxer": FASTSTART, "options": {"g": "8"}, "sounds": (Sound(),)}),
    ("a.mov", {"muxer": FASTSTART, "codec": "prores_ks", "pix_fmt": "yuv422p10le"}),
    ("a.mkv", {}),
    ("d.mkv", {"options": {"bf": "8", "b_strategy": "0", "b-pyramid": "none"}}),
    ("b.mkv", {"codec": "ffv1"}),
    ("c.mkv", {"codec": "libx265", "options": X265}),
    ("a.webm", {"codec": "libvpx-vp9"}),
    ("a.avi", {"codec": "mjpeg", "pix_fmt": "yuvj420p"}),
]


@pytest.mark.parametrize(("name", "video"), CUT, ids=[name for name, _ in CUT])
def test_truncated_video_is_read_to_its_end(
    tmp_path: Path, name: str, video: dict[str, Any]
) -> None:
    path = truncate(make(tmp_path / name, **({"frames": 40, "size": (160, 96)} | video)), 0.8)
    clip = open_video(path)
    frames = list(clip)
    assert 0 < len(frames) < 40
    assert [read_number(frame.image) for frame in frames[:-1]] == list(range(len(frames) - 1))
    assert clip.rate == 25 or len(frames) < 20  # too few frames to detect the rate
    (note,) = damage(clip)
    assert note.level == "error"
    assert name in note.message
    found = re.search(r"after (\d+) frames", note.message)
    assert found is not None
    assert 0 < int(found[1]) <= len(frames)
    assert clip.notes.failed


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_truncation_between_packets_is_noted(tmp_path: Path, name: str) -> None:
    path = make(tmp_path / name, frames=40, codec="mpeg4", muxer=FASTSTART)
    path.write_bytes(path.read_bytes()[: packet_places(path)[25]])
    clip = open_video(path)
    assert len(list(clip)) == 25
    (note,) = damage(clip)
    assert "after 25 frames at 0.960 s: it should last until 1.600 s" in note.message


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_damage_in_the_middle_loses_only_its_frames(tmp_path: Path, name: str) -> None:
    path = make(tmp_path / name, frames=40, codec="ffv1" if name == "a.mkv" else "mpeg4")
    places = packet_places(path)
    data = bytearray(path.read_bytes())
    data[places[20] + 8 : places[20] + 200] = np.random.default_rng(0).bytes(192)
    path.write_bytes(data)
    clip = open_video(path)
    seen = [read_number(frame.image) for frame in clip]
    assert seen[:20] == list(range(20))
    assert seen[-1] == 39
    (note,) = damage(clip)
    assert Fraction(15, 25) <= note.time <= Fraction(22, 25)


def test_lost_transport_packets_are_noted(tmp_path: Path) -> None:
    """Counters in transport streams reveal lost packets."""
    path = make(tmp_path / "a.ts", frames=40, codec="mpeg2video", options={"b": "2M"})
    data = path.read_bytes()
    begin = len(data) // 2 // 188 * 188
    path.write_bytes(data[:begin] + data[begin + 3 * 188 :])
    clip = open_video(path)
    assert len(list(clip)) > 30
    (note,) = damage(clip)
    assert Fraction(10, 25) < note.time < Fraction(30, 25)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs sched_setaffinity")
@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mkv", "libx264", {"x264-params": "slices=4:bframes=3"}),
        ("a.webm", "libvpx", {}),
        ("a.avi", "mpeg4", {}),
    ],
)
def test_damaged_video_decodes_to_the_same_pictures_on_any_number_of_cores(
    tmp_path: Path, name: str, codec: str, options: dict[str, str]
) -> None:
    path = make(tmp_path / name, frames=40, size=(160, 96), codec=codec, options=options)
    whole = path.read_bytes()
    for seed in range(6):
        path.write_bytes(flip_bits(whole, seed))
        assert decode_on(1, path) == decode_on(None, path)


def flip_bits(data: bytes, seed: int) -> bytes:
    """Flip 20 bits after the first tenth of a file."""
    numbers = np.random.default_rng(seed)
    damaged = bytearray(data)
    for place in numbers.integers(len(data) // 10, len(data), 20):
        damaged[place] ^= 1 << int(numbers.integers(8))
    return bytes(damaged)


def decode_on(cores: int | None, path: Path) -> list[tuple[Fraction, bytes]] | str:
    """Decode a video on some cores or all; return times and pictures, or the error."""
    every = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(every)[:cores])
    try:
        return [(frame.time, frame.image.tobytes()) for frame in open_video(path)]
    except MediaError as error:
        return str(error)
    finally:
        os.sched_setaffinity(0, every)


def test_damage_is_noted_once_for_all_reads(tmp_path: Path) -> None:
    clip = open_video(truncate(make(tmp_path / "a.mkv", frames=40, codec="ffv1"), 0.7))
    lengths = {len(list(clip)) for _ in range(3)}
    assert len(lengths) == 1
    assert len(damage(clip)) == 1


def test_reading_continues_after_damage(tmp_path: Path) -> None:
    """A resumed run reads the same frames, and notes the damage too."""
    path = truncate(make(tmp_path / "a.mkv", frames=40, codec="ffv1"), 0.7)
    whole = list(open_video(path))
    clip = open_video(path)
    part = list(clip.read(whole[10].time))
    assert [frame.time for frame in part] == [frame.time for frame in whole[10:]]
    assert np.array_equal(part[-1].image, whole[-1].image)
    (note,) = damage(clip)
    assert "frames" not in note.message.split(":")[0]


def test_reading_only_the_first_frame_notes_no_damage(tmp_path: Path) -> None:
    clip = open_video(make(tmp_path / "a.mp4", frames=40))
    next(iter(clip))
    assert not list(clip.notes)


@pytest.mark.parametrize("read_all", [False, True])
def test_ffmpeg_prints_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], *, read_all: bool
) -> None:
    path = make(tmp_path / "a.mp4", frames=40, muxer=FASTSTART, options={"g": "8"})
    if read_all:
        list(open_video(scratch(path, 0.6)))
    else:
        with pytest.raises(MediaError):
            open_video(truncate(path, 0.01))
    assert capfd.readouterr().err == ""


def test_missing_file_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError, match=r"none\.mp4 does not exist.*Check"):
        open_video(tmp_path / "none.mp4")


def test_folder_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(UnreadableMediaError, match=r"is a folder.*files in it"):
        open_video(tmp_path)


def test_empty_file_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.touch()
    with pytest.raises(UnreadableMediaError, match=r"a\.mp4 is empty.*again"):
        open_video(path)


def test_text_with_video_suffix_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_text("This is no video.\n" * 100)
    with pytest.raises(UnreadableMediaError, match=r"a\.mp4 .*FFmpeg reports.*moov atom not found"):
        open_video(path)


def test_video_without_index_is_rejected(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", frames=40)
    for part in (0.9, 0.6, 0.3):
        with pytest.raises(UnreadableMediaError, match=r"a\.mp4 .*truncated"):
            open_video(truncate(path, part))


def test_file_without_permission_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(tmp_path / "a.mp4")

    def denied(*args: object, **options: object) -> None:
        raise av.error.PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(av, "open", denied)
    with pytest.raises(UnreadableMediaError, match=r"a\.mp4 .*Permission denied"):
        open_video(path)


def test_sound_without_video_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedMediaError, match=r"no moving pictures, only audio.*video"):
        open_video(make_sound(tmp_path / "a.mp3", Sound(codec="libmp3lame")))


def test_cover_art_is_not_a_video(tmp_path: Path) -> None:
    path = tmp_path / "a.m4a"
    with av.open(str(path), "w", format="mp4") as out:
        sound = out.add_stream("aac", rate=48000)
        cover = out.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        image = av.VideoFrame.from_ndarray(picture(1), "rgb24")
        out.mux(cover.encode(image.reformat(format="yuvj420p", threads=1)))
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        silence.sample_rate = 48000
        out.mux([*sound.encode(silence), *sound.encode(None)])
    with pytest.raises(UnsupportedMediaError, match="no moving pictures"):
        open_video(path)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_video_without_frames_is_rejected(tmp_path: Path, name: str) -> None:
    path = make(tmp_path / name, frames=0)
    with pytest.raises(UnreadableMediaError, match=name):
        open_video(path)


def test_undecodable_video_is_rejected(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", frames=1, codec="png", pix_fmt="rgb24", muxer=FASTSTART)
    data = bytearray(path.read_bytes())
    at = data.index(b"\x89PNG")
    data[at : at + 400] = bytes(400)
    path.write_bytes(data)
    with pytest.raises(UnreadableMediaError, match=r"no frame that can be decoded.*again"):
        open_video(path)


def test_unknown_codec_is_rejected(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzz9"))
    with pytest.raises(UnsupportedMediaError, match=r"a\.mp4 .*cannot decode.*Convert"):
        open_video(path)


def test_undecodable_sound_track_is_noted(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mov", sounds=(Sound(codec="pcm_s16le"),))
    path.write_bytes(path.read_bytes().replace(b"sowt", b"zzz9"))
    clip = open_video(path)
    assert clip.audio == ()
    assert [(note.kind, note.level) for note in clip.notes] == [("sound", "warning")]
