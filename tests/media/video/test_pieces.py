"""A film written in pieces is identical to one written at once: frames, times, sound, notes."""

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import make
import numpy as np
import pytest
from films import film

import kinoloom
from kinoloom.base import Clip
from kinoloom.base.notes import Note
from kinoloom.errors import ExecutionError, OutputError, UsageError
from kinoloom.media.files import CLIP_FILES, write
from kinoloom.media.video.pieces import trim
from kinoloom.media.write_options import WriteOptions

SIZE = (96, 64)
SHORT = Fraction(1)


def write_in_pieces(
    open_clip: Callable[[], Clip], path: Path, piece_s: Fraction = SHORT, **options: Any
) -> tuple[Clip, int]:
    """Write a film piece by piece, the last first, each from its own clip."""
    clip = open_clip()
    write_options = WriteOptions(**options)
    with CLIP_FILES.growing(clip, path, write_options, piece_s) as growing:
        folders = [path.with_name(f"{path.stem}-{k}") for k in range(len(growing.pieces))]
        for folder, piece in reversed(list(zip(folders, growing.pieces, strict=True))):
            folder.mkdir()
            CLIP_FILES.write_piece(open_clip(), json.loads(json.dumps(piece)), folder)
        for folder in folders:
            growing.add(folder)
        growing.finish()
    return clip, len(folders)


def content(path: Path) -> list[Any]:
    """Return the content of a film: decoded frames with times, other packets, tags."""
    with av.open(str(path)) as file:
        found: list[Any] = [dict(file.metadata), file.chapters()]
        picture = file.streams.video[0]
        for packet in file.demux():
            if packet.stream is picture:
                found += [(f.pts * f.time_base, f.to_ndarray().tobytes()) for f in packet.decode()]
            elif packet.size:
                found.append((packet.stream.index, packet.pts, packet.duration, bytes(packet)))
    return found


