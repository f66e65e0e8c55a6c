"""Writing of videos, checked with FFmpeg only."""

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import make
import numpy as np
import pytest
from films import HDR, decode_pictures, film, look, make_record, sound

from kinoloom.base import Clip, Color, Frame
from kinoloom.errors import (
    ArrayError,
    OutputError,
    OutputExistsError,
    UnreadableMediaError,
    UnsupportedMediaError,
)
from kinoloom.media.files import read, write

NTSC = Fraction(30000, 1001)
PAIRS = [
    ("a.mp4", "h264"),
    ("a.mp4", "h265"),
    ("a.mp4", "av1"),
    ("a.m4v", "h264"),
    ("a.mov", "h264"),
    ("a.mov", "prores"),
    ("a.mkv", "h264"),
    ("a.mkv", "h265"),
    ("a.mkv", "ffv1"),
    ("a.mkv", "prores"),
    ("a.mkv", "vp9"),
    ("a.webm", "vp9"),
    ("a.webm", "av1"),
]
NAMES = {"h265": "hevc"}


def tick(path: Path) -> Fraction:
    """Return the resolution of times in the container."""
    return Fraction(1, 1000) if path.suffix in (".mkv", ".webm") else Fraction(0)


@pytest.mark.parametrize(("name", "codec"), PAIRS)
def test_frames_are_written_at_exact_times(tmp_path: Path, name: str, codec: str) -> None:
    path = tmp_path / name
    clip = film(23, NTSC)
    result = write(clip, path, codec=codec)
    seen = look(path)
    assert seen.codec == NAMES.get(codec, codec)
    assert seen.numbers == list(range(23))
    assert seen.rate == NTSC
    for time, frame in zip(seen.times, clip, strict=True):
        assert abs(time - frame.time) <= tick(path)
    assert abs(seen.duration - 23 / NTSC) <= max(tick(path), Fraction(1, 10**6))
    assert (result["output"], result["frames"], result["codec"]) == (str(path), 23, codec)
    assert (result["width"], result["height"], result["rate"]) == (64, 48, "30000/1001")
    assert result["duration_s"] == float(23 / NTSC)
    assert result["bytes"] == path.stat().st_size
    assert result["seconds"] > 0
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.webm"])
def test_late_start_is_kept(tmp_path: Path, name: str) -> None:
    clip = film(9, NTSC, start=Fraction(1, 30), audio=(sound(1, 44100),))
    write(clip, tmp_path / name)
    for time, frame in zip(look(tmp_path / name).times, clip, strict=True):
        assert abs(time - frame.time) <= tick(tmp_path / name)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv"])
def test_variable_times_are_kept(tmp_path: Path, name: str) -> None:
    parts = [Fraction(k) for k in ("0", "1/30", "1/24", "0.5", "1.25", "13/7", "2", "2.7")]
    write(film(times=parts), tmp_path / name)
    seen = look(tmp_path / name)
    assert seen.numbers == list(range(7))
    assert all(abs(a - b) <= tick(tmp_path / name) for a, b in zip(seen.times, parts, strict=False))
    assert abs(seen.duration - Fraction("2.7")) <= Fraction(1, 1000)


@pytest.mark.parametrize("constant", [True, False])
def test_matroska_stores_only_constant_rates(tmp_path: Path, constant: bool) -> None:
    clip = film(5) if constant else film(times=[Fraction(k * k, 7) for k in range(6)])
    write(clip, tmp_path / "a.mkv")
    default_duration = bytes.fromhex("23e383")
    assert (default_duration in (tmp_path / "a.mkv").read_bytes()[:1000]) == constant


def test_times_too_fine_for_a_clock_are_rounded_to_microseconds(tmp_path: Path) -> None:
    parts = [Fraction(k) for k in ("0", "1/104729", "1/7919", "1/7", "5/13", "1")]
    write(film(times=parts), tmp_path / "a.mp4")
    for time, wanted in zip(look(tmp_path / "a.mp4").times, parts, strict=False):
        assert abs(time - wanted) <= Fraction(1, 18_000_000)


def test_single_frame_without_duration_is_written(tmp_path: Path) -> None:
    frame = Frame(make.picture(7), Fraction(0))
    result = write(Clip.from_frames([frame]), tmp_path / "a.mp4")
    assert (result["frames"], result["duration_s"]) == (1, 0.04)
    assert look(tmp_path / "a.mp4").numbers == [7]


def test_decoded_frame_is_encoded_unchanged(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (8, 48, 64, 3), np.uint8)
    source = make.make(tmp_path / "a.mp4", frames=8, draw=lambda k, *_: noise[k])
    write(read(source), tmp_path / "b.mkv", codec="ffv1")
    assert look(tmp_path / "b.mkv").pix_fmt == "yuv420p"
    for one, other in zip(
        decode_pictures(source), decode_pictures(tmp_path / "b.mkv"), strict=True
    ):
        assert np.array_equal(one, other)


