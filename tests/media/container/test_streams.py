"""Copying of subtitles, chapters and tags from the origin to the film."""

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import make
import pytest
from av.stream import Disposition
from films import look

from kinoloom.base import Clip
from kinoloom.media.files import read, write

TEXTS = ["Hello there", "Two lines,\none é"]
SPANS = [(Fraction(1, 5), Fraction(1, 2)), (Fraction(3, 5), Fraction(9, 10))]
SRT = """1
00:00:00,200 --> 00:00:00,500
Hello <i>there</i>

2
00:00:00,600 --> 00:00:00,900
Two lines,
one é

"""
CODECS = {".mp4": "mov_text", ".mov": "mov_text", ".mkv": "subrip", ".webm": "webvtt"}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Write an MKV with sound, subtitles, chapters and tags."""
    (tmp_path / "s.srt").write_text(SRT, encoding="utf-8")
    film = make.make(tmp_path / "plain.mkv", frames=25, sounds=(make.Sound(),))
    path = tmp_path / "source.mkv"
    with (
        av.open(str(film)) as pictures,
        av.open(str(tmp_path / "s.srt")) as text,
        av.open(str(path), "w") as out,
    ):
        out.metadata.update({"title": "A walk", "artist": "Somebody"})
        out.set_chapters(
            [
                {"id": k, "start": 500 * k, "end": 500 * k + 500, "time_base": Fraction(1, 1000),
                 "metadata": {"title": f"Part {k}"}}
                for k in range(2)
            ]
        )  # fmt: skip
        templates = [*pictures.streams, *text.streams]
        streams = [out.add_stream_from_template(template) for template in templates]
        streams[2].metadata["language"] = "eng"
        streams[2].disposition = Disposition.forced
        for file, offset in ((pictures, 0), (text, 2)):
            for packet in file.demux():
                if packet.size:
                    packet.stream = streams[offset + packet.stream.index]
                    out.mux(packet)
    return path


def subtitles(path: Path) -> list[tuple[str, Fraction, Fraction]]:
    """Return plain text, start and end of each subtitle; the first must be in italics."""
    found = []
    with av.open(str(path)) as file:
        stream = file.streams.subtitles[0]
        for packet in file.demux(stream):
            for shown in (stream.decode(packet) if packet.size else None) or []:
                begin, styled = packet.pts * packet.time_base, shown.dialogue.decode()
                assert ("\\i1" in styled) == (not found)
                text = re.sub(r"\{.*?\}", "", styled).replace("\\N", "\n")
                found.append((text, begin, begin + packet.duration * packet.time_base))
    return found


def chapters(path: Path) -> list[tuple[Fraction, Fraction, str]]:
    with av.open(str(path)) as file:
        return [
            (c["start"] * c["time_base"], c["end"] * c["time_base"], c["metadata"]["title"])
            for c in file.chapters()
        ]


@pytest.mark.parametrize("suffix", CODECS)
def test_text_subtitles_are_converted(source: Path, suffix: str) -> None:
    path = source.with_name(f"a{suffix}")
    write(read(source), path)
    with av.open(str(path)) as file:
        stream = file.streams.subtitles[0]
        assert stream.codec_context.codec.canonical_name == CODECS[suffix]
        assert stream.language == "eng"
        assert suffix == ".mov" or stream.disposition & Disposition.forced
    found = subtitles(path)
    assert [text for text, *_ in found] == TEXTS
    assert [(begin, end) for _, begin, end in found] == SPANS


@pytest.mark.parametrize("first", [".mp4", ".webm"])
@pytest.mark.parametrize("second", CODECS)
def test_converted_text_is_converted_again(source: Path, first: str, second: str) -> None:
    write(read(source), source.with_name(f"b{first}"))
    write(read(source.with_name(f"b{first}")), source.with_name(f"c{second}"))
    path = source.with_name(f"c{second}")
    start = look(path).times[0]  # above 0 if copied sound starts before the pictures
    found = subtitles(path)
    assert [text for text, *_ in found] == TEXTS
    for (_, begin, end), span in zip(found, SPANS, strict=True):
        assert abs(begin - start - span[0]) <= Fraction(1, 1000)
        assert abs(end - start - span[1]) <= Fraction(1, 1000)


@pytest.mark.parametrize("suffix", CODECS)
def test_slow_motion_stretches_subtitles_and_chapters(source: Path, suffix: str) -> None:
    path = source.with_name(f"a{suffix}")
    clip = read(source)
    slow = Clip(
        clip.read, clip.width, clip.height, rate=clip.rate, origin=source, time_scale=Fraction(3)
    )
    write(slow, path)
    found = subtitles(path)
    assert [(begin, end) for _, begin, end in found] == [(3 * a, 3 * b) for a, b in SPANS]
    assert chapters(path) == [
        (Fraction(0), Fraction(3, 2), "Part 0"),
        (Fraction(3, 2), Fraction(3), "Part 1"),
    ]


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_tags_of_the_file_format_are_dropped(source: Path, suffix: str) -> None:
    path = source.with_name(f"a{suffix}")
    write(read(source), path)
    tags = look(path).tags
    assert (tags["title"], tags["artist"]) == ("A walk", "Somebody")
    assert "duration" not in tags


def test_late_start_shifts_subtitles_and_chapters(tmp_path: Path) -> None:
    source = make.make(tmp_path / "a.mkv", frames=5, start=Fraction(2))
    with av.open(str(source)) as file, av.open(str(tmp_path / "b.mkv"), "w") as out:
        span = {"id": 0, "start": 2, "end": 3, "time_base": Fraction(1)}
        out.set_chapters([{**span, "metadata": {"title": "All"}}])
        stream = out.add_stream_from_template(file.streams.video[0], opaque=True)
        for packet in file.demux():
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    write(read(tmp_path / "b.mkv"), tmp_path / "c.mkv")
    assert chapters(tmp_path / "c.mkv") == [(Fraction(0), Fraction(1), "All")]


def test_bitmap_subtitles_are_dropped_with_a_note(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kinoloom.media.container.subtitles._TEXT", ())
    clip = read(source)
    write(clip, source.with_name("a.mp4"))
    assert [note.message for note in clip.notes] == [
        "The subtitles of stream 2 (subrip) are bitmaps, which this file format does not support; "
        "they are left out."
    ]
    with av.open(str(source.with_name("a.mp4"))) as file:
        assert not file.streams.subtitles


@pytest.mark.parametrize(("suffix", "kept"), [(".mkv", 1), (".webm", 0), (".mp4", 0)])
def test_fonts_are_copied_to_matroska(tmp_path: Path, suffix: str, kept: int) -> None:
    plain = make.make(tmp_path / "plain.mkv", frames=3)
    with av.open(str(plain)) as file, av.open(str(tmp_path / "a.mkv"), "w") as out:
        stream = out.add_stream_from_template(file.streams.video[0], opaque=True)
        out.add_attachment("font.ttf", "font/ttf", b"letters")
        for packet in file.demux():
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    write(read(tmp_path / "a.mkv"), tmp_path / f"b{suffix}")
    with av.open(str(tmp_path / f"b{suffix}")) as file:
        fonts = [(font.metadata["filename"], font.data) for font in file.streams.attachments]
    assert fonts == [("font.ttf", b"letters")] * kept


def test_clip_without_origin_has_no_subtitles(tmp_path: Path, source: Path) -> None:
    clip: Any = read(source).with_(origin=None, audio=())
    write(clip, tmp_path / "a.mkv")
    with av.open(str(tmp_path / "a.mkv")) as file:
        assert len(file.streams) == 1
        assert not file.chapters()


def test_a_file_that_was_appended_to_itself_is_written_with_a_note(tmp_path: Path) -> None:
    """Its times go back, also those of sound and subtitles, which are copied."""
    sounds = (make.Sound(codec="libopus"),)
    path = make.make(tmp_path / "in.mkv", frames=12, codec="mpeg4", sounds=sounds)
    path.write_bytes(path.read_bytes() * 2)
    clip = read(path)
    write(clip, tmp_path / "out.mkv")
    assert "Stream 1 (audio) is damaged" in " ".join(note.message for note in clip.notes)
    assert clip.notes.failed
    with av.open(str(tmp_path / "out.mkv")) as file:
        times = [packet.pts for packet in file.demux(audio=0) if packet.size]
    assert times == sorted(set(times))
