"""Reading and writing of videos where a rare thing goes wrong: seeking, links, odd frames."""

import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from films import film, look
from make import make, read_number

from kinoloom.base import Clip, Color, Frame
from kinoloom.errors import OutputError, UnreadableMediaError, UsageError
from kinoloom.media.container.display_size import set_display_size
from kinoloom.media.files import write
from kinoloom.media.video.decoding import decode, open_decoder, read_packets
from kinoloom.media.video.pieces import _link_or_copy
from kinoloom.media.video.reading import open_video


class Unseekable:
    """A container that can neither seek nor be read to its end."""

    def __init__(self, container: Any, readable: int) -> None:
        self.container, self.readable = container, readable
        self.format = container.format

    def seek(self, *_: Any, **__: Any) -> None:
        raise av.PermissionError(1, "Operation not permitted")

    def demux(self, stream: Any) -> Any:
        for number, packet in enumerate(self.container.demux(stream)):
            if number == self.readable:
                raise av.InvalidDataError(1, "Input/output error")
            yield packet


def test_a_pass_that_cannot_seek_gives_no_packets(tmp_path: Path) -> None:
    with av.open(str(make(tmp_path / "a.mkv"))) as file:
        said: list[str] = []
        stream = file.streams.video[0]
        assert list(read_packets(Unseekable(file, 3), stream, said.append, seek=5)) == []  # type: ignore[arg-type]
        assert said == []


def test_a_read_error_ends_the_pass_and_is_reported(tmp_path: Path) -> None:
    with av.open(str(make(tmp_path / "a.mkv"))) as file:
        said: list[str] = []
        stream = file.streams.video[0]
        assert len(list(read_packets(Unseekable(file, 3), stream, said.append))) == 3  # type: ignore[arg-type]
        assert said == ["Input/output error"]


def test_packets_after_the_end_are_skipped(tmp_path: Path) -> None:
    with av.open(str(make(tmp_path / "a.mkv", frames=6))) as file:
        stream = file.streams.video[0]
        source = list(read_packets(file, stream, pytest.fail))
        twice = [*source, source[-1]]  # the last packet flushes the decoder; another finds it ended
        frames = list(decode(open_decoder(stream), twice, pytest.fail))
    assert [read_number(frame.to_ndarray(format="rgb24")) for frame in frames] == list(range(6))


def test_a_matroska_file_without_tracks_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    path.write_bytes(bytes.fromhex("1a45dfa3 80 ec 81 00"))  # an EBML head, an element to skip
    before = path.read_bytes()
    with pytest.raises(OutputError, match=r"a\.mkv has no room for its pixel aspect ratio"):
        set_display_size(path, 64, 48, Fraction(2))
    assert path.read_bytes() == before


def with_natives(clip: Clip, pix_fmt: str, width: int) -> Clip:
    """The clip with a decoder's frame for each picture, in a format and as wide as given."""

    def read(start: Fraction) -> Any:
        for frame in clip.read(start):
            native = av.VideoFrame.from_ndarray(np.asarray(frame.image), format="rgb24")
            yield replace(frame, native=native.reformat(width=width, format=pix_fmt))

    return clip.with_(read=read)


@pytest.mark.parametrize(
    ("pix_fmt", "width"), [("yuv420p", 64), ("yuvj420p", 64), ("yuv422p", 64), ("yuv420p", 32)]
)
def test_frames_of_a_decoder_are_stored_whatever_their_format_and_size(
    tmp_path: Path, pix_fmt: str, width: int
) -> None:
    color = Color(primaries=1, transfer=1, matrix=1, full_range=pix_fmt == "yuvj420p")
    clip = with_natives(film(6, color=color), pix_fmt, width)
    write(clip, tmp_path / "a.mp4", codec="h264")
    seen = look(tmp_path / "a.mp4")
    assert seen.numbers == list(range(6))
    assert len(seen.times) == 6


def test_a_piece_is_copied_where_links_are_not_possible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"frames")

    def refuse(*_: Any) -> None:
        raise OSError(18, "Invalid cross-device link")

    _link_or_copy(tmp_path / "a", tmp_path / "linked")
    assert (tmp_path / "linked").samefile(tmp_path / "a")
    monkeypatch.setattr(os, "link", refuse)
    _link_or_copy(tmp_path / "a", tmp_path / "copied")
    assert (tmp_path / "copied").read_bytes() == b"frames"
    assert not (tmp_path / "copied").samefile(tmp_path / "a")


@pytest.mark.parametrize(
    ("name", "error"),
    [("frames", UsageError), ("a.mp4", UnreadableMediaError), ("a.gif", UnreadableMediaError)],
)
def test_a_clip_without_frames_is_rejected_and_leaves_nothing(
    tmp_path: Path, name: str, error: type[Exception]
) -> None:
    def read(start: Fraction) -> Any:
        yield from ()

    empty = film(3).with_(read=read)
    with pytest.raises(error, match="no frames"):
        write(empty, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_the_first_frame_may_be_all_that_fits_the_look_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(tmp_path / "a.mkv", frames=12)
    whole = [frame.time for frame in open_video(path)]
    monkeypatch.setattr("kinoloom.media.video.inspection._LOOK_AHEAD_BYTES", 1)
    frames: list[Frame] = list(open_video(path))
    assert [frame.time for frame in frames] == whole
    assert [read_number(frame.image) for frame in frames] == list(range(12))
