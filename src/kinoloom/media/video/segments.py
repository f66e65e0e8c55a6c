"""Segments: a film is encoded in short complete files, so that interrupted work can resume.

In: the frames of a clip. Out: a work folder `.<name>.parts/` next to the output with

    job.json         what is being encoded; only the same job can be resumed
    000000.mkv       an encoded segment, playable by itself
    000000.json      exact times of its frames; written last, so its presence marks a complete one
    partial          identity of the film of the finished frames that an interruption left

Conventions: a segment starts with a key frame and has the frames of one time interval. Intervals
have equal lengths that are known in advance, so a film that was resumed, or whose segments were
encoded by several processes, has the same decoded frames as one encoded without interruption.
Inside a segment, frame n has tick n; its exact time is in the JSON file. A running job holds a lock
on its folder, which the system releases when the process ends, even if it is killed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import count, pairwise
from math import ceil
from pathlib import Path
from typing import Any, Protocol

from kinoloom.base.clip import Frame
from kinoloom.base.outputs import name_output_errors, work_folder
from kinoloom.base.outputs.sync import sync_file, sync_folder
from kinoloom.base.outputs.temporary import is_own_folder, remove, try_lock
from kinoloom.base.provenance import InputFiles
from kinoloom.errors import OutputError, UsageError
from kinoloom.media.video.codecs import Container
from kinoloom.media.video.encoding import Encoder, prepare_frame, translate_errors
from kinoloom.media.video.frame_feed import display_duration
from kinoloom.media.video.journal import read_record
from kinoloom.media.video.plan import Plan

SEGMENT_S = 10
MAX_FRAMES = 250
_LOCK = "lock"
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)  # Windows has none
_CONTAINER = Container("matroska", ())


@dataclass(frozen=True)
class Segment:
    """A complete encoded piece of a film.

    Attributes:
        video: the file.
        times: display times of its frames, in order, in seconds.
        end: when the last frame ends, in seconds.
        reorder: the largest number of places by which the encoder moved a frame.
    """

    video: Path
    times: tuple[Fraction, ...]
    end: Fraction
    reorder: int

    @staticmethod
    def load(record: Path) -> Segment:
        """Read the JSON file of a segment.

        Raises:
            OutputError: it is damaged.
        """

        def parse(data: Any) -> Segment:
            times = tuple(Fraction(str(time)) for time in data["times"])
            end, reorder = Fraction(str(data["end"])), data["reorder"]
            grows = all(early < late for early, late in pairwise((*times, end)))
            if not (times and grows and reorder in range(MAX_FRAMES)):
                raise ValueError("its values contradict each other")
            return Segment(record.with_suffix(".mkv"), times, end, int(reorder))

        return read_record(record, parse)

    def save(self) -> None:
        """Write the JSON file, complete or not at all, even after a power cut.

        Raises:
            OSError: the disk is full or reports an error.
        """
        data = {
            "times": [str(time) for time in self.times],
            "end": str(self.end),
            "reorder": self.reorder,
        }
        sync_file(self.video)
        growing = self.video.with_suffix(".json.part")
        _write_new(growing, json.dumps(data))
        growing.replace(self.video.with_suffix(".json"))
        sync_folder(self.video.parent)


class SegmentTarget(Protocol):
    """A destination of segments, such as a `SegmentFolder`."""

    output: Path
    """The film; named in errors."""

    def next_video(self) -> Path:
        """Return the path of the next segment."""


class SegmentFolder:
    """The work folder of one film; a context manager that holds its lock.

    Args:
        output: the path of the film.
        job: what is being encoded, as plain JSON values; a run resumes only an equal job.
        resume: keep the complete segments of the same job instead of starting from scratch.

    Raises:
        UsageError: on entering, if the folder has segments of another job.
        OutputError: on entering, if another process is writing the same film, or if the folder
            is a link, has links or special files, belongs to another user or was not created by a
            `SegmentFolder`.
    """

    def __init__(self, output: Path, job: dict[str, Any], *, resume: bool) -> None:
        self.output, self.job, self.resume = output, job, resume
        self.folder = work_folder(output)
        self._unlock = ExitStack()

    def __enter__(self) -> SegmentFolder:
        with name_output_errors(self.output), ExitStack() as undo, ExitStack() as new:
            if self._create_folder():
                new.callback(self.remove)
                sync_folder(self.folder.parent)
            lock = os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT | _NO_LINK, 0o666)
            undo.callback(os.close, lock)
            if not try_lock(lock):
                raise OutputError(
                    f"Another process is writing {self.output}.",
                    hint="Wait until it ends, or choose another name.",
                )
            if self.resume:
                self._check_job()
            else:
                self._clear()
            if not (self.folder / "job.json").exists():
                _write_new(self.folder / "job.json", json.dumps(self.job, indent=2))
                sync_folder(self.folder)
            new.pop_all()
            self._unlock = undo.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._unlock.close()

    def segments(self) -> Iterator[Segment]:
        """Yield the complete segments, in order."""
        return (Segment.load(record) for record in self._records())

    def next_video(self) -> Path:
        """Return the path of the next segment."""
        path = self.folder / f"{len(self._records()):06d}.mkv"
        remove(path)  # an interrupted segment, which may share its file with a piece
        return path

    def find_partial(self) -> tuple[Path, bool]:
        """Return where the finished frames go after an interruption, and whether to replace it.

        It is `<name>.partial<suffix>`, or with a number if a file that this job did not write,
        or that was changed since, has that name.
        """
        before = read_record(self._partial, list) if self._partial.exists() else None
        stem, suffix = self.output.stem, self.output.suffix
        for number in count(1):
            end = f"-{number}" if number > 1 else ""
            path = self.output.with_name(f"{stem}.partial{end}{suffix}")
            if not os.path.lexists(path):
                return path, False
            if before == _identify(path):
                return path, True
        raise AssertionError("the numbers are endless")

    def record_partial(self, path: Path) -> None:
        """Remember the file of the finished frames, so that this job may replace it."""
        _write_new(self._partial, json.dumps(_identify(path)))

    def remove(self) -> None:
        """Delete the folder if the system allows it; the next run of the film tries again."""
        with suppress(OSError):
            remove(self.folder)

    @property
    def _partial(self) -> Path:
        return self.folder / "partial"

    def _records(self) -> list[Path]:
        return sorted(self.folder.glob("[0-9]*.json"))

    def _create_folder(self) -> bool:
        """Create the folder, or check that the existing one is ours; return whether it is new."""
        with suppress(FileExistsError):
            self.folder.mkdir()
            return True
        entries = list(os.scandir(self.folder)) if is_own_folder(self.folder) else None
        if entries is None or (entries and _LOCK not in [entry.name for entry in entries]):
            reason = "was not created by kinoloom for this user"
        elif any(not _is_plain(entry) for entry in entries):
            reason = "contains links or special files"
        else:
            return False
        raise OutputError(
            f"The work folder {self.folder} {reason}; it is not used.",
            hint=f"Remove or rename it, or choose another name than {self.output.name}.",
        )

    def _clear(self) -> None:
        for old in self.folder.iterdir():
            if old.name not in (_LOCK, self._partial.name):
                remove(old)

    def _check_job(self) -> None:
        path = self.folder / "job.json"
        if not path.exists():
            return
        before = read_record(path, dict)
        differs = [key for key, value in self.job.items() if before.get(key) != value]
        if differs:
            raise UsageError(
                f"The interrupted run of {self.output} differs from this one in "
                f"{', '.join(differs)}.",
                hint="Start again without --resume, or pass the same inputs and options.",
            )


class SegmentWriter:
    """Encodes frames into segments; a context manager.

    Args:
        parts: where segments are written.
        plan: how pictures are stored.
        start: time of the film's first frame, in seconds.
        inputs: the files that the frames come from; a segment is complete only if they have not
            changed when it ends.

    Attributes:
        stopped: after an error in the block, the segment that it interrupted, if any. It is
            playable but incomplete: it is not among `parts.segments()`.
    """

    def __init__(
        self, parts: SegmentTarget, plan: Plan, start: Fraction, inputs: InputFiles
    ) -> None:
        self.parts, self.plan, self.start, self.inputs = parts, plan, start, inputs
        self.stopped: Segment | None = None
        self._encoder: Encoder | None = None
        self._times: list[Fraction] = []
        self._end = self._until = Fraction(0)

    def __enter__(self) -> SegmentWriter:
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        if self._encoder is not None:
            if kind is None:
                self._finish_segment(self._encoder)
            else:
                self.stopped = self._close(self._encoder)

    def add(self, frame: Frame) -> None:
        """Append a frame.

        Raises:
            OutputError: the segment cannot be written.
            InputChangedError: an input has changed.
        """
        native = prepare_frame(frame, self.plan)
        if self._encoder is not None and frame.time >= self._until:
            self._finish_segment(self._encoder)
        with translate_errors(self.parts.output):
            if self._encoder is None:
                path = self.parts.next_video()
                self._encoder = Encoder(path, _CONTAINER, self.plan, 1 / self.plan.rate)
                self._until = segment_end(frame.time, self.start, self.plan)
            self._times.append(
                frame.time
            )  # first, so that an interruption leaves no frame without a time
            self._end = frame.time + display_duration(frame, self.plan.rate)
            self._encoder.add(native, len(self._times) - 1)
        if self._end >= self._until:
            self._finish_segment(self._encoder)

    def _finish_segment(self, encoder: Encoder) -> None:
        segment = self._close(encoder)
        self.inputs.check()
        with name_output_errors(self.parts.output):
            segment.save()

    def _close(self, encoder: Encoder) -> Segment:
        times = tuple(self._times)
        self._encoder, self._times = None, []
        with translate_errors(self.parts.output):
            encoder.close()
        return Segment(encoder.path, times, self._end, encoder.reorder)


def segment_duration(plan: Plan) -> Fraction:
    """Return the length of a segment in seconds: about ten, but at most `MAX_FRAMES` frames."""
    return min(ceil(SEGMENT_S * plan.rate), MAX_FRAMES) / plan.rate


def segment_end(time: Fraction, start: Fraction, plan: Plan) -> Fraction:
    """Return when the segment of a frame ends, in seconds.

    Args:
        time: time of the frame, in seconds.
        start: time of the film's first frame, in seconds.
        plan: how pictures are stored.
    """
    length = segment_duration(plan)
    return start + ((time - start) // length + 1) * length


def _identify(path: Path) -> list[int]:
    """Return values that change if a file is written or replaced."""
    found = path.lstat()
    return [found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns]


def _is_plain(entry: os.DirEntry[str]) -> bool:
    return entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)


def _write_new(path: Path, text: str) -> None:
    """Write a text file that replaces an existing file or link and never writes through it."""
    remove(path)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
