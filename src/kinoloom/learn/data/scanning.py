"""Video scans: runs of frames without cuts, repeated frames and stills.

A video is decoded once, completely, to find its cuts and repeated frames (`motion.cuts`). The
result is small and can be cached in a file for later runs.
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
from kinoloom.base.outputs import write_text_atomically
from kinoloom.motion.cuts import FrameThumbnail, is_cut, is_repeat, take_thumbnail

_SCHEMA = "kinoloom video runs 1"
_MAX_STEP_RATIO = 2.5
"""A frame shown this many times longer than the median is a still, or frames are missing."""

Run = tuple[Fraction, ...]
"""The times of at least three successive distinct frames of one scene."""


@dataclass(frozen=True)
class Scan:
    """The result of scanning a video.

    Attributes:
        runs: from which triplets can be drawn.
        frames: number of frames.
        repeats: number of repeated frames, which are in no run.
        cuts: number of cuts.
    """

    runs: tuple[Run, ...]
    frames: int
    repeats: int
    cuts: int


def scan(clip: Clip) -> Scan:
    """Scan a clip.

    Raises:
        MediaError: the clip cannot be read.
    """
    scenes: list[list[Fraction]] = [[]]
    repeat_filter = _RepeatFilter()
    for before, first, second, after in _iterate_windows(repeat_filter.apply(clip)):
        scenes[-1].append(first.frame.time)
        if second is not None and is_cut(before, first, second, after):
            scenes.append([])
    runs = tuple(run for scene in scenes for run in _split_at_stills(scene) if len(run) >= 3)
    return Scan(runs, repeat_filter.frames, repeat_filter.repeats, len(scenes) - 1)


def read_scans(index: Path) -> dict[str, Scan]:
    """Read the scans in an index file by their keys.

    A missing, damaged or outdated file counts as empty, because it is written again.
    """
    try:
        stored: Any = json.loads(index.read_text(encoding="utf-8"))
        if stored["schema"] != _SCHEMA:
            return {}
        return {key: _parse_scan(fields) for key, fields in stored["videos"].items()}
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return {}


def write_scans(index: Path, scans: dict[str, Scan]) -> None:
    """Write an index file atomically.

    Raises:
        OutputError: the file cannot be written.
    """
    videos = {
        key: vars(each) | {"runs": [[str(time) for time in run] for run in each.runs]}
        for key, each in scans.items()
    }
    write_text_atomically(index, json.dumps({"schema": _SCHEMA, "videos": videos}))


def index_key(path: Path) -> str:
    """Return the key of a file in an index: its name, size and modification time."""
    stat = path.stat()
    return f"{path.name} {stat.st_size} {stat.st_mtime_ns}"


class _RepeatFilter:
    """Drops repeated frames, and counts."""

    frames = 0
    repeats = 0

    def apply(self, clip: Clip) -> Iterator[FrameThumbnail]:
        previous: FrameThumbnail | None = None
        for frame in clip:
            self.frames += 1
            current = take_thumbnail(frame)
            if previous is not None and is_repeat(previous, current):
                self.repeats += 1
                continue
            previous = current
            yield current


def _iterate_windows(
    thumbnails: Iterable[FrameThumbnail],
) -> Iterator[
    tuple[FrameThumbnail | None, FrameThumbnail, FrameThumbnail | None, FrameThumbnail | None]
]:
    """Yield each frame with the one before and the two after it."""
    before: FrameThumbnail | None = None
    first: FrameThumbnail | None = None
    second: FrameThumbnail | None = None
    for after in chain(thumbnails, (None, None)):
        if first is not None:
            yield before, first, second, after
        before, first, second = first, second, after


def _split_at_stills(times: list[Fraction]) -> Iterator[Run]:
    """Split a scene where a frame is shown much longer than the median."""
    steps = [after - before for before, after in pairwise(times)]
    if not steps:
        return
    max_step = _MAX_STEP_RATIO * statistics.median(steps)
    start = 0
    for at, step in enumerate(steps, 1):
        if step > max_step:
            yield tuple(times[start:at])
            start = at
    yield tuple(times[start:])


def _parse_scan(fields: dict[str, Any]) -> Scan:
    runs = tuple(tuple(Fraction(time) for time in run) for run in fields["runs"])
    return Scan(runs, fields["frames"], fields["repeats"], fields["cuts"])
