"""Copy sound, subtitles, chapters and tags to the output, and add the provenance record.

In: a clip, and an output file whose header is not written yet. Out: packets to be merged with those
of the pictures. Times in the clip's origin are mapped to the clip's clock and stretched by
`clip.time_scale`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction

from av.container import InputContainer, OutputContainer

from kinoloom.base.clip import Clip
from kinoloom.media.audio.writing import add_sound
from kinoloom.media.container.inputs import find_zero, open_input
from kinoloom.media.container.packets import TimedPacket, TimeMap
from kinoloom.media.container.subtitles import add_subtitles
from kinoloom.media.video.codecs import Container
from kinoloom.media.video.plan import Plan

_NANOSECOND = Fraction(1, 10**9)
_OF_THE_FILE = {"major_brand", "minor_version", "compatible_brands", "encoder", "duration"}
_RECORD_BEGINS = '{"kinoloom":'


def add_tracks(
    out: OutputContainer, clip: Clip, container: Container, plan: Plan, stack: ExitStack
) -> list[Iterator[TimedPacket]]:
    """Add sound, subtitles with their fonts, chapters and tags of `clip` to `out`.

    Args:
        out: the output, before its first packet.
        clip: the clip that is written.
        container: the format of `out`.
        plan: how the pictures are stored; editing codecs get lossless sound.
        stack: closes the input files after the packets are consumed.

    Returns:
        The packets of each stream, in order of time.
    """
    encoder = plan.codec.sound or container.sound
    tracks = [add_sound(out, audio, container, encoder, clip.notes, stack) for audio in clip.audio]
    if clip.origin is not None:
        with open_input(clip.origin) as origin:
            zero = find_zero(origin)
            out.metadata.update(_select_tags(origin.metadata))

            def to_clip_time(time: Fraction) -> Fraction:
                return (time - zero) * clip.time_scale

            _add_chapters(out, origin, to_clip_time)
            if container.form == "matroska":
                for attachment in origin.streams.attachments:  # the fonts of subtitles
                    out.add_stream_from_template(attachment)
        tracks += add_subtitles(out, clip.origin, container, to_clip_time, clip.notes, stack)
    return tracks


def add_record(out: OutputContainer, clip: Clip, container: Container) -> bool:
    """Write the clip's provenance record into the tags of `out`, after `add_tracks`.

    Returns:
        Whether a free tag was found; True also if the clip has no record.
    """
    if clip.provenance is None:
        return True
    used = {name.lower() for name in out.metadata}
    for name in container.record_tags:
        if name.lower() not in used:
            text = json.dumps(clip.provenance.to_dict(), separators=(",", ":"))
            out.metadata[name] = text
            return True
    return False


def read_record(container: InputContainer) -> str | None:
    """Return the provenance record in a file, as JSON; None if it has none."""
    texts = (text for text in container.metadata.values() if text.startswith(_RECORD_BEGINS))
    return next(texts, None)


def _select_tags(metadata: dict[str, str]) -> dict[str, str]:
    """Return the tags of a file, without those of the file format and older records."""
    return {
        name: text
        for name, text in metadata.items()
        if name.lower() not in _OF_THE_FILE and not text.startswith(_RECORD_BEGINS)
    }


def _add_chapters(out: OutputContainer, origin: InputContainer, to_clip_time: TimeMap) -> None:
    chapters = origin.chapters()
    for chapter in chapters:
        begin, end = (
            max(to_clip_time(ticks * (chapter["time_base"] or _NANOSECOND)), Fraction(0))
            for ticks in (chapter["start"], chapter["end"])
        )
        chapter["start"], chapter["end"] = round(begin / _NANOSECOND), round(end / _NANOSECOND)
        chapter["time_base"] = _NANOSECOND
    out.set_chapters(chapters)
