"""Write a clip as a video file: encode segments, then join them with sound and metadata.

In: a clip and the options. Out: an MP4, MOV, MKV or WebM file, complete or not at all. An
interrupted run leaves a playable `<name>.partial<suffix>`, which replaces no file but that of an
earlier interruption, and its segments for `--resume`; a full disk leaves nothing unless `--resume`
was given.
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
from kinoloom.base.outputs import atomic_output, check_output
from kinoloom.base.provenance import Provenance
from kinoloom.errors import OutputError
from kinoloom.media.container.join import Segments, join
from kinoloom.media.memory import check_encoding
from kinoloom.media.video.codecs import VIDEO
from kinoloom.media.video.encoding import is_disk_full, translate_errors
from kinoloom.media.video.frame_feed import feed, read_first_frame
from kinoloom.media.video.plan import Plan, plan
from kinoloom.media.video.segments import Segment, SegmentFolder, SegmentWriter, segment_duration
from kinoloom.media.write_options import WriteOptions, WrittenClip


def write_video(clip: Clip, path: Path, options: WriteOptions, progress: Progress) -> WrittenClip:
    """Write `clip` to `path`, whose suffix is a key of `codecs.VIDEO`.

    Raises:
        UsageError: the format cannot store the clip, or `--resume` finds segments of another clip.
        OutputError: the file cannot be written.
        MediaError: reading the clip failed; the frames encoded so far are kept as after an
            interruption.
    """
    check_output(path, overwrite=options.overwrite)
    first = read_first_frame(clip)
    chosen = plan(clip, first, path.suffix.lower(), options.codec, options.quality)
    check_encoding(clip, chosen)
    with SegmentFolder(path, describe_job(clip, chosen), resume=options.resume) as parts:
        try:
            _encode(clip, chosen, parts, first.time, progress)
            written = finish(clip, chosen, parts.segments, path, overwrite=options.overwrite)
        except OutputError as error:
            if not options.resume and (is_disk_full(error) or next(parts.segments(), None) is None):
                parts.remove()
            raise
        parts.remove()
    return written


def describe_job(clip: Clip, chosen: Plan) -> dict[str, Any]:
    """Return what must be equal for a run to resume the segments of another."""
    record = clip.provenance or Provenance("clip", {}, clip.files)
    return {"inputs and options": record.key, **describe_format(chosen)}


def describe_format(chosen: Plan) -> dict[str, Any]:
    """Return what must be equal for segments to be joined, whatever they show."""
    return {
        "codec": chosen.codec.name,
        "pixel format": chosen.pix_fmt,
        "size": [chosen.width, chosen.height],
        "rate": str(chosen.rate),
        "quality": dict(chosen.settings),
        "seconds per segment": str(segment_duration(chosen)),
        "threads": chosen.threads,
        "libavcodec": list(av.library_versions["libavcodec"]),
    }


def _encode(
    clip: Clip, chosen: Plan, parts: SegmentFolder, start: Fraction, progress: Progress
) -> None:
    """Encode the missing segments."""
    done, last = count_done(clip, parts)
    writer = SegmentWriter(parts, chosen, start)
    try:
        with writer, feed(clip, progress, after=last, done=done) as frames:
            for frame in frames:
                writer.add(frame)
    except OutputError:
        raise
    except BaseException:
        write_partial(clip, chosen, parts, writer.stopped)
        raise


def count_done(clip: Clip, parts: SegmentFolder) -> tuple[int, Fraction | None]:
    """Return how many frames exist already, and the time of the last one; add a note."""
    done, last = 0, None
    for segment in parts.segments():
        done, last = done + len(segment.times), segment.times[-1]
    if parts.resume:
        clip.notes.add("resume", f"{done} frames exist already." if done else "Nothing to resume.")
    return done, last


def write_partial(clip: Clip, chosen: Plan, parts: SegmentFolder, stopped: Segment | None) -> None:
    """After an interruption, write the finished frames as a playable file if the disk has room."""

    def segments() -> Iterator[Segment]:
        return chain(parts.segments(), [stopped] if stopped else [])

    if next(segments(), None) is None:
        parts.remove()
        return
    path, is_ours = parts.find_partial()
    try:
        done = finish(clip, chosen, segments, path, overwrite=is_ours, complete=False).frames
        parts.record_partial(path)
        message = f"{path} has the {done} frames finished so far; --resume continues."
    except OutputError as error:
        message = f"{error.message} The frames finished so far are kept; --resume continues."
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
    """Join segments, sound and metadata; see `join.join` for the arguments.

    Raises:
        OutputError: the file cannot be written.
    """
    container = VIDEO[path.suffix.lower()]
    with atomic_output(path, overwrite=overwrite) as temporary, translate_errors(path):
        facts, recorded = join(temporary, segments, clip, chosen, container, complete=complete)
    return WrittenClip(
        frames=facts.frames,
        duration=facts.end - facts.start,
        width=chosen.width,
        height=chosen.height,
        codec=chosen.codec.name,
        recorded=recorded,
    )