def test_frame_types_of_the_source_are_reset(tmp_path: Path) -> None:
    source = make.make(tmp_path / "a.mp4", frames=20, options={"g": "1"})
    write(read(source), tmp_path / "b.mp4")
    keys = []
    for path in (source, tmp_path / "b.mp4"):
        with av.open(str(path)) as file:
            keys.append(sum(packet.is_keyframe for packet in file.demux(video=0) if packet.size))
    assert keys == [20, 1]


def test_yuvj_formats_are_encoded_unchanged(tmp_path: Path) -> None:
    color = Color(1, 1, 1, full_range=True)
    source = make.make(tmp_path / "a.mkv", codec="ffv1", pix_fmt="yuv420p", frames=4, color=color)
    clip = read(source)

    def renamed(start: Fraction) -> Iterator[Frame]:
        for frame in clip.read(start):
            native = frame.native.reformat(format="yuvj420p", src_color_range=2, dst_color_range=2)
            native.color_range = 0  # as some decoders leave it
            yield replace(frame, native=native)

    write(clip.with_(read=renamed), tmp_path / "b.mkv", codec="ffv1")
    assert look(tmp_path / "b.mkv").color == color
    for one, other in zip(
        decode_pictures(source), decode_pictures(tmp_path / "b.mkv"), strict=True
    ):
        assert np.array_equal(one, other)


def test_decoded_frame_with_other_colour_is_converted(tmp_path: Path) -> None:
    full = Color(1, 1, 1, full_range=True)
    source = make.make(
        tmp_path / "a.mkv", codec="ffv1", pix_fmt="yuv422p10le", frames=2, color=full
    )
    write(read(source), tmp_path / "b.mov", codec="prores")
    before, after = (next(iter(read(path))).image for path in (source, tmp_path / "b.mov"))
    assert look(tmp_path / "b.mov").color == Color(1, 1, 1)
    assert np.abs(before.astype(int) - after).mean() < 0.01 * 65535


def test_grey_is_stored_as_rgb(tmp_path: Path) -> None:
    clip = read(make.make(tmp_path / "a.mkv", codec="ffv1", pix_fmt="gray", frames=2))
    write(clip, tmp_path / "b.mkv", codec="ffv1")
    assert look(tmp_path / "b.mkv").pix_fmt == "bgr0"


def test_changed_picture_among_native_frames_is_encoded(tmp_path: Path) -> None:
    clip = read(make.make(tmp_path / "a.mp4", frames=6))

    def changed(start: Fraction) -> Iterator[Frame]:
        for k, frame in enumerate(clip.read(start)):
            yield replace(frame, image=make.picture(200), native=None) if k == 3 else frame

    write(clip.with_(read=changed), tmp_path / "b.mp4")
    assert look(tmp_path / "b.mp4").numbers == [0, 1, 2, 200, 4, 5]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_lossless_is_lossless(tmp_path: Path, dtype: str) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (33, 47, 3), np.uint8)
    unit = {"uint8": np.uint8(1), "uint16": np.uint16(257), "float32": np.float32(1 / 255)}[dtype]
    frame = Frame((noise * unit).astype(dtype), Fraction(0), Fraction(1))
    write(Clip.from_frames([frame]), tmp_path / "a.mkv", codec="ffv1")
    with av.open(str(tmp_path / "a.mkv")) as file:
        native = next(file.decode(video=0))
    if dtype == "uint8":
        assert np.array_equal(native.to_ndarray(format="rgb24"), noise)
    else:
        assert np.array_equal(native.to_ndarray(format="rgb48le"), noise.astype(np.uint16) * 257)


@pytest.mark.parametrize("codec", ["h264", "av1"])
def test_colours_are_close_after_encoding(tmp_path: Path, codec: str) -> None:
    image = np.zeros((64, 96, 3), np.uint8)
    image[:, :32], image[:, 32:64], image[:, 64:] = (200, 30, 40), (20, 180, 60), (128, 128, 128)
    clip = Clip.from_frames([Frame(image, Fraction(0), Fraction(1))], rate=Fraction(1))
    write(clip, tmp_path / "a.mp4", codec=codec)
    back = next(iter(read(tmp_path / "a.mp4"))).image.astype(int)
    for x in (16, 48, 80):
        assert np.abs(back[32, x] - image[32, x]).max() <= 4


