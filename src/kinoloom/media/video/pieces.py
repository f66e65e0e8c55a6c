"""Encode a film in pieces, by several processes on one or more machines.

A piece is a time interval of the film, several complete segments long. Each process reads the clip
from the start of its piece (docs/decisions/0002) and encodes the segments that a single process
would have encoded for that interval, so the joined film has identical frames.

    folder of a piece:  segments as in `segments`, and piece.json: their format, the clip's notes
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import ceil
from pathlib import Path
from types import TracebackType
from typing import Any

from kinoloom.base.clip import Clip, Frame
from kinoloom.base.files import Written, no_progress
from kinoloom.base.outputs import check_output, name_output_errors
from kinoloom.errors import ExecutionError, InputChangedError, UsageError
from kinoloom.media.video.codecs import VIDEO
from kinoloom.media.video.completed import find_completed
from kinoloom.media.video.frame_feed import feed, read_first_frame
from kinoloom.media.video.plan import plan
from kinoloom.media.video.segments import Segment, SegmentFolder, SegmentWriter, segment_duration
from kinoloom.media.video.writing import (
    count_done,
    describe_format,
    describe_job,
    finish,
    write_partial,
)
from kinoloom.media.write_options import WriteOptions, describe_written

_RECORD = "piece.json"


class GrowingFilm:
    """A film that is assembled from pieces; implements `base.files.Growing`.

    Args:
        clip: the film.
        path: the output; its suffix is a key of `codecs.VIDEO`.
        options: how it is written.
        piece_s: minimum length of a piece, in seconds.

    Raises:
        UsageError: the format cannot be written in pieces, or as `writing.write_video`.
        OutputError: the film cannot be written.
    """

    def __init__(self, clip: Clip, path: Path, options: WriteOptions, piece_s: Fraction) -> None:
        suffix = path.suffix.lower()
        if suffix not in VIDEO:
            raise UsageError(
                f"A {suffix or 'folder'} cannot be written in pieces.",
                hint=f"Omit --session, or write one of {', '.join(VIDEO)}.",
            )
        check_output(path, overwrite=options.overwrite or options.resume)
        self.clip, self.path, self.options = clip, path, options
        first = read_first_frame(clip)
        self._start = first.time
        self._plan = plan(clip, first, suffix, options.codec, options.quality)
        self._completed = find_completed(clip, self._plan, path) if options.resume else None
        if self._completed is None:
            check_output(path, overwrite=options.overwrite)
        self._piece_s = ceil(piece_s / segment_duration(self._plan)) * segment_duration(self._plan)
        self._parts = SegmentFolder(path, describe_job(clip, self._plan), resume=options.resume)
        self.folder = self._parts.folder
        self.pieces: list[dict[str, Any]] = []
        self._begun = time.monotonic()

    def __enter__(self) -> GrowingFilm:
        self._parts.__enter__()
        if self._completed is None:
            _, last = count_done(self.clip, self._parts)
            self.pieces = list(self._plan_pieces(last))
        return self

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is not None:
                self._keep_frames(error)
        finally:
            self._parts.__exit__()

    def _keep_frames(self, error: BaseException | None) -> None:
        """Write the finished frames as a film; if an input has changed, raise an error about it."""
        kept = write_partial(self.clip, self._plan, self._parts, None)
        try:
            self.clip.record.files.check()
        except InputChangedError as changed:
            raise changed.with_kept(kept) from error
        if kept:
            self.clip.notes.add("stopped", kept, "warning")

    def _plan_pieces(self, last: Fraction | None) -> Iterator[dict[str, Any]]:
        """Yield the pieces after the last finished frame.

        The last piece has no end, because the length in a file's header may be inexact or missing.
        """
        form = {
            "suffix": self.path.suffix.lower(),
            "codec": self.options.codec,
            "quality": self.options.quality,
            "threads": self._plan.threads,
        }
        length = segment_duration(self._plan)
        start = self._start
        if last is not None:
            start += ((last - self._start) // length + 1) * length
        end = self._start + (self.clip.duration or 0)
        while (stop := start + self._piece_s) < end:
            yield {**form, "start": str(start), "stop": str(stop)}
            start = stop
        yield {**form, "start": str(start), "stop": None}

    def add(self, folder: Path) -> int:
        """Add the next piece, and return its number of frames.

        Raises:
            ExecutionError: its format differs from this film's.
            OutputError: the film cannot be written.
            InputChangedError: an input has changed.
        """
        self.clip.record.files.check()
        data = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        expected = describe_format(self._plan)
        differs = [key for key, value in expected.items() if data["format"].get(key) != value]
        if differs:
            raise ExecutionError(
                f"A piece differs in {', '.join(differs)}: "
                f"{[data['format'].get(key) for key in differs]} instead of "
                f"{[expected[key] for key in differs]}.",
                hint="Install the same versions of kinoloom and its libraries on all machines.",
            )
        frames = 0
        for record in sorted(folder.glob("[0-9]*.json")):
            segment = Segment.load(record)
            video = self._parts.next_video()
            with name_output_errors(self.path):
                _link_or_copy(segment.video, video)
                Segment(video, segment.times, segment.end, segment.reorder).save()
            frames += len(segment.times)
        for note in data["notes"]:
            moment = None if note["time"] is None else Fraction(note["time"])
            self.clip.notes.add(note["kind"], note["message"], note["level"], moment)
        return frames

    def finish(self) -> Written:
        """Join the pieces, and describe the film as `files.ClipFiles.write` does.

        Raises:
            OutputError: the film cannot be written.
            InputChangedError: an input has changed.
        """
        written = self._completed or finish(
            self.clip, self._plan, self._parts.segments, self.path,
            overwrite=self.options.overwrite,
        )  # fmt: skip
        self._parts.remove()
        return describe_written(
            self.clip, self.path, written, self._begun, overwrite=self.options.overwrite
        )


def write_piece(clip: Clip, piece: Mapping[str, Any], folder: Path) -> None:
    """Encode one piece of a film.

    Args:
        clip: the film.
        piece: one of `GrowingFilm.pieces`.
        folder: an existing folder for its files.

    Raises:
        KinoloomError: as `writing.write_video`.
    """
    first = read_first_frame(clip)
    start = Fraction(piece["start"])
    stop = None if piece["stop"] is None else Fraction(piece["stop"])
    form = {key: piece[key] for key in ("suffix", "codec", "quality", "threads")}
    chosen = plan(clip, first, **form)
    with (
        SegmentWriter(_PieceFolder(folder), chosen, first.time, clip.record.files) as writer,
        feed(trim(clip, start, stop), no_progress) as frames,
    ):
        for frame in frames:
            writer.add(frame)
    data = {"format": describe_format(chosen), "notes": list(_select_notes(clip, start, stop))}
    (folder / _RECORD).write_text(json.dumps(data), encoding="utf-8")


def trim(clip: Clip, start: Fraction, stop: Fraction | None) -> Clip:
    """Return the clip with only the frames from `start` until before `stop`, in seconds."""

    def read(_: Fraction) -> Iterator[Frame]:
        for frame in clip.read(start):
            if stop is not None and frame.time >= stop:
                return
            if frame.time >= start:
                yield frame

    return clip.with_(read=read, frame_count=None)


class _PieceFolder:
    """The folder of a piece; see `segments.SegmentTarget`."""

    def __init__(self, folder: Path) -> None:
        self.output = folder

    def next_video(self) -> Path:
        return self.output / f"{len(list(self.output.glob('[0-9]*.json'))):06d}.mkv"


def _select_notes(clip: Clip, start: Fraction, stop: Fraction | None) -> Iterator[dict[str, Any]]:
    """Yield the clip's notes for this piece as plain values, without those from seeking to it.

    Notes have the time of the source, which the film may stretch.
    """
    for note in clip.notes:
        moment = None if note.time is None else note.time * clip.time_scale
        if moment is None or (start <= moment and (stop is None or moment <= stop)):
            time = None if note.time is None else str(note.time)
            yield {"kind": note.kind, "message": note.message, "level": note.level, "time": time}


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)
