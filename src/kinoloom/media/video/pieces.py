"""A film made in pieces by several processes, perhaps on several machines.

A piece is a stretch of the film's time, some whole segments long. Each process reads the clip from
where its piece begins (docs/decisions/0002) and encodes the segments that a single process would
have made for that time; so the joined film is the same, frame for frame.

    folder of a piece:  segments as in `segments`, and piece.json: their form, and the clip's notes
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
from typing import Any

from kinoloom.base.clip import Clip, Frame
from kinoloom.base.files import Written, no_progress
from kinoloom.base.outputs import check_output, naming_output
from kinoloom.errors import ExecutionError, UsageError
from kinoloom.media.video.codecs import VIDEO
from kinoloom.media.video.frame_feed import feed, first_frame
from kinoloom.media.video.plan import plan
from kinoloom.media.video.segments import Parts, Segment, SegmentWriter, segment_s
from kinoloom.media.video.writing import done_so_far, finish, form_of, job_of, keep_partial
from kinoloom.media.write_options import WriteOptions, describe_written

_RECORD = "piece.json"


class GrowingFilm:
    """A film that grows by pieces; implements `base.files.Growing`.

    Args:
        clip: the film.
        path: where to; its suffix is a key of `codecs.VIDEO`.
        options: how it is written.
        piece_s: how long a piece is at least, in seconds.

    Raises:
        UsageError: another kind of file, or as `video_out.write_video`.
        OutputError: it cannot be written.
    """

    def __init__(self, clip: Clip, path: Path, options: WriteOptions, piece_s: Fraction) -> None:
        suffix = path.suffix.lower()
        if suffix not in VIDEO:
            raise UsageError(
                f"A {suffix or 'folder'} is not made in pieces.",
                hint=f"Leave --session out, or write one of {', '.join(VIDEO)}.",
            )
        check_output(path, overwrite=options.overwrite)
        self.clip, self.path, self.options = clip, path, options
        first = first_frame(clip)
        self._start = first.time
        self._plan = plan(clip, first, suffix, options.codec, options.quality)
        self._piece_s = ceil(piece_s / segment_s(self._plan)) * segment_s(self._plan)
        self._parts = Parts(path, job_of(clip, self._plan), resume=options.resume)
        self.folder = self._parts.folder
        self.pieces: list[dict[str, Any]] = []
        self._begun = time.monotonic()

    def __enter__(self) -> GrowingFilm:
        self._parts.__enter__()
        _, last = done_so_far(self.clip, self._parts)
        self.pieces = list(self._missing(last))
        return self

    def __exit__(self, kind: type | None, *rest: object) -> None:
        try:
            if kind is not None:
                keep_partial(self.clip, self._plan, self._parts, None)
        finally:
            self._parts.__exit__()

    def _missing(self, last: Fraction | None) -> Iterator[dict[str, Any]]:
        """The pieces after the last frame that is there.

        The last one has no end, for the length that a file tells may be a little wrong, or unknown.
        """
        form = {
            "suffix": self.path.suffix.lower(),
            "codec": self.options.codec,
            "quality": self.options.quality,
            "threads": self._plan.threads,
        }
        length = segment_s(self._plan)
        start = self._start
        if last is not None:
            start += ((last - self._start) // length + 1) * length
        end = self._start + (self.clip.duration or 0)
        while (stop := start + self._piece_s) < end:
            yield {**form, "start": str(start), "stop": str(stop)}
            start = stop
        yield {**form, "start": str(start), "stop": None}

    def add(self, folder: Path) -> int:
        """Take over the next piece, whose files become those of this film.

        Raises:
            ExecutionError: its form is not the one of this film.
            OutputError: it cannot be written.
        """
        told = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        form = form_of(self._plan)
        differs = [key for key, value in form.items() if told["form"].get(key) != value]
        if differs:
            raise ExecutionError(
                f"A piece differs in {', '.join(differs)}: {[told['form'].get(k) for k in differs]}"
                f" instead of {[form[key] for key in differs]}.",
                hint="All machines need the same versions of kinoloom and its libraries.",
            )
        frames = 0
        for record in sorted(folder.glob("[0-9]*.json")):
            made = Segment.load(record)
            video = self._parts.next_video()
            with naming_output(self.path):
                _take(made.video, video)
            Segment(video, made.times, made.end, made.reorder).save()
            frames += len(made.times)
        for note in told["notes"]:
            moment = None if note["time"] is None else Fraction(note["time"])
            self.clip.notes.add(note["kind"], note["message"], note["level"], moment)
        return frames

    def finish(self) -> Written:
        """Make the film of its pieces, and tell as `files.ClipFiles.write` does.

        Raises:
            OutputError: it cannot be written.
        """
        written = finish(
            self.clip, self._plan, self._parts.segments, self.path,
            overwrite=self.options.overwrite,
        )  # fmt: skip
        self._parts.remove()
        return describe_written(self.clip, self.path, written, self._begun)


def write_piece(clip: Clip, piece: Mapping[str, Any], folder: Path) -> None:
    """Make one piece of a film.

    Args:
        clip: the film.
        piece: one of `GrowingFilm.pieces`.
        folder: where to.

    Raises:
        KinoloomError: as `video_out.write_video`.
    """
    first = first_frame(clip)
    start = Fraction(piece["start"])
    stop = None if piece["stop"] is None else Fraction(piece["stop"])
    form = {key: piece[key] for key in ("suffix", "codec", "quality", "threads")}
    chosen = plan(clip, first, **form)
    with (
        SegmentWriter(_Folder(folder), chosen, first.time) as writer,
        feed(within(clip, start, stop), no_progress) as frames,
    ):
        for frame in frames:
            writer.add(frame)
    told = {"form": form_of(chosen), "notes": list(_notes(clip, start, stop))}
    (folder / _RECORD).write_text(json.dumps(told), encoding="utf-8")


def within(clip: Clip, start: Fraction, stop: Fraction | None) -> Clip:
    """The clip's frames that appear at or after `start` and before `stop`, in seconds."""

    def read(_: Fraction) -> Iterator[Frame]:
        for frame in clip.read(start):
            if stop is not None and frame.time >= stop:
                return
            if frame.time >= start:
                yield frame

    return clip.with_(read=read, frame_count=None)


class _Folder:
    """A folder of segments; see `segments.Place`."""

    def __init__(self, folder: Path) -> None:
        self.output = folder

    def next_video(self) -> Path:
        return self.output / f"{len(list(self.output.glob('[0-9]*.json'))):06d}.mkv"


def _notes(clip: Clip, start: Fraction, stop: Fraction | None) -> Iterator[dict[str, Any]]:
    """What was noticed in this piece; what lies outside was only read on the way to it.

    Notes have the time of the source, which the film may stretch.
    """
    for note in clip.notes:
        moment = None if note.time is None else note.time * clip.time_scale
        if moment is None or (start <= moment and (stop is None or moment <= stop)):
            told = None if note.time is None else str(note.time)
            yield {"kind": note.kind, "message": note.message, "level": note.level, "time": told}


def _take(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)