@pytest.mark.parametrize(
    ("name", "codec", "fields"),
    [
        ("a.mp4", "h264", {"color": Color(1, 13, 1)}),
        ("a.mp4", "h264", {"color": Color(6, 6, 6)}),
        ("a.mov", "prores", {"color": Color(1, 1, 1)}),
        ("a.mkv", "h264", {"color": Color(1, 1, 1, full_range=True)}),
        ("a.webm", "vp9", {"color": Color(5, 6, 5)}),
        ("a.mp4", "auto", {"color": HDR, "bits": 10}),
        ("a.mkv", "ffv1", {"color": replace(HDR, matrix=0, full_range=True), "bits": 10}),
        ("a.webm", "auto", {"color": replace(HDR, transfer=18), "bits": 10}),
        ("a.mov", "prores", {"color": HDR, "bits": 10}),
    ],
)
def test_colour_tags_are_written(tmp_path: Path, name: str, codec: str, fields: dict) -> None:
    write(film(2, **fields), tmp_path / name, codec=codec)
    seen = look(tmp_path / name)
    assert seen.color == fields["color"]
    assert ("10" in seen.pix_fmt or "16" in seen.pix_fmt) or fields.get("bits", 8) == 8


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "h264"),
        ("a.mov", "prores"),
        ("a.mkv", "h264"),
        ("a.mkv", "ffv1"),
        ("a.webm", "vp9"),
    ],
)
def test_pixel_aspect_is_written(tmp_path: Path, name: str, codec: str) -> None:
    write(film(2, size=(60, 48), pixel_aspect=Fraction(16, 15)), tmp_path / name, codec=codec)
    assert look(tmp_path / name).aspect == Fraction(16, 15)


@pytest.mark.parametrize(
    ("name", "codec", "decoder"),
    [("a.mov", "prores", ""), ("a.mkv", "ffv1", ""), ("a.webm", "vp9", "libvpx-vp9")],
)
def test_alpha_is_kept(tmp_path: Path, name: str, codec: str, decoder: str) -> None:
    write(film(30, alpha=0.5), tmp_path / name, codec=codec)
    with av.open(str(tmp_path / name)) as file:
        stream = file.streams.video[0]
        context = av.CodecContext.create(decoder, "r") if decoder else stream.codec_context
        frames = [frame for packet in file.demux(stream) for frame in context.decode(packet)]
    assert len(frames) == 30
    for frame in frames:
        veil = frame.to_ndarray(format="rgba")[..., 3].astype(int)
        assert abs(veil[24, 16] - 128) <= 3
        assert veil[24, 48] >= 252


def test_later_transparency_is_rejected(tmp_path: Path) -> None:
    pictures = [film(1, alpha=a) for a in (1.0, 0.5)]
    frames = [replace(next(iter(clip)), time=Fraction(k)) for k, clip in enumerate(pictures)]
    with pytest.raises(UnsupportedMediaError, match=r"frame at 1\.000 s has transparent parts"):
        write(Clip.from_frames(frames), tmp_path / "a.mp4")


def test_odd_size_repeats_the_edge(tmp_path: Path) -> None:
    clip = film(3, size=(65, 49))
    assert write(clip, tmp_path / "a.mp4")["width"] == 66
    image = decode_pictures(tmp_path / "a.mp4")[0][:50]  # luma
    assert np.abs(image[:, 65].astype(int) - image[:, 64]).mean() < 6
    assert clip.notes.count("size") == 1


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.webm"])
def test_record_is_stored_in_the_file(tmp_path: Path, name: str) -> None:
    record = make_record(times=4)
    write(film(2, provenance=record), tmp_path / name)
    assert look(tmp_path / name).record == record.to_dict()


def test_record_takes_the_first_free_tag(tmp_path: Path) -> None:
    source = make.make(tmp_path / "s.mkv", frames=2, tags={"comment": "mine", "title": "T"})
    write(read(source).with_(provenance=make_record()), tmp_path / "a.mp4")
    seen = look(tmp_path / "a.mp4")
    assert (seen.tags["comment"], seen.tags["title"]) == ("mine", "T")
    assert seen.tags["description"].startswith('{"kinoloom"')


@pytest.mark.parametrize("name", ["a.mp4", "a.mov"])
def test_record_without_free_tag_is_written_next_to_the_file(tmp_path: Path, name: str) -> None:
    taken = {"comment": "a", "description": "b", "synopsis": "c"}
    source = make.make(tmp_path / "s.mkv", frames=2, tags=taken)
    write(read(source).with_(provenance=make_record()), tmp_path / name)
    assert look(tmp_path / name).tags["comment"] == "a"
    record = tmp_path / f"{name}.provenance.json"
    assert record.read_text().startswith('{\n  "kinoloom"')


