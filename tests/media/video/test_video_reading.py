"""Reading of videos: frames, times, properties, seeking."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from make import Sound, click_times, make, picture, read_number

from kinoloom.base.clip import Clip, Color
from kinoloom.media.video import reading as video_in
from kinoloom.media.video.color import to_picture
from kinoloom.media.video.decoding import decode, open_decoder
from kinoloom.media.video.reading import Deinterlace, open_video

FILM = Fraction(24000, 1001)
X265 = {"x265-params": "log-level=none"}
HDR = Color(primaries=9, transfer=16, matrix=9)


def numbers(clip: Clip, start: Fraction = Fraction(0)) -> list[int]:
    return [read_number(frame.image) for frame in clip.read(start)]


def rgba(number: int, width: int, height: int) -> Any:
    alpha = np.linspace(0, 255, width).astype(np.uint8)
    return np.dstack([picture(number, width, height), np.broadcast_to(alpha, (height, width))])


CONTAINERS = [
    ("a.mp4", {"rate": FILM}),
    ("a.mov", {"codec": "prores_ks", "pix_fmt": "yuv422p10le", "rate": Fraction(30000, 1001)}),
    ("a.mkv", {"rate": FILM}),
    ("b.mkv", {"codec": "ffv1", "rate": Fraction(60000, 1001)}),
    ("c.mkv", {"codec": "libx265", "options": X265, "rate": Fraction(24)}),
    ("d.mkv", {"rate": Fraction(240)}),
    ("a.webm", {"codec": "libvpx-vp9", "rate": Fraction(30000, 1001)}),
    ("a.ts", {"rate": FILM}),
    ("a.flv", {"rate": FILM, "frames": 30}),
    ("a.mpg", {"codec": "mpeg2video"}),
    ("a.avi", {"codec": "mjpeg", "pix_fmt": "yuvj420p"}),
    ("a.h264", {"rate": Fraction(25)}),
    ("a.gif", {"codec": "gif", "pix_fmt": "rgb8", "rate": Fraction(10)}),
    ("a.apng", {"codec": "apng", "pix_fmt": "rgb24", "rate": Fraction(10)}),
]


@pytest.mark.parametrize(("name", "video"), CONTAINERS, ids=[name for name, _ in CONTAINERS])
def test_frames_have_exact_times(tmp_path: Path, name: str, video: dict[str, Any]) -> None:
    clip = open_video(make(tmp_path / name, **video))
    frames = list(clip)
    rate, count = video.get("rate", Fraction(25)), video.get("frames", 10)
    assert [read_number(frame.image) for frame in frames] == list(range(count))
    assert clip.rate == rate
    assert [frame.time for frame in frames] == [k / rate for k in range(count)]
    assert {frame.duration for frame in frames} == {1 / rate}
    assert clip.duration in (count / rate, None)
    assert clip.frame_count in (count, None)
    assert (clip.width, clip.height) == (64, 48) == frames[0].image.shape[1::-1]
    assert clip.files == (clip.origin,)
    assert not clip.stills
    assert not list(clip.notes)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.gif"])
def test_frame_count_comes_from_the_index(tmp_path: Path, name: str) -> None:
    kind = {"codec": "gif", "pix_fmt": "rgb8"} if name == "a.gif" else {}
    clip = open_video(make(tmp_path / name, frames=7, **kind))
    assert (clip.frame_count, clip.duration) == (7, Fraction(7, 25))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm"])
def test_variable_rates_keep_their_times(tmp_path: Path, name: str) -> None:
    ticks = [0, 40, 100, 120, 300, 400, 410, 500]
    codec = "libvpx-vp9" if name == "a.webm" else "ffv1" if name == "a.mkv" else "mpeg4"
    clip = open_video(make(tmp_path / name, ticks=ticks, codec=codec))
    frames = list(clip)
    assert clip.rate is None
    assert [frame.time * 1000 for frame in frames] == ticks[:-1]
    assert [frame.duration * 1000 for frame in frames] == [b - a for a, b in pairwise(ticks)]
    assert clip.duration == Fraction(1, 2)


def test_rate_that_changes_later_is_variable(tmp_path: Path) -> None:
    """The first 240 frames are constant, but the index shows that the whole is not."""
    ticks = [*range(0, 300 * 40, 40), *range(300 * 40, 300 * 40 + 300 * 20 + 1, 20)]
    clip = open_video(make(tmp_path / "a.mp4", ticks=ticks, codec="mpeg4", size=(32, 16)))
    assert clip.rate is None
    assert [frame.time * 1000 for frame in clip] == ticks[:-1]


def test_dropped_frame_leaves_a_gap(tmp_path: Path) -> None:
    ticks = [40 * k for k in range(91) if k != 12]
    clip = open_video(make(tmp_path / "a.mkv", ticks=ticks))
    assert clip.rate == 25
    times = [frame.time for frame in clip]
    assert times[11:13] == [Fraction(11, 25), Fraction(13, 25)]
    assert clip.duration == Fraction(90, 25)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
@pytest.mark.parametrize(
    ("late", "sound_late"),
    [(Fraction(1, 2), Fraction(0)), (Fraction(0), Fraction(1, 3)), (Fraction(1), Fraction(1, 4))],
)
def test_pictures_and_sound_stay_in_sync(
    tmp_path: Path, name: str, late: Fraction, sound_late: Fraction
) -> None:
    """The offset between a click and the first picture is kept, whichever starts late."""
    sound = Sound(start=sound_late, every=Fraction(1, 2))
    clip = open_video(make(tmp_path / name, start=late, sounds=(sound,)))
    (audio,) = clip.audio
    first = next(iter(clip))
    assert min(first.time, audio.start) == 0
    heard = audio.start + Fraction(click_times(audio.samples(), audio.rate_hz)[0])
    made = ceil(sound_late / sound.every) * sound.every
    assert abs((heard - first.time) - (made - late)) < Fraction(15, 10000)
    assert clip.duration in (Fraction(2, 5), None)


def test_times_do_not_drift_in_coarse_time_bases(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mkv", rate=FILM, frames=600, size=(16, 16), codec="mpeg4")
    *_, last = open_video(path)
    assert last.time == 599 / FILM
    assert last.duration == 1 / FILM


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_rotation_is_applied(tmp_path: Path, rotation: int, *, mirrored: bool) -> None:
    plain = next(iter(open_video(make(tmp_path / "a.mp4")))).image
    path = make(
        tmp_path / "b.mp4", rotation=rotation, mirrored=mirrored, pixel_aspect=Fraction(4, 3)
    )
    clip = open_video(path)
    frame = next(iter(clip))
    turned = np.rot90(plain, rotation // 90)
    assert np.array_equal(frame.image, turned[:, ::-1] if mirrored else turned)
    assert (clip.width, clip.height) == frame.image.shape[1::-1]
    assert clip.pixel_aspect == (Fraction(3, 4) if rotation in (90, 270) else Fraction(4, 3))
    assert isinstance(frame.native, av.VideoFrame) != (rotation != 0 or mirrored)


@pytest.mark.parametrize(
    ("name", "video", "bits", "color"),
    [
        ("a.mp4", {}, 8, Color(6, 6, 6)),
        ("b.mp4", {"size": (16, 720)}, 8, Color(1, 1, 1)),
        ("c.mp4", {"color": Color(1, 1, 1)}, 8, Color(1, 1, 1)),
        ("d.mp4", {"color": Color(1, 13, 1, full_range=True)}, 8, Color(1, 13, 1, True)),
        ("a.mov", {"codec": "prores_ks", "pix_fmt": "yuv422p10le", "color": HDR}, 10, HDR),
        (
            "e.mp4",
            {"codec": "libx265", "pix_fmt": "yuv420p10le", "options": X265, "color": HDR},
            10,
            HDR,
        ),
        ("a.mkv", {"codec": "ffv1", "pix_fmt": "bgr0"}, 8, Color(1, 13, 0, True)),
        ("b.mkv", {"codec": "ffv1", "pix_fmt": "gbrp12le"}, 12, Color(1, 13, 0, True)),
        ("c.mkv", {"codec": "ffv1", "pix_fmt": "gray16le"}, 16, Color(6, 6, 6, True)),
    ],
)
def test_colour_and_depth_are_read(
    tmp_path: Path, name: str, video: dict[str, Any], bits: int, color: Color
) -> None:
    clip = open_video(make(tmp_path / name, **video))
    frame = next(iter(clip))
    assert (clip.bits, clip.color) == (bits, color)
    assert frame.image.dtype == (np.uint8 if bits == 8 else np.uint16)
    assert read_number(frame.image) == 0


@pytest.mark.parametrize(
    ("name", "video"),
    [
        (
            "a.webm",
            {"codec": "libvpx-vp9", "pix_fmt": "yuva420p", "options": {"auto-alt-ref": "0"}},
        ),
        ("b.webm", {"codec": "libvpx", "pix_fmt": "yuva420p", "options": {"auto-alt-ref": "0"}}),
        ("a.mov", {"codec": "prores_ks", "pix_fmt": "yuva444p10le"}),
        ("b.mov", {"codec": "qtrle", "pix_fmt": "argb"}),
        ("a.mkv", {"codec": "ffv1", "pix_fmt": "bgra"}),
        ("a.apng", {"codec": "apng", "pix_fmt": "rgba"}),
    ],
)
def test_alpha_is_kept(tmp_path: Path, name: str, video: dict[str, Any]) -> None:
    clip = open_video(make(tmp_path / name, draw=rgba, frames=3, **video))
    frames = list(clip)
    assert [read_number(frame.image) for frame in frames] == [0, 1, 2]
    top = 255 if frames[0].image.dtype == np.uint8 else 65535
    alpha = frames[1].image[30, :, 3] / top
    assert np.abs(alpha - np.linspace(0, 1, 64)).max() < 0.03


@pytest.mark.parametrize(("width", "height"), [(1, 1), (65, 49), (33, 7)])
def test_odd_sizes_are_read(tmp_path: Path, width: int, height: int) -> None:
    clip = open_video(make(tmp_path / "a.mkv", codec="ffv1", size=(width, height), frames=2))
    assert [frame.image.shape for frame in clip] == [(height, width, 3)] * 2


def test_native_is_the_frame_of_the_decoder(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4")
    clip = open_video(path)
    with av.open(str(path)) as container:
        for frame, truth in zip(clip, container.decode(video=0), strict=True):
            native = frame.native
            assert isinstance(native, av.VideoFrame)
            assert native.format.name == "yuv420p"
            assert np.array_equal(native.to_ndarray(), truth.to_ndarray())
            assert np.array_equal(to_picture(native, clip.color), frame.image)


OPEN_GOP = {"x264-params": "keyint=6:min-keyint=6:open-gop=1:bframes=3:scenecut=0"}
SEEKS = [
    ("a.mp4", {"options": {"g": "5"}, "rate": FILM}),
    ("b.mp4", {"options": OPEN_GOP}),
    ("a.mkv", {"options": {"g": "5"}, "rate": FILM}),
    ("b.mkv", {"options": OPEN_GOP, "rate": FILM}),
    ("c.mkv", {"codec": "libx265", "options": X265 | {"g": "6"}, "rate": FILM}),
    ("d.mkv", {"ticks": [*range(0, 800, 40), 900, 1500, 1510, 2000]}),
    ("a.webm", {"codec": "libvpx-vp9", "options": {"g": "8"}}),
    ("a.ts", {"options": {"g": "5"}}),
    ("b.ts", {"options": OPEN_GOP}),
    ("a.mpg", {"codec": "mpeg2video", "options": {"g": "5", "bf": "2"}}),
    ("a.avi", {"codec": "mjpeg", "pix_fmt": "yuvj420p"}),
    ("a.gif", {"codec": "gif", "pix_fmt": "rgb8"}),
    ("a.h264", {"options": {"g": "5"}}),
    ("late.mp4", {"options": {"g": "5"}, "start": Fraction(1, 2), "sounds": (Sound(),)}),
]


@pytest.mark.parametrize(("name", "video"), SEEKS, ids=[name for name, _ in SEEKS])
def test_seeking_returns_the_same_frames(tmp_path: Path, name: str, video: dict[str, Any]) -> None:
    clip = open_video(make(tmp_path / name, **{"frames": 23} | video))
    whole = list(clip)
    for first in (0, 1, 4, 5, 6, 7, 12, 17, 22):
        inside = whole[first].time + whole[first].duration / 3
        for start in (whole[first].time, inside):
            part = list(clip.read(start))
            assert [frame.time for frame in part] == [frame.time for frame in whole[first:]]
            assert [frame.duration for frame in part] == [f.duration for f in whole[first:]]
            same = zip(part, whole[first:], strict=True)
            assert all(np.array_equal(one.image, other.image) for one, other in same)
    assert list(clip.read(whole[-1].time + whole[-1].duration)) == []
    assert not list(clip.notes)


def test_decoder_knows_the_encoder_after_seeking(tmp_path: Path) -> None:
    """x264 before build 151 stored 4:4:4 differently; FFmpeg detects it by its name.

    Only the name is changed here, so the pictures are wrong, but the same after any seek.
    """
    path = make(tmp_path / "a.mp4", frames=23, pix_fmt="yuv444p", options={"g": "6"})
    content = path.read_bytes()
    path.write_bytes(re.sub(rb"x264 - core \d{3}", b"x264 - core 142", content))
    clip = open_video(path)
    whole, part = list(clip), list(clip.read(Fraction(15, 25)))
    assert len(part) == 8
    same = zip(part, whole[15:], strict=True)
    assert all(np.array_equal(one.image, other.image) for one, other in same)


def test_seeking_starts_at_a_key_frame(tmp_path: Path) -> None:
    """An index may point elsewhere; frames before the key frame are not damage."""
    said: list[str] = []
    options = {"g": "6", "lag-in-frames": "0"}
    path = make(tmp_path / "a.mkv", frames=12, codec="libvpx-vp9", options=options)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stored = list(container.demux(stream))[2:]
        frames = list(decode(open_decoder(stream), stored, said.append, from_key=True))
    assert [frame.pts for frame in frames] == list(range(240, 480, 40))
    assert said == []


def test_clip_supports_concurrent_reads(tmp_path: Path) -> None:
    clip = open_video(make(tmp_path / "a.mp4"))
    pairs = zip(clip, clip.read(Fraction(0)), strict=True)
    assert [read_number(a.image) - read_number(b.image) for a, b in pairs] == [0] * 10


@pytest.mark.parametrize("name", ["with:colon.mp4", "100%d.mp4", "späce and ü.mp4"])
def test_file_names_are_literal(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "a.mp4").rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert numbers(open_video(Path(name))) == list(range(10))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_reading_from_the_end_decodes_little(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = open_video(make(tmp_path / name, frames=120, options={"g": "10"}))
    *_, last = clip
    counted = 0

    def counting(*args: Any, **options: Any) -> Iterator[av.VideoFrame]:
        nonlocal counted
        for frame in decode(*args, **options):
            counted += 1
            yield frame

    monkeypatch.setattr(video_in, "decode", counting)
    assert [frame.time for frame in clip.read(last.time)] == [last.time]
    assert counted < 40


def test_tags_that_are_not_utf8_are_accepted(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mkv", tags={"title": "XXXXXXXX"})
    path.write_bytes(path.read_bytes().replace(b"XXXXXXXX", b"\xff\xfe\xfd\xfcXXXX"))
    assert len(numbers(open_video(path))) == 10


@pytest.mark.parametrize(("deinterlace", "level"), [("auto", "info"), ("off", "warning")])
def test_marks_of_interlaced_frames_are_noted_once(
    tmp_path: Path, deinterlace: Deinterlace, level: str
) -> None:
    options = {"flags": "+ilme+ildct", "x264-params": "tff=1"}
    clip = open_video(make(tmp_path / "a.mkv", options=options), deinterlace=deinterlace)
    assert [len(list(clip)), len(list(clip))] == [10, 10]
    assert [(note.kind, note.level) for note in clip.notes] == [("interlaced", level)]


def write_at(path: Path, times: list[int]) -> Path:
    """Write a film whose frames have these times, in 1/1000 s, in this order."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for k, pts in enumerate(times):
            frame = av.VideoFrame.from_ndarray(picture(k), "rgb24").reformat(
                format="yuv420p", threads=1
            )
            frame.pts, frame.time_base = 40 * k, Fraction(1, 1000)
            for packet in stream.encode(frame):
                packet.pts, packet.dts = pts, k - 100000
                out.mux(packet)
    return path