def scene(seed: int) -> Callable[[int, int, int], Any]:
    """Return a function that draws a moving pattern, with a cut every 40 pictures."""
    width, height = SIZE

    def draw(number: int, *_: int) -> Any:
        rng = np.random.default_rng(seed + number // 40)
        coarse = rng.integers(0, 256, (height // 8 + 9, width // 8 + 60, 3), np.uint8)
        large = coarse.repeat(8, 0).repeat(8, 1)
        return np.ascontiguousarray(large[4 : 4 + height, 3 * (number % 40) :][:, :width])

    return draw


def fields(number: int, *_: int) -> Any:
    """Draw a frame of two moments, and from the 65th on a frame of telecined film."""
    moments = 2 * number, 2 * number + 1
    if number >= 65:
        moments = tuple(130 + (2 * field + 1) // 5 for field in moments)
    frame, other = (scene(4)(moment) for moment in moments)
    frame[1::2] = other[1::2]
    return frame


def variable(count: int) -> list[int]:
    """Return times in milliseconds: short and long frames, and one of several seconds."""
    steps = [(20, 40, 33, 70)[k % 4] for k in range(count)]
    steps[count // 2] = 3000
    return [sum(steps[:k]) for k in range(count + 1)]


# "cuts" has one group of pictures, longer than a piece; "odd" starts late.
SOURCES: dict[str, dict[str, Any]] = {
    "cuts": {
        "frames": 200, "rate": Fraction(30000, 1001), "draw": scene(1), "size": SIZE,
        "options": {"g": "400", "bf": "3"}, "sounds": (make.Sound(),),
    },
    "variable": {
        "frames": 130, "ticks": variable(130), "draw": scene(2), "size": SIZE, "codec": "ffv1",
    },
    "fields": {
        "frames": 130, "draw": fields, "size": SIZE, "rate": Fraction(30000, 1001),
        "options": {"g": "50", "bf": "2", "crf": "5"},
    },
    "repeats": {
        "frames": 180, "size": SIZE, "rate": Fraction(24), "codec": "ffv1",
        "draw": lambda number, *_: scene(3)(number // 3),
    },
    "odd": {
        "frames": 100, "size": (65, 49), "rate": Fraction(24000, 1001), "codec": "ffv1",
        "pix_fmt": "bgr0", "start": Fraction(1, 2),
    },
}  # fmt: skip
OPTIONS: dict[str, dict[str, Any]] = {
    "fps": {"fps": Fraction(60)},
    "times": {"times": 3},
    "slow": {"slow": Fraction(5, 2)},
    "dedup": {"dedup": True, "times": 2},
}


@pytest.mark.parametrize(
    ("source", "options"),
    [
        ("cuts", "fps"), ("cuts", "slow"), ("variable", "times"), ("variable", "fps"),
        ("variable", "dedup"), ("repeats", "dedup"), ("odd", "times"),
        ("fields", "fps"),
    ],
)  # fmt: skip
def test_pieces_join_to_an_identical_film(tmp_path: Path, source: str, options: str) -> None:
    path = make.make(tmp_path / "in.mkv", **SOURCES[source])

    def open_clip() -> Clip:
        return kinoloom.interpolate(path, engine="fast", **OPTIONS[options])

    whole = open_clip()
    write(whole, tmp_path / "whole.mkv")
    parts, count = write_in_pieces(open_clip, tmp_path / "parts.mkv")
    assert count > 1
    assert content(tmp_path / "whole.mkv") == content(tmp_path / "parts.mkv")
    assert select_notes(whole) == select_notes(parts)
    if source == "cuts":
        assert parts.notes.count("cut") == 4


def test_pieces_are_whole_segments_and_the_last_is_open(tmp_path: Path) -> None:
    clip = film(600, Fraction(60), start=Fraction(1, 3))
    with CLIP_FILES.growing(clip, tmp_path / "a.mp4", WriteOptions(), Fraction(5)) as growing:
        intervals = [(piece["start"], piece["stop"]) for piece in growing.pieces]
        growing.folder.joinpath("job.json").unlink()
    length = 2 * Fraction(250, 60)
    assert intervals == [
        ("1/3", str(Fraction(1, 3) + length)),
        (str(Fraction(1, 3) + length), None),
    ]


def test_film_of_unknown_length_is_one_piece(tmp_path: Path) -> None:
    _, count = write_in_pieces(lambda: film(40, SLOW).with_(duration=None), tmp_path / "a.mp4")
    assert count == 1
    write(film(40, SLOW), tmp_path / "b.mp4")
    assert content(tmp_path / "a.mp4") == content(tmp_path / "b.mp4")


SLOW = Fraction(1)  # at one frame per second, a segment has ten frames


@pytest.mark.parametrize("declared", [Fraction(40), Fraction(19), None])
def test_finished_pieces_are_resumed(tmp_path: Path, declared: Fraction | None) -> None:
    """Also if the declared length of the file is wrong or missing."""
    path = tmp_path / "a.mp4"
    clip = film(40, SLOW)
    with (
        pytest.raises(KeyboardInterrupt),
        CLIP_FILES.growing(clip, path, WriteOptions(), SHORT) as growing,
    ):
        for k, piece in enumerate(growing.pieces[:2]):
            (tmp_path / str(k)).mkdir()
            CLIP_FILES.write_piece(clip, piece, tmp_path / str(k))
            growing.add(tmp_path / str(k))
        raise KeyboardInterrupt
    assert len(list(kinoloom.read(tmp_path / "a.partial.mp4"))) == 20
    assert not path.exists()
    _, count = write_in_pieces(lambda: film(40, SLOW).with_(duration=declared), path, resume=True)
    assert count == (2 if declared == 40 else 1)
    write(film(40, SLOW), tmp_path / "b.mp4")
    assert content(path) == content(tmp_path / "b.mp4")
    assert not path.with_name(".a.mp4.parts").exists()


def test_piece_of_another_format_is_rejected(tmp_path: Path) -> None:
    clip = film(12)
    with (
        pytest.raises(ExecutionError, match="A piece differs in codec"),
        CLIP_FILES.growing(clip, tmp_path / "a.mp4", WriteOptions(), SHORT) as growing,
    ):
        (tmp_path / "piece").mkdir()
        CLIP_FILES.write_piece(clip, {**growing.pieces[0], "codec": "h265"}, tmp_path / "piece")
        growing.add(tmp_path / "piece")


def test_only_videos_are_written_in_pieces(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"A \.gif cannot be written in pieces"):
        CLIP_FILES.growing(film(3), tmp_path / "a.gif", WriteOptions(), SHORT)
    with pytest.raises(OutputError, match="does not exist"):
        CLIP_FILES.growing(film(3), tmp_path / "none" / "a.mp4", WriteOptions(), SHORT)


def test_trim_reads_no_further_than_necessary() -> None:
    read: list[Fraction] = []
    clip = film(10, SLOW)

    def watched(start: Fraction) -> Any:
        for frame in clip.read(start):
            read.append(frame.time)
            yield frame

    part = trim(clip.with_(read=watched), Fraction(3), Fraction(6))
    assert [frame.time for frame in part] == [3, 4, 5]
    assert read == [3, 4, 5, 6]


def select_notes(clip: Clip) -> set[Note]:
    """Return the notes but those on quality, which name spans of time that pieces divide."""
    return {note for note in clip.notes if note.kind != "quality"}
