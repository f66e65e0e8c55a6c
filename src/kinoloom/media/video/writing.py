"""Write a clip as a video file: encode segments, then join them with sound and metadata.

In: a clip and the options. Out: an MP4, MOV, MKV or WebM file, complete or not at all. An
interrupted run leaves a playable `<name>.partial<suffix>`, which replaces no file but that of an
earlier interruption, and its segments for `--resume`; a full disk leaves nothing unless `--resume`
was given. If a file that the clip reads changes, the frames finished before that are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import av

from kinoloom.base.clip import Clip
from kinoloom.base.files import Progress
from kinoloom.base.outputs import atomic_output, check_output, work_folder
from kinoloom.errors import InputChangedError, OutputError
from kinoloom.media.container.join import Segments, join
from kinoloom.media.memory import check_encoding
from kinoloom.media.video.codecs import VIDEO
from kinoloom.media.video.completed import find_completed
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
        MediaError: reading the clip failed, or an input changed; the frames encoded so far are
            kept as after an interruption.
    """
    check_output(path, overwrite=options.overwrite or options.resume)
    first = read_first_frame(clip)
    chosen = plan(clip, first, path.suffix.lower(), options.codec, options.quality)
    if options.resume and (written := find_completed(clip, chosen, path)):
        _remove_segments(clip, chosen, path)
        return written
    check_output(path, overwrite=options.overwrite)
    check_encoding(clip, chosen)
    with SegmentFolder(path, describe_job(clip, chosen), resume=options.resume) as parts:
        try:
            _encode(clip, chosen, parts, first.time, progress)
            written = finish(clip, chosen, parts.segments, path, overwrite=options.overwrite)
        except OutputError as error:
            has_frames = next(parts.segments(), None) is not None
            if not options.resume and (is_disk_full(error) or not has_frames):
                parts.remove()
            elif has_frames:
                message = "The frames finished so far are kept; --resume continues."
                clip.notes.add("stopped", message, "warning")
            raise
        except InputChangedError as error:
            raise error.with_kept(write_partial(clip, chosen, parts, None)) from error
        parts.remove()
    return written


def describe_job(clip: Clip, chosen: Plan) -> dict[str, Any]:
    """Return what must be equal for a run to resume the segments of another."""
    return {"inputs and options": clip.record.key, **describe_format(chosen)}


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


def _remove_segments(clip: Clip, chosen: Plan, path: Path) -> None:
    """Remove the segments of a complete film, which a run leaves that is killed at its very end.

    Raises:
        UsageError: they are those of another job.
    """
    if work_folder(path).exists():
        with SegmentFolder(path, describe_job(clip, chosen), resume=True) as parts:
            parts.remove()


def _encode(
    clip: Clip, chosen: Plan, parts: SegmentFolder, start: Fraction, progress: Progress
) -> None:
    """Encode the missing segments."""
    done, last = count_done(clip, parts)
    writer = SegmentWriter(parts, chosen, start, clip.record.files)
    try:
        with (
            clip.record.files.guard(),
            writer,
            feed(clip, progress, after=last, done=done) as frames,
        ):
            for frame in frames:
                writer.add(frame)
    except (OutputError, InputChangedError):
        raise
    except BaseException:
        kept = write_partial(clip, chosen, parts, writer.stopped)
        if kept:
            clip.notes.add("stopped", kept, "warning")
        raise


def count_done(clip: Clip, parts: SegmentFolder) -> tuple[int, Fraction | None]:
    """Return how many frames exist already, and the time of the last one; add a note."""
    done, last = 0, None
    for segment in parts.segments():
        done, last = done + len(segment.times), segment.times[-1]
    if parts.resume:
        clip.notes.add("resume", f"{done} frames exist already." if done else "Nothing to resume.")
    return done, last


def write_partial(clip: Clip, chosen: Plan, parts: SegmentFolder, stopped: Segment | None) -> str:
    """After an interruption, write the finished frames as a playable file if the disk has room.

    Returns:
        A sentence that says where they are; "" if there are none.
    """
    continues = "so far; --resume continues."
    if clip.record.files.find_change():  # the sound and the latest frames may be of another file
        clip, stopped = clip.with_(audio=(), origin=None), None
        continues = "before, without sound; with the original file, --resume continues."

    def segments() -> Iterator[Segment]:
        return chain(parts.segments(), [stopped] if stopped else [])

    if next(segments(), None) is None:
        parts.remove()
        return ""
    path, is_ours = parts.find_partial()
    try:
        done = finish(clip, chosen, segments, path, overwrite=is_ours, complete=False).frames
        parts.record_partial(path)
    except OutputError as error:
        return f"{error.message} The frames finished so far are kept; --resume continues."
    return f"{path} has the {done} frames finished {continues}"


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
        InputChangedError: a file that the clip reads has changed, if `complete`.
    """
    container = VIDEO[path.suffix.lower()]
    with (
        atomic_output(path, overwrite=overwrite) as temporary,
        translate_errors(path),
        clip.record.files.guard() if complete else nullcontext(),
    ):
        facts, recorded = join(temporary, segments, clip, chosen, container, complete=complete)
    return WrittenClip(
        frames=facts.frames,
        duration=facts.end - facts.start,
        width=chosen.width,
        height=chosen.height,
        codec=chosen.codec.name,
        recorded=recorded,
    )