def test_frames_out_of_order_are_dropped_and_noted_once(tmp_path: Path) -> None:
    clip = open_video(write_at(tmp_path / "a.mkv", [0, 40, 40, 120, 80, 200]))
    assert [frame.time * 1000 for frame in clip] == [0, 40, 120, 200]
    assert numbers(clip) == [0, 1, 3, 5]
    assert [(note.kind, note.level) for note in clip.notes] == [("times", "warning")]


def test_restarting_times_are_damage(tmp_path: Path) -> None:
    times = [*range(5000, 6000, 40), *range(0, 1000, 40)]
    clip = open_video(write_at(tmp_path / "a.mkv", times))
    assert numbers(clip)[:25] == list(range(25))
    assert clip.notes.failed
    assert "jump back by" in next(iter(clip.notes)).message


def test_edit_lists_are_applied(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4", start=Fraction(-3, 25), options={"bf": "0"})
    clip = open_video(path)
    assert numbers(clip) == list(range(3, 10))
    assert (clip.frame_count, clip.duration, clip.rate) == (7, Fraction(7, 25), 25)
    assert [frame.time for frame in clip] == [Fraction(k, 25) for k in range(7)]


def test_avif_sequence_is_chosen_over_its_cover(tmp_path: Path) -> None:
    options = {"preset": "10", "svtav1-params": "level=0"}
    path = make(tmp_path / "a.avif", codec="libsvtav1", options=options, rate=Fraction(10))
    assert numbers(open_video(path)) == list(range(10))


def test_avi_with_reordered_frames_keeps_all_of_them(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"bf": "2"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for k in range(40):
            image = np.full((48, 64, 3), 5 * k, np.uint8)
            image[:, : k + 1] = 255 - 5 * k
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        container.mux(stream.encode(None))
    clip = open_video(path)
    frames = list(clip)
    assert [frame.time for frame in frames] == [Fraction(k, 25) for k in range(40)]
    assert list(clip.notes) == []
    levels = [int(frame.image[-4:, -4:].mean()) for frame in frames]
    assert levels == sorted(levels)
    part = list(clip.read(Fraction(30, 25)))
    assert [frame.time for frame in part] == [Fraction(k, 25) for k in range(30, 40)]


def test_avi_with_a_dropped_frame_stays_in_sync(tmp_path: Path) -> None:
    """An empty chunk repeats the previous frame, also with reordered frames."""
    path = tmp_path / "a.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"bf": "2"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        packets = []
        for k in range(60):
            image = av.VideoFrame.from_ndarray(picture(k), "rgb24")
            packets += stream.encode(image.reformat(format="yuv420p", threads=1))
        packets += stream.encode(None)
        for packet in packets:
            late = 2 if packet.dts >= 20 else 0
            packet.pts, packet.dts = packet.pts + late, packet.dts + late
            container.mux(packet)
    frames = list(open_video(path))
    assert [read_number(frame.image) for frame in frames] == list(range(60))
    ticks = [frame.time * 25 for frame in frames]
    steps = [b - a for a, b in pairwise(ticks)]
    assert sorted(steps) == [1] * 58 + [3]
    assert abs(steps.index(3) - 20) <= 4
