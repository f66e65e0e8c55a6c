"""What can be drawn from a video: runs of frames without a cut, each picture once.

A video is decoded once, whole, to find its cuts and repeated frames (`motion.cuts`). The outcome is
small; it can be kept in a file, so that the next training does not look again.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

from kinoloom.base.clip import Clip
from kinoloom.base.outputs import whole_file
from kinoloom.motion.cuts import FrameThumbnail, is_cut, is_repeat, take_thumbnail

_SCHEMA = "kinoloom video runs 1"
_LONGEST_STEP = 2.5
"""A picture that stays this many times longer than most stands still, or frames are missing."""

Run = tuple[Fraction, ...]
"""The times of at least three frames of one scene, each another picture than the one before."""


@dataclass(frozen=True)
class Scan:
    """What was found in one video.

    Attributes:
        runs: what can be drawn from.
        frames: of the video.
        repeats: frames that only repeat the one before; they are in no run.
        cuts: where a new scene begins.
    """

    runs: tuple[Run, ...]
    frames: int
    repeats: int
    cuts: int


def scan(clip: Clip) -> Scan:
    """Look through a clip.

    Raises:
        MediaError: it cannot be read.
    """
    scenes: list[list[Fraction]] = [[]]
    new = _NewPictures()
    for before, first, second, after in _windows(new.of(clip)):
        scenes[-1].append(first.frame.time)
        if second is not None and is_cut(before, first, second, after):
            scenes.append([])
    runs = tuple(run for scene in scenes for run in _without_stills(scene) if len(run) >= 3)
    return Scan(runs, new.frames, new.repeats, len(scenes) - 1)


def read_scans(index: Path) -> dict[str, Scan]:
    """The scans in an index file by their keys; none where there is no such file.

    A file of another version, or that is no index, counts as absent: it is written anew.
    """
    try:
        stored: Any = json.loads(index.read_text(encoding="utf-8"))
        if stored["schema"] != _SCHEMA:
            return {}
        return {key: _scan_of(fields) for key, fields in stored["videos"].items()}
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return {}


def write_scans(index: Path, scans: dict[str, Scan]) -> None:
    """Write an index file, whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    videos = {
        key: vars(each) | {"runs": [[str(time) for time in run] for run in each.runs]}
        for key, each in scans.items()
    }
    with whole_file(index, overwrite=True) as temporary:
        temporary.write_text(json.dumps({"schema": _SCHEMA, "videos": videos}), encoding="utf-8")


def key_of(path: Path) -> str:
    """What an index knows a file by: its name, size and time of change."""
    facts = path.stat()
    return f"{path.name} {facts.st_size} {facts.st_mtime_ns}"


class _NewPictures:
    """Passes on the frames that do not repeat the one before, and counts."""

    frames = 0
    repeats = 0

    def of(self, clip: Clip) -> Iterator[FrameThumbnail]:
        last: FrameThumbnail | None = None
        for frame in clip:
            self.frames += 1
            seen = take_thumbnail(frame)
            if last is not None and is_repeat(last, seen):
                self.repeats += 1
                continue
            last = seen
            yield seen


def _windows(
    looks: Iterable[FrameThumbnail],
) -> Iterator[
    tuple[FrameThumbnail | None, FrameThumbnail, FrameThumbnail | None, FrameThumbnail | None]
]:
    """Each picture with the one before and the two after it."""
    before: FrameThumbnail | None = None
    first: FrameThumbnail | None = None
    second: FrameThumbnail | None = None
    for after in chain(looks, (None, None)):
        if first is not None:
            yield before, first, second, after
        before, first, second = first, second, after


def _without_stills(times: list[Fraction]) -> Iterator[Run]:
    """Cut a scene where a picture stays much longer than most of its pictures do."""
    steps = [after - before for before, after in pairwise(times)]
    if not steps:
        return
    longest = _LONGEST_STEP * statistics.median(steps)
    begin = 0
    for at, step in enumerate(steps, 1):
        if step > longest:
            yield tuple(times[begin:at])
            begin = at
    yield tuple(times[begin:])


def _scan_of(fields: dict[str, Any]) -> Scan:
    runs = tuple(tuple(Fraction(time) for time in run) for run in fields["runs"])
    return Scan(runs, fields["frames"], fields["repeats"], fields["cuts"])
