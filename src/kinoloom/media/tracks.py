"""What travels beside the pictures: sound, subtitles, chapters, tags and the provenance record.

In: a clip and an output file whose header is not written yet. Out: all that is added to it, and
packets to be merged with those of the pictures. What lies in the clip's origin is moved to the
clip's clock and stretched by `clip.time_scale`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction

import av
from av.container import InputContainer, OutputContainer

from kinoloom.base.clip import Clip
from kinoloom.media.codecs import Container, Plan
from kinoloom.media.packets import Moved, Timed
from kinoloom.media.sound_out import add_sound
from kinoloom.media.subtitles import add_subtitles

_NANOSECOND = Fraction(1, 10**9)
_OF_THE_FILE = {"major_brand", "minor_version", "compatible_brands", "encoder", "duration"}
_RECORD_TAG = "KINOLOOM"
_RECORD_TAGS_ISO = ("comment", "description", "synopsis")
_RECORD_BEGINS = '{"kinoloom":'


def add_tracks(
    out: OutputContainer, clip: Clip, container: Container, plan: Plan, stack: ExitStack
) -> list[Iterator[Timed]]:
    """Add sound, subtitles, chapters and tags of `clip` to `out`.

    Args:
        out: the output, before its first packet.
        clip: what is written.
        container: the kind of file that `out` is.
        plan: how the pictures are stored; a codec for editing gets sound without loss.
        stack: closes the input files when the packets have been taken.

    Returns:
        The packets of each stream, in order of time.
    """
    encoder = plan.codec.sound or container.sound
    tracks = [add_sound(out, audio, container, encoder, stack) for audio in clip.audio]
    if clip.origin is not None:
        origin = stack.enter_context(av.open(str(clip.origin), metadata_errors="replace"))
        moved = _clock_of(origin, clip.time_scale)
        out.metadata.update(_tags(origin.metadata))
        _add_chapters(out, origin, moved)
        tracks += add_subtitles(out, origin, container, moved, clip.notes, stack)
    return tracks


def add_record(out: OutputContainer, clip: Clip, container: Container) -> bool:
    """Write the clip's provenance record into the tags of `out`, after `add_tracks`.

    Returns:
        Whether there was a place for it; True also where there is no record.
    """
    if clip.provenance is None:
        return True
    text = json.dumps(clip.provenance.to_dict(), separators=(",", ":"))
    if container.form in ("matroska", "webm"):
        out.metadata[_RECORD_TAG] = text
        return True
    free = next((name for name in _RECORD_TAGS_ISO if name not in out.metadata), None)
    if free is not None:
        out.metadata[free] = text
    return free is not None


def _tags(metadata: dict[str, str]) -> dict[str, str]:
    """The tags of a file, without those that describe the file itself or an older record."""
    return {
        name: text
        for name, text in metadata.items()
        if name.lower() not in _OF_THE_FILE and not text.startswith(_RECORD_BEGINS)
    }


def _clock_of(origin: InputContainer, time_scale: Fraction) -> Moved:
    """From the time of a file to that of the clip, whose zero is the first picture or sound."""
    starts = [
        stream.start_time * stream.time_base
        for stream in (*origin.streams.video, *origin.streams.audio)
        if stream.start_time is not None and stream.time_base is not None
    ]
    zero = min(starts, default=Fraction(0))
    return lambda time: (time - zero) * time_scale


def _add_chapters(out: OutputContainer, origin: InputContainer, moved: Moved) -> None:
    chapters = origin.chapters()
    for chapter in chapters:
        begin, end = (
            max(moved(ticks * (chapter["time_base"] or _NANOSECOND)), Fraction(0))
            for ticks in (chapter["start"], chapter["end"])
        )
        chapter["start"], chapter["end"] = round(begin / _NANOSECOND), round(end / _NANOSECOND)
        chapter["time_base"] = _NANOSECOND
    out.set_chapters(chapters)
