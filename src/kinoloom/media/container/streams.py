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

from av.container import InputContainer, OutputContainer

from kinoloom.base.clip import Clip
from kinoloom.media.audio.writing import add_sound
from kinoloom.media.container.inputs import open_input, zero_of
from kinoloom.media.container.packets import Moved, Timed
from kinoloom.media.container.subtitles import add_subtitles
from kinoloom.media.video.codecs import Container
from kinoloom.media.video.plan import Plan

_NANOSECOND = Fraction(1, 10**9)
_OF_THE_FILE = {"major_brand", "minor_version", "compatible_brands", "encoder", "duration"}
_RECORD_BEGINS = '{"kinoloom":'


def add_tracks(
    out: OutputContainer, clip: Clip, container: Container, plan: Plan, stack: ExitStack
) -> list[Iterator[Timed]]:
    """Add sound, subtitles with their fonts, chapters and tags of `clip` to `out`.

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
    tracks = [add_sound(out, audio, container, encoder, clip.notes, stack) for audio in clip.audio]
    if clip.origin is not None:
        with open_input(clip.origin) as origin:
            zero = zero_of(origin)
            out.metadata.update(_tags(origin.metadata))

            def moved(time: Fraction) -> Fraction:
                return (time - zero) * clip.time_scale

            _add_chapters(out, origin, moved)
            if container.form == "matroska":
                for attachment in origin.streams.attachments:  # the fonts of subtitles
                    out.add_stream_from_template(attachment)
        tracks += add_subtitles(out, clip.origin, container, moved, clip.notes, stack)
    return tracks


def add_record(out: OutputContainer, clip: Clip, container: Container) -> bool:
    """Write the clip's provenance record into the tags of `out`, after `add_tracks`.

    Returns:
        Whether there was a place for it; True also where there is no record.
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


def _tags(metadata: dict[str, str]) -> dict[str, str]:
    """The tags of a file, without those that describe the file itself or an older record."""
    return {
        name: text
        for name, text in metadata.items()
        if name.lower() not in _OF_THE_FILE and not text.startswith(_RECORD_BEGINS)
    }


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
