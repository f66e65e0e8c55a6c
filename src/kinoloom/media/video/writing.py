"""Writes a clip as a video file: segments first, then one film with all that travels along.

In: a clip and the options. Out: an MP4, MOV, MKV or WebM file, whole or not at all. Work that is
stopped leaves `<name>.partial<suffix>`, playable, and its segments for `--resume`; a full disk
leaves nothing, unless `--resume` was given.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import av

from kinoloom.base.clip import Clip
from kinoloom.base.files import Progress
from kinoloom.base.outputs import check_output, whole_file
from kinoloom.base.provenance import Provenance
from kinoloom.errors import OutputError
from kinoloom.media.container.join import Segments, join
from kinoloom.media.video.codecs import VIDEO
from kinoloom.media.video.encoding import is_full, refusals
from kinoloom.media.video.frame_feed import feed, first_frame
from kinoloom.media.video.plan import Plan, plan
from kinoloom.media.video.segments import Parts, Segment, SegmentWriter, segment_s
from kinoloom.media.write_options import WriteOptions, WrittenClip


def write_video(clip: Clip, path: Path, options: WriteOptions, progress: Progress) -> WrittenClip:
    """Write `clip` to `path`, whose suffix is a key of `codecs.VIDEO`.

    Raises:
        UsageError: the file cannot hold what is asked for, or `--resume` finds other work.
        OutputError: it cannot be written.
        MediaError: as the clip's frames do; what is done by then is kept as for any stop.
    """
    check_output(path, overwrite=options.overwrite)
    first = first_frame(clip)
    chosen = plan(clip, first, path.suffix.lower(), options.codec, options.quality)
    with Parts(path, job_of(clip, chosen), resume=options.resume) as parts:
        try:
            _encode(clip, chosen, parts, first.time, progress)
            written = finish(clip, chosen, parts.segments, path, overwrite=options.overwrite)
        except OutputError as error:
            if not options.resume and (is_full(error) or next(parts.segments(), None) is None):
                parts.remove()
            raise
        parts.remove()
    return written


def job_of(clip: Clip, chosen: Plan) -> dict[str, Any]:
    """What must be equal for segments of one run to fit those of another."""
    made = clip.provenance or Provenance("clip", {}, clip.files)
    return {"inputs and options": made.key, **form_of(chosen)}


def form_of(chosen: Plan) -> dict[str, Any]:
    """What must be equal for segments to fit each other, whatever they show."""
    return {
        "codec": chosen.codec.name,
        "pixel format": chosen.pix_fmt,
        "size": [chosen.width, chosen.height],
        "rate": str(chosen.rate),
        "quality": dict(chosen.settings),
        "seconds a segment": str(segment_s(chosen)),
        "threads": chosen.threads,
        "libavcodec": list(av.library_versions["libavcodec"]),
    }


def _encode(clip: Clip, chosen: Plan, parts: Parts, start: Fraction, progress: Progress) -> None:
    """Make the segments that are missing."""
    done, last = done_so_far(clip, parts)
    writer = SegmentWriter(parts, chosen, start)
    try:
        with writer, feed(clip, progress, after=last, done=done) as frames:
            for frame in frames:
                writer.add(frame)
    except OutputError:
        raise
    except BaseException:
        keep_partial(clip, chosen, parts, writer.stopped)
        raise


def done_so_far(clip: Clip, parts: Parts) -> tuple[int, Fraction | None]:
    """How many frames are there already, which is noted, and the time of the last of them."""
    done, last = 0, None
    for segment in parts.segments():
        done, last = done + len(segment.times), segment.times[-1]
    if parts.resume:
        clip.notes.add(
            "resume", f"{done} frames are there already." if done else "Nothing to resume."
        )
    return done, last


def keep_partial(clip: Clip, chosen: Plan, parts: Parts, stopped: Segment | None) -> None:
    """After a stop: make what is done playable, as far as there is room for it."""

    def segments() -> Iterator[Segment]:
        return chain(parts.segments(), [stopped] if stopped else [])

    if next(segments(), None) is None:
        parts.remove()
        return
    path = parts.output.with_name(f"{parts.output.stem}.partial{parts.output.suffix}")
    try:
        done = finish(clip, chosen, segments, path, overwrite=True, complete=False).frames
        message = f"{path} holds the {done} frames done so far; --resume goes on."
    except OutputError as error:
        message = f"{error.message} The frames done so far are kept; --resume goes on."
    clip.notes.add("stopped", message, "warning")


def finish(
    clip: Clip,
    chosen: Plan,
    segments: Segments,
    path: Path,
    *,
    overwrite: bool,
    complete: bool = True,
) -> WrittenClip:
    """Join segments, sound and the rest; see `join.join` for the arguments.

    Raises:
        OutputError: it cannot be written.
    """
    container = VIDEO[path.suffix.lower()]
    with whole_file(path, overwrite=overwrite) as temporary, refusals(path):
        facts, recorded = join(temporary, segments, clip, chosen, container, complete=complete)
    return WrittenClip(
        frames=facts.frames,
        duration=facts.end - facts.start,
        width=chosen.width,
        height=chosen.height,
        codec=chosen.codec.name,
        recorded=recorded,
    )