def test_no_file_of_the_user_is_replaced_by_a_record(tmp_path: Path) -> None:
    taken = {"comment": "a", "description": "b", "synopsis": "c"}
    source = make.make(tmp_path / "s.mkv", frames=2, tags=taken)
    mine = tmp_path / "a.mp4.provenance.json"
    mine.write_text("mine")
    clip = read(source).with_(provenance=make_record())
    write(clip, tmp_path / "a.mp4")
    assert mine.read_text() == "mine"
    assert "was not kept" in [note.message for note in clip.notes][-1]
    write(clip, tmp_path / "a.mp4", overwrite=True)
    assert mine.read_text() != "mine"


def test_file_names_may_have_colons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(film(2), "12:30 walk.mp4")
    assert look(tmp_path / "12:30 walk.mp4").numbers == [0, 1]


def test_second_record_replaces_the_first(tmp_path: Path) -> None:
    write(film(2, provenance=make_record(times=2)), tmp_path / "a.mp4")
    write(read(tmp_path / "a.mp4").with_(provenance=make_record(times=3)), tmp_path / "b.mp4")
    assert look(tmp_path / "b.mp4").record["options"] == {"times": 3}


def test_mp4_index_precedes_the_data(tmp_path: Path) -> None:
    write(film(3), tmp_path / "a.mp4")
    data = (tmp_path / "a.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_h265_in_mp4_has_tag_hvc1(tmp_path: Path) -> None:
    write(film(3), tmp_path / "a.mp4", codec="h265")
    assert b"hvc1" in (tmp_path / "a.mp4").read_bytes()


def test_quality_changes_the_size(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (96, 128, 3), np.uint8)
    clip = Clip.from_frames([Frame(noise, Fraction(0), Fraction(1))], rate=Fraction(1))
    sizes = [write(clip, tmp_path / f"{q}.mp4", quality=q)["bytes"] for q in (0, 30, 60, 100)]
    assert all(a < b for a, b in pairwise(sizes))


def test_existing_file_is_kept_without_overwrite(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"mine")
    with pytest.raises(OutputExistsError, match="--overwrite"):
        write(film(2), path)
    assert path.read_bytes() == b"mine"
    write(film(2), path, overwrite=True)
    assert look(path).numbers == [0, 1]


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="does not exist"):
        write(film(2), tmp_path / "none" / "a.mp4")


def test_clip_without_frames_is_rejected(tmp_path: Path) -> None:
    clip = Clip(lambda _start: iter(()), 64, 48, rate=Fraction(25))
    with pytest.raises(UnreadableMediaError, match="no frames"):
        write(clip, tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []


def test_encoder_failure_is_an_output_error(tmp_path: Path) -> None:
    frame = Frame(np.zeros((16, 17000, 3), np.uint8), Fraction(0), Fraction(1))
    with pytest.raises(OutputError, match=r"a\.mp4 cannot be written"):
        write(Clip.from_frames([frame], rate=Fraction(1)), tmp_path / "a.mp4", codec="h264")
    assert list(tmp_path.iterdir()) == []


def test_frames_of_another_size_are_named(tmp_path: Path) -> None:
    frames = [*film(3), Frame(make.picture(3, 80, 48), Fraction(1), Fraction(1))]
    clip = film(3).with_(read=lambda _start: iter(frames))
    with pytest.raises(UnsupportedMediaError, match=r"80x48 .* the frames before it are 64x48"):
        write(clip, tmp_path / "a.mp4")


def test_times_that_do_not_increase_are_named(tmp_path: Path) -> None:
    frames = list(film(3))
    clip = film(3).with_(read=lambda _start: iter([frames[0], frames[2], frames[1]]))
    with pytest.raises(ArrayError, match="must increase"):
        write(clip, tmp_path / "a.mp4")


def test_progress_is_called_for_each_frame(tmp_path: Path) -> None:
    from kinoloom.media.files import CLIP_FILES
    from kinoloom.media.write_options import WriteOptions

    result: list[tuple[int, int | None]] = []
    clip = film(5)
    CLIP_FILES.write(clip, tmp_path / "a.mp4", WriteOptions(), lambda *step: result.append(step))
    assert result == [(k, 5) for k in range(1, 6)]


@pytest.mark.skipif(sys.platform != "linux", reason="policies of Linux")
@pytest.mark.parametrize("codec", ["h264", "h265", "av1"])
def test_encoders_get_no_real_time_priority(tmp_path: Path, codec: str) -> None:
    """SVT-AV1 takes it from root; a loop that waits for another thread then stops the machine."""
    clip = film(40)
    policies = []

    def watch(start: Fraction) -> Iterator[Frame]:
        yield from clip.read(start)  # frames are read ahead: the encoder is open at the last one
        tasks = Path("/proc/self/task").iterdir()
        policies.extend(os.sched_getscheduler(int(task.name)) for task in tasks)

    write(replace(clip, read=watch), tmp_path / "a.mp4", codec=codec)
    assert len(policies) > 3
    assert set(policies) == {os.SCHED_OTHER}
