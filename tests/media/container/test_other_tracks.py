"""Covers, timecode, data and the picture track's description are carried over, or named."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import make
import numpy as np
import pytest
from av.stream import Disposition
from PIL import Image

from kinoloom.film.ops import interpolate
from kinoloom.media.container.timecode import convert_timecode
from kinoloom.media.files import read, write

NTSC = Fraction(30000, 1001)


def encode_cover(form: str) -> bytes:
    image = Image.fromarray(make.picture(200))
    buffer = io.BytesIO()
    image.save(buffer, form)
    return buffer.getvalue()


def with_cover(path: Path, data: bytes, form: str = "JPEG") -> Path:
    """Write a video with a cover, into MP4 as a stream and into Matroska as an attachment."""
    plain = make.make(path.with_name("plain.mp4"), frames=10, sounds=(make.Sound(),))
    template = io.BytesIO()
    with av.open(template, "w", format="image2pipe") as file:
        stream: Any = file.add_stream({"JPEG": "mjpeg", "PNG": "png"}[form], rate=1)
        stream.width, stream.height = 64, 48
        stream.pix_fmt = {"JPEG": "yuvj420p", "PNG": "rgb24"}[form]
        file.mux(stream.encode(av.VideoFrame.from_ndarray(make.picture(200), "rgb24")))
    template.seek(0)
    with av.open(str(plain)) as source, av.open(str(path), "w") as out:
        streams = [out.add_stream_from_template(each) for each in source.streams]
        if path.suffix == ".mkv":
            out.add_attachment("art.jpg", f"image/{form.lower()}", data)
        else:
            with av.open(template, format=f"{form.lower()}_pipe") as pictures:
                cover = out.add_stream_from_template(pictures.streams.video[0])
            cover.disposition = Disposition.attached_pic
            packet: Any = av.Packet(data)
            packet.stream, packet.pts, packet.dts = cover, 0, 0
            packet.time_base = Fraction(1, 90_000)
            packet.is_keyframe = True
            out.start_encoding()
            out.mux(packet)
        for packet in source.demux():
            if packet.size:
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
    return path


def read_covers(path: Path) -> list[bytes]:
    with av.open(str(path)) as file:
        covers = [s for s in file.streams.video if s.disposition & Disposition.attached_pic]
        return [bytes(next(p for p in file.demux(cover) if p.size)) for cover in covers]


@pytest.mark.parametrize("source", [".mp4", ".mkv"])
@pytest.mark.parametrize("target", [".mp4", ".mkv", ".mov", ".webm"])
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_cover_is_kept_or_named(tmp_path: Path, source: str, target: str, form: str) -> None:
    data = encode_cover(form)
    clip = read(with_cover(tmp_path / f"in{source}", data, form))
    write(interpolate(clip, engine="fast"), tmp_path / f"out{target}")
    notes = [note.message for note in clip.notes if note.kind == "cover"]
    if target in (".mp4", ".mkv"):
        assert read_covers(tmp_path / f"out{target}") == [data]
        assert notes == []
    else:
        assert read_covers(tmp_path / f"out{target}") == []
        assert notes == [
            f"The cover art of in{source} is left out: the format "
            f"{'MOV' if target == '.mov' else 'WebM'} has no place for it."
        ]
    assert len(list(read(tmp_path / f"out{target}"))) == 20


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize(
    "data", [b"<html>not found</html>" * 9, encode_cover("JPEG")[:200], encode_cover("PNG")[:60]]
)
def test_cover_that_is_not_an_image_is_left_out(tmp_path: Path, suffix: str, data: bytes) -> None:
    clip = read(with_cover(tmp_path / f"in{suffix}", data))
    write(clip, tmp_path / f"out{suffix}")
    notes = [note.message for note in clip.notes]
    assert notes == [f"The cover art of in{suffix} is left out: it is not an image."]
    assert read_covers(tmp_path / f"out{suffix}") == []
    assert len(list(read(tmp_path / f"out{suffix}"))) == 10


def with_tags(path: Path, rate: Fraction = NTSC, **tags: str) -> Path:
    """Write a video with tags of its picture track."""
    plain = make.make(path.with_name("plain.mp4"), frames=10, rate=rate)
    with av.open(str(plain)) as source, av.open(str(path), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        stream.metadata.update(tags)
        for packet in source.demux():
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    return path


def read_timecode(path: Path) -> str:
    with av.open(str(path)) as file:
        tags = {name.lower(): text for name, text in file.streams.video[0].metadata.items()}
        if path.suffix in (".mp4", ".mov"):
            (track,) = file.streams.data
            assert track.metadata["timecode"] == tags["timecode"]
        return tags["timecode"]


@pytest.mark.parametrize("target", [".mov", ".mp4", ".mkv", ".webm"])
@pytest.mark.parametrize(
    ("rate", "before", "after"),
    [
        (Fraction(25), "01:02:03:04", "01:02:03:08"),
        (NTSC, "01:00:59;28", "01:00:59;56"),
        (NTSC, "00:01:00;02", "00:01:00;04"),
        (NTSC, "01:00:59:28", "01:00:59:56"),
        (Fraction(24), "23:59:59:23", "23:59:59:46"),
    ],
)
def test_timecode_starts_at_the_same_time(
    tmp_path: Path, rate: Fraction, before: str, after: str, target: str
) -> None:
    clip = read(with_tags(tmp_path / "in.mov", rate, timecode=before))
    write(interpolate(clip, engine="fast"), tmp_path / f"out{target}")
    assert read_timecode(tmp_path / f"out{target}") == after
    assert not [note for note in clip.notes if note.kind in ("timecode", "data")]


def test_timecode_of_matroska_goes_to_mov(tmp_path: Path) -> None:
    clip = read(with_tags(tmp_path / "in.mkv", timecode="10:00:00;00"))
    write(clip, tmp_path / "out.mov")
    assert read_timecode(tmp_path / "out.mov") == "10:00:00;00"


def test_timecode_without_a_constant_rate_is_named(tmp_path: Path) -> None:
    clip = read(with_tags(tmp_path / "in.mov", timecode="01:02:03:04"))
    write(clip.with_(rate=None), tmp_path / "out.mov")
    (note,) = [note for note in clip.notes if note.kind == "timecode"]
    assert "01:02:03:04 is left out" in note.message


@pytest.mark.parametrize(
    ("text", "before", "after", "expected"),
    [
        ("01:00:00:00", 25, 50, "01:00:00:00"),
        ("01:00:00.10", NTSC, Fraction(24000, 1001), "01:00:00:08"),
        ("01:00:00;10", NTSC, 2 * NTSC, "01:00:00;20"),
        ("01:00:00;10", NTSC, Fraction(60), "01:00:00:20"),
        ("01:00:00:10", 25, 300, ""),
        ("some time", 25, 50, ""),
    ],
)
def test_timecode_converts_to_other_rates(
    text: str, before: Any, after: Any, expected: str
) -> None:
    assert convert_timecode(text, Fraction(before), Fraction(after)) == expected


@pytest.mark.parametrize("target", [".mp4", ".mov", ".mkv", ".webm"])
@pytest.mark.parametrize("aspect", [Fraction(1), Fraction(16, 15)])
def test_language_and_title_of_the_pictures_are_kept(
    tmp_path: Path, target: str, aspect: Fraction
) -> None:
    source = with_tags(tmp_path / "in.mkv", language="jpn", title="Main camera")
    clip = read(source).with_(pixel_aspect=aspect)
    write(clip, tmp_path / f"out{target}")
    with av.open(str(tmp_path / f"out{target}")) as file:
        tags = file.streams.video[0].metadata
        assert tags["language"] == "jpn"
        assert tags.get("title", tags.get("name")) == "Main camera"
        assert abs(file.streams.video[0].sample_aspect_ratio - aspect) < Fraction(1, 64)
        assert len(list(file.decode(video=0))) == 10


def with_data(path: Path) -> Path:
    """Write a transport stream with a track of data."""
    plain = make.make(path.with_name("plain.mp4"), frames=10)
    with av.open(str(plain)) as source, av.open(str(path), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        data = out.add_data_stream("bin_data")
        for number in range(3):
            packet: Any = av.Packet(np.full(50, number, np.uint8).tobytes())
            packet.stream, packet.time_base = data, Fraction(1, 10)
            packet.pts = packet.dts = number
            out.mux(packet)
        for packet in source.demux():
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    return path


def test_data_is_kept_where_the_format_allows_it(tmp_path: Path) -> None:
    clip = read(with_data(tmp_path / "in.ts"))
    write(clip, tmp_path / "out.mov")
    with av.open(str(tmp_path / "out.mov")) as file:
        (track,) = file.streams.data
        contents = [bytes(packet)[0] for packet in file.demux(track) if packet.size]
    assert contents == [0, 1, 2]
    assert not [note for note in clip.notes if note.kind == "data"]


@pytest.mark.parametrize(("target", "name"), [(".mp4", "MP4"), (".mkv", "Matroska")])
def test_data_without_a_place_is_named(tmp_path: Path, target: str, name: str) -> None:
    clip = read(with_data(tmp_path / "in.ts"))
    write(clip, tmp_path / f"out{target}")
    (note,) = [note.message for note in clip.notes if note.kind == "data"]
    assert note == (
        f"The data of stream 1 (bin_data) is left out: the format {name} has no place for it."
    )


def test_attached_files_without_a_place_are_named(tmp_path: Path) -> None:
    plain = make.make(tmp_path / "plain.mp4", frames=10)
    with av.open(str(plain)) as source, av.open(str(tmp_path / "in.mkv"), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        out.add_attachment("font.ttf", "application/x-truetype-font", b"0" * 99)
        for packet in source.demux():
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    clip = read(tmp_path / "in.mkv")
    write(clip, tmp_path / "out.mp4")
    (note,) = [note.message for note in clip.notes if note.kind == "attachments"]
    assert note.startswith("1 attached file(s), such as fonts, are left out")
