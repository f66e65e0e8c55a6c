"""Build a template for a picture stream with HDR metadata in the container.

FFmpeg's muxers write the side data of a stream's parameters: `mdcv` and `clli` boxes in MP4 and
MOV, MasteringMetadata in Matroska and WebM. PyAV copies these parameters from a template but cannot
set them. So the template is a small Matroska file built in memory from the header of a segment, the
metadata, and the segment's first packet.

Sources: RFC 9559 (Matroska: Colour, MasteringMetadata; SimpleBlock).
"""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

from av.container import InputContainer

from kinoloom.base.clip import HdrMetadata, MasteringDisplay
from kinoloom.media.container.ebml import (
    ENTRY,
    HEAD_BYTES,
    SEGMENT,
    TRACKS,
    VIDEO,
    Element,
    find_tracks,
    iter_elements,
    join_elements,
)
from kinoloom.media.container.inputs import open_bytes, open_input

_HEADER, _DOC_TYPE = 0x1A45DFA3, 0x4282
_CLUSTER, _TIMESTAMP, _SIMPLE_BLOCK = 0x1F43B675, 0xE7, 0xA3
_FIRST_TRACK_KEY_FRAME = bytes([0x81, 0, 0, 0x80])  # track 1, time 0, flags
_CRC, _COLOUR, _MAX_CLL, _MAX_FALL, _MASTERING = 0xBF, 0x55B0, 0x55BC, 0x55BD, 0x55D0
_FIRST_OF_MASTERING = 0x55D1
"""Red, green, blue and white, each x and y, then maximum and minimum luminance."""


def open_hdr_template(segment: Path, hdr: HdrMetadata) -> InputContainer:
    """Open a file in memory with the stream parameters of `segment` and HDR metadata.

    Args:
        segment: a Matroska file with one picture stream.
        hdr: the metadata for the container of the film.
    """
    with segment.open("rb") as file:
        head = file.read(HEAD_BYTES)
    with open_input(segment) as source:
        packet = next(packet for packet in source.demux(video=0) if packet.size)
        block = _FIRST_TRACK_KEY_FRAME + bytes(packet)
    begin, end = find_tracks(head)
    tracks = [_with_hdr(track, hdr) for track in iter_elements(head[begin:end])]
    cluster = [(_TIMESTAMP, b"\0"), (_SIMPLE_BLOCK, block)]
    content = [
        (TRACKS, join_elements([track for track in tracks if track[0] != _CRC])),
        (_CLUSTER, join_elements(cluster)),
    ]
    whole = [
        (_HEADER, join_elements([(_DOC_TYPE, b"matroska")])),
        (SEGMENT, join_elements(content)),
    ]
    return open_bytes(join_elements(whole), "matroska")


def _with_hdr(track: Element, hdr: HdrMetadata) -> Element:
    kind, content = track
    if kind != ENTRY:
        return track
    return kind, join_elements(
        [
            (name, _with_color(inside, hdr) if name == VIDEO else inside)
            for name, inside in iter_elements(content)
        ]
    )


def _with_color(video: bytes, hdr: HdrMetadata) -> bytes:
    """Return the content of a Video element with the metadata in its Colour element."""
    before = dict(iter_elements(video))
    color = dict(iter_elements(before.get(_COLOUR, b"")))
    if hdr.content_light is not None:
        for name, level in (
            (_MAX_CLL, hdr.content_light.max_cll),
            (_MAX_FALL, hdr.content_light.max_fall),
        ):
            color[name] = round(level).to_bytes(4, "big")
    if hdr.mastering_display is not None:
        color[_MASTERING] = join_elements(_mastering_elements(hdr.mastering_display))
    return join_elements(list({**before, _COLOUR: join_elements(list(color.items()))}.items()))


def _mastering_elements(display: MasteringDisplay) -> list[Element]:
    numbers: tuple[Fraction, ...] = (
        *display.red,
        *display.green,
        *display.blue,
        *display.white_point,
        display.max_luminance,
        display.min_luminance,
    )
    return [
        (_FIRST_OF_MASTERING + place, struct.pack(">d", float(number)))
        for place, number in enumerate(numbers)
    ]
