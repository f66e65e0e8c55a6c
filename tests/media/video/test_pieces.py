"""A film made in pieces is the film made in one: frames, times, sound, and what was noticed."""

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
from kinoloom.errors import ExecutionError, OutputError, UsageError
from kinoloom.media.files import CLIP_FILES, write
from kinoloom.media.video.pieces import within
from kinoloom.media.write_options import WriteOptions

SIZE = (96, 64)
SHORT = Fraction(1)


def in_pieces(
    opened: Callable[[], Clip], path: Path, piece_s: Fraction = SHORT, **options: Any
) -> tuple[Clip, int]:
    """Write a film piece by piece, the last first, each from a clip of its own."""
    clip = opened()
    told = WriteOptions(**options)
    with CLIP_FILES.growing(clip, path, told, piece_s) as growing:
        folders = [path.with_name(f"{path.stem}-{k}") for k in range(len(growing.pieces))]
        for folder, piece in reversed(list(zip(folders, growing.pieces, strict=True))):
            folder.mkdir()
            CLIP_FILES.write_piece(opened(), json.loads(json.dumps(piece)), folder)
        for folder in folders:
            growing.add(folder)
        growing.finish()
    return clip, len(folders)


def content(path: Path) -> list[Any]:
    """All that is in a film: decoded frames with their times, packets of the rest, tags."""
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
    """Pictures of a pattern that moves, cut to another one every 40 pictures."""
    width, height = SIZE

    def draw(number: int, *_: int) -> Any:
        rng = np.random.default_rng(seed + number // 40)
        coarse = rng.integers(0, 256, (height // 8 + 9, width // 8 + 60, 3), np.uint8)
        large = coarse.repeat(8, 0).repeat(8, 1)
        return np.ascontiguousarray(large[4 : 4 + height, 3 * (number % 40) :][:, :width])

    return draw


def variable(count: int) -> list[int]:
    """Times in milliseconds: short and long frames, then one that stays for seconds."""
    steps = [(20, 40, 33, 70)[k % 4] for k in range(count)]
    steps[count // 2] = 3000
    return [sum(steps[:k]) for k in range(count + 1)]


# "cuts" has one group of pictures, longer than a piece; "odd" begins late.
SOURCES: dict[str, dict[str, Any]] = {
    "cuts": {
        "frames": 200, "rate": Fraction(30000, 1001), "draw": scene(1), "size": SIZE,
        "options": {"g": "400", "bf": "3"}, "sounds": (make.Sound(),),
    },
    "variable": {
        "frames": 130, "ticks": variable(130), "draw": scene(2), "size": SIZE, "codec": "ffv1",
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
ASKED: dict[str, dict[str, Any]] = {
    "fps": {"fps": Fraction(60)},
    "times": {"times": 3},
    "slow": {"slow": Fraction(5, 2)},
    "dedup": {"dedup": True, "times": 2},
}


@pytest.mark.parametrize(
    ("source", "asked"),
    [
        ("cuts", "fps"), ("cuts", "slow"), ("variable", "times"), ("variable", "fps"),
        ("variable", "dedup"), ("repeats", "dedup"), ("odd", "times"),
    ],
)  # fmt: skip
def test_pieces_join_to_the_film_made_in_one(tmp_path: Path, source: str, asked: str) -> None:
    path = make.make(tmp_path / "in.mkv", **SOURCES[source])

    def opened() -> Clip:
        return kinoloom.interpolate(path, engine="blend", **ASKED[asked])

    whole = opened()
    write(whole, tmp_path / "whole.mkv")
    parts, count = in_pieces(opened, tmp_path / "parts.mkv")
    assert count > 1
    assert content(tmp_path / "whole.mkv") == content(tmp_path / "parts.mkv")
    assert set(whole.notes) == set(parts.notes)
    if source == "cuts":
        assert parts.notes.count("cut") == 4


def test_a_piece_is_some_whole_segments_and_the_last_one_has_no_end(tmp_path: Path) -> None:
    clip = film(600, Fraction(60), start=Fraction(1, 3))
    with CLIP_FILES.growing(clip, tmp_path / "a.mp4", WriteOptions(), Fraction(5)) as growing:
        told = [(piece["start"], piece["stop"]) for piece in growing.pieces]
        growing.folder.joinpath("job.json").unlink()
    length = 2 * Fraction(250, 60)
    assert told == [("1/3", str(Fraction(1, 3) + length)), (str(Fraction(1, 3) + length), None)]


def test_a_film_of_unknown_length_is_one_piece(tmp_path: Path) -> None:
    _, count = in_pieces(lambda: film(40, SLOW).with_(duration=None), tmp_path / "a.mp4")
    assert count == 1
    write(film(40, SLOW), tmp_path / "b.mp4")
    assert content(tmp_path / "a.mp4") == content(tmp_path / "b.mp4")


SLOW = Fraction(1)  # at one frame a second a segment has ten frames


@pytest.mark.parametrize("told", [Fraction(40), Fraction(19), None])
def test_what_is_done_is_kept_and_resumed(tmp_path: Path, told: Fraction | None) -> None:
    """Also where the file tells a wrong length, or none."""
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
    _, count = in_pieces(lambda: film(40, SLOW).with_(duration=told), path, resume=True)
    assert count == (2 if told == 40 else 1)
    write(film(40, SLOW), tmp_path / "b.mp4")
    assert content(path) == content(tmp_path / "b.mp4")
    assert not path.with_name(".a.mp4.parts").exists()


def test_a_piece_of_another_form_is_refused(tmp_path: Path) -> None:
    clip = film(12)
    with (
        pytest.raises(ExecutionError, match="A piece differs in codec"),
        CLIP_FILES.growing(clip, tmp_path / "a.mp4", WriteOptions(), SHORT) as growing,
    ):
        (tmp_path / "piece").mkdir()
        CLIP_FILES.write_piece(clip, {**growing.pieces[0], "codec": "h265"}, tmp_path / "piece")
        growing.add(tmp_path / "piece")


def test_only_videos_are_made_in_pieces(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"A \.gif is not made in pieces"):
        CLIP_FILES.growing(film(3), tmp_path / "a.gif", WriteOptions(), SHORT)
    with pytest.raises(OutputError, match="does not exist"):
        CLIP_FILES.growing(film(3), tmp_path / "none" / "a.mp4", WriteOptions(), SHORT)


def test_within_reads_no_further_than_it_must() -> None:
    read: list[Fraction] = []
    clip = film(10, SLOW)

    def watched(start: Fraction) -> Any:
        for frame in clip.read(start):
            read.append(frame.time)
            yield frame

    part = within(clip.with_(read=watched), Fraction(3), Fraction(6))
    assert [frame.time for frame in part] == [3, 4, 5]
    assert read == [3, 4, 5, 6]
