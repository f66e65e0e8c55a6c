"""Copy the tracks, chapters and tags of a clip to the output, and add the provenance record.

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
from av.video.stream import VideoStream

from kinoloom.base.clip import Clip
from kinoloom.media.audio.writing import add_sound
from kinoloom.media.container.covers import add_covers
from kinoloom.media.container.data import add_data
from kinoloom.media.container.inputs import find_picture_stream, find_zero, is_cover, open_input
from kinoloom.media.container.packets import TimedPacket, TimeMap, copy_description
from kinoloom.media.container.subtitles import add_subtitles
from kinoloom.media.container.timecode import convert_timecode, find_timecode
from kinoloom.media.video.codecs import Container
from kinoloom.media.video.plan import Plan

_NANOSECOND = Fraction(1, 10**9)
_OF_THE_FILE = {
    "major_brand",
    "minor_version",
    "compatible_brands",
    "encoder",
    "duration",
    "timecode",
}
ISO_FORMS = ("mp4", "mov")
"""FFmpeg's names of the formats derived from ISO/IEC 14496-12."""
_RECORD_BEGINS = '{"kinoloom":'


def add_tracks(
    out: OutputContainer, clip: Clip, container: Container, plan: Plan, stack: ExitStack
) -> list[Iterator[TimedPacket]]:
    """Add the sound, subtitles with their fonts, covers, data, chapters and tags of `clip`.

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
            _note_left_out(origin, container, clip)

            def to_clip_time(time: Fraction) -> Fraction:
                return (time - zero) * clip.time_scale

            _add_chapters(out, origin, to_clip_time)
            if container.form == "matroska":
                for attachment in origin.streams.attachments:  # the fonts of subtitles
                    out.add_stream_from_template(attachment)
        tracks += add_subtitles(out, clip.origin, container, to_clip_time, clip.notes, stack)
        tracks += add_covers(out, clip.origin, container, clip.notes, stack)
        tracks += add_data(out, clip.origin, container, to_clip_time, clip.notes, stack)
    return tracks


def describe_pictures(stream: VideoStream, clip: Clip, container: Container, plan: Plan) -> None:
    """Give the picture stream the language, title, disposition and timecode of the clip's origin.

    Args:
        stream: of the output, before its first packet.
        clip: the clip that is written.
        container: the format of the output.
        plan: how the pictures are stored.
    """
    if clip.origin is None:
        return
    with open_input(clip.origin) as origin:
        source = find_picture_stream(origin, clip.origin)
        copy_description(stream, source)
        before = find_timecode(origin, source)
        rate = source.average_rate or source.guessed_rate or plan.rate
    if not before:
        return
    after = convert_timecode(before, rate, plan.rate)
    if after and (plan.constant or container.form not in ISO_FORMS):
        stream.metadata["timecode"] = after
    else:
        text = f"The timecode {before} is left out: it needs a constant rate of at most 255 fps."
        clip.notes.add("timecode", text, "warning")


def _note_left_out(origin: InputContainer, container: Container, clip: Clip) -> None:
    """Note the tracks of a file that no output, or not this one, can have."""
    moving = [stream for stream in origin.streams.video if not is_cover(stream)]
    if len(moving) > 1:
        text = f"{len(moving) - 1} more picture track(s) of {origin.name} are left out."
        clip.notes.add("video", text.replace("file:", ""), "warning")
    fonts = len(origin.streams.attachments)
    if fonts and container.form != "matroska":
        text = f"{fonts} attached file(s), such as fonts, are left out: "
        text += f"the format {container.name} has no place for them."
        clip.notes.add("attachments", text, "warning")


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
