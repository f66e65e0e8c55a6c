"""Segments: a film grows in short whole pieces, so that stopped work can go on.

In: the frames of a clip. Out: a work folder `.<name>.parts/` beside the output with

    job.json         what is being made; work that differs is not continued
    000000.mkv       an encoded segment, playable by itself
    000000.json      its frames' exact times; written last, so a segment that has it is whole

Conventions: a segment begins with a key frame and holds the frames of one stretch of time, which
are equally long and known before any frame is; so a film that was continued, or whose segments were
made by several processes, has the same decoded frames as one made without a stop. Inside a segment
frame n lies at tick n; the exact times are those of the JSON file. A running job holds a
lock on its folder, which vanishes with the process, even when that is killed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from kinoloom.base.clip import Frame
from kinoloom.base.outputs import naming_output, remove
from kinoloom.errors import OutputError, UsageError
from kinoloom.media.video.codecs import Container
from kinoloom.media.video.encoding import Encoder, refusals, stored
from kinoloom.media.video.frame_feed import shown
from kinoloom.media.video.plan import Plan

SEGMENT_S = 10
MOST_FRAMES = 250
_CONTAINER = Container("matroska", ())


@dataclass(frozen=True)
class Segment:
    """A whole encoded piece of a film.

    Attributes:
        video: the file.
        times: when each frame appears, in order, in seconds.
        end: when the last frame ends, in seconds.
        reorder: by how many places the encoder moved frames in the stream.
    """

    video: Path
    times: tuple[Fraction, ...]
    end: Fraction
    reorder: int

    @staticmethod
    def load(record: Path) -> Segment:
        """Read the JSON file of a segment."""
        told = json.loads(record.read_text(encoding="utf-8"))
        times = tuple(Fraction(time) for time in told["times"])
        return Segment(record.with_suffix(".mkv"), times, Fraction(told["end"]), told["reorder"])

    def save(self) -> None:
        """Write the JSON file, whole or not at all."""
        told = {
            "times": [str(time) for time in self.times],
            "end": str(self.end),
            "reorder": self.reorder,
        }
        growing = self.video.with_suffix(".json.part")
        growing.write_text(json.dumps(told), encoding="utf-8")
        growing.replace(self.video.with_suffix(".json"))


class Place(Protocol):
    """Where segments go; `Parts` is one."""

    output: Path
    """Of what they are; named in errors."""

    def next_video(self) -> Path:
        """Where the next segment goes."""


class Parts:
    """The work folder of one film; a context manager that holds its lock.

    Args:
        output: the path of the film.
        job: what is being made, as plain values; equal for work that may be continued.
        resume: keep the whole segments of the same job instead of beginning anew.

    Raises:
        UsageError: on entering, when the segments there are of another job.
        OutputError: on entering, when another process works on the same film.
    """

    def __init__(self, output: Path, job: dict[str, Any], *, resume: bool) -> None:
        self.output, self.job, self.resume = output, job, resume
        self.folder = output.with_name(f".{output.name}.parts")
        self._unlock = ExitStack()

    def __enter__(self) -> Parts:
        with naming_output(self.output), ExitStack() as undo:
            self.folder.mkdir(exist_ok=True)
            lock = undo.enter_context((self.folder / "lock").open("wb"))
            if not _locked(lock):
                raise OutputError(
                    f"Another process is writing {self.output} at this moment.",
                    hint="Wait for it, or choose another name.",
                )
            if self.resume:
                self._check_job()
            else:
                self._clear()
            (self.folder / "job.json").write_text(json.dumps(self.job, indent=2), "utf-8")
            self._unlock = undo.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._unlock.close()

    def segments(self) -> Iterator[Segment]:
        """The whole segments in order."""
        return (Segment.load(record) for record in self._records())

    def next_video(self) -> Path:
        """Where the next segment goes."""
        return self.folder / f"{len(self._records()):06d}.mkv"

    def remove(self) -> None:
        """Delete the folder and all in it."""
        remove(self.folder)

    def _records(self) -> list[Path]:
        return sorted(self.folder.glob("[0-9]*.json"))

    def _clear(self) -> None:
        for old in self.folder.iterdir():
            if old.name != "lock":
                remove(old)

    def _check_job(self) -> None:
        path = self.folder / "job.json"
        if not path.exists():
            return
        before = json.loads(path.read_text(encoding="utf-8"))
        differs = [key for key, value in self.job.items() if before.get(key) != value]
        if differs:
            raise UsageError(
                f"The work begun on {self.output} differs from this in {', '.join(differs)}.",
                hint="Start again without --resume, or give the same inputs and options.",
            )


class SegmentWriter:
    """Cuts a stream of frames into segments; a context manager.

    Args:
        parts: the work folder.
        plan: how pictures are stored.
        start: when the film's first frame appears, in seconds.

    Attributes:
        stopped: after an error in the block, the piece that it cut short, if there is one. It is
            playable but not whole: it is not among `parts.segments()`.
    """

    def __init__(self, parts: Place, plan: Plan, start: Fraction) -> None:
        self.parts, self.plan, self.start = parts, plan, start
        self.stopped: Segment | None = None
        self._encoder: Encoder | None = None
        self._times: list[Fraction] = []
        self._end = self._until = Fraction(0)

    def __enter__(self) -> SegmentWriter:
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        if self._encoder is not None:
            segment = self._close(self._encoder)
            if kind is None:
                segment.save()
            else:
                self.stopped = segment

    def add(self, frame: Frame) -> None:
        """Append a frame.

        Raises:
            OutputError: it cannot be written.
        """
        native = stored(frame, self.plan)
        if self._encoder is not None and frame.time >= self._until:
            self._close(self._encoder).save()
        with refusals(self.parts.output):
            if self._encoder is None:
                path = self.parts.next_video()
                self._encoder = Encoder(path, _CONTAINER, self.plan, 1 / self.plan.rate)
                self._until = segment_end(frame.time, self.start, self.plan)
            self._times.append(frame.time)  # first, so that a stop leaves no frame without a time
            self._end = frame.time + shown(frame, self.plan.rate)
            self._encoder.add(native, len(self._times) - 1)
        if self._end >= self._until:
            self._close(self._encoder).save()

    def _close(self, encoder: Encoder) -> Segment:
        times = tuple(self._times)
        self._encoder, self._times = None, []
        with refusals(self.parts.output):
            encoder.close()
        return Segment(encoder.path, times, self._end, encoder.reorder)


def segment_s(plan: Plan) -> Fraction:
    """How long a segment is, in seconds: about ten, but not too much work at the nominal rate."""
    return min(ceil(SEGMENT_S * plan.rate), MOST_FRAMES) / plan.rate


def segment_end(time: Fraction, start: Fraction, plan: Plan) -> Fraction:
    """When the segment ends that a frame belongs to, in seconds.

    Args:
        time: of the frame.
        start: of the film.
        plan: how pictures are stored.
    """
    length = segment_s(plan)
    return start + ((time - start) // length + 1) * length


def _locked(file: BinaryIO) -> bool:
    """Take the lock of an open file; False if another process holds it."""
    try:
        import fcntl
    except ImportError:  # Windows: there the files of a running job cannot be removed anyway
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
