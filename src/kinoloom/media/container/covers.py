"""Carry cover art over: the still pictures that players show for a file.

MP4 stores it as a stream of one picture, Matroska as an attachment; MOV and WebM have no place for
it. A cover that is not an image (some taggers write web pages) is left out.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from av.container import OutputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.stream import VideoStream
from PIL import Image

from kinoloom.base.notes import Notes
from kinoloom.media.container.inputs import is_cover, open_input
from kinoloom.media.container.packets import TimedPacket
from kinoloom.media.limits import describe_excess
from kinoloom.media.video.codecs import Container

_CODECS = {"JPEG": "mjpeg", "PNG": "png", "BMP": "bmp"}
"""FFmpeg's codec of the images that MP4 stores, by Pillow's name of the format."""


@dataclass(frozen=True)
class _Cover:
    """A cover: its place in the file, its bytes, and Pillow's name of its format."""

    index: int
    data: bytes
    form: str
    name: str

    @property
    def mime_type(self) -> str:
        return Image.MIME.get(self.form, "image/jpeg")


def add_covers(
    out: OutputContainer, path: Path, container: Container, notes: Notes, stack: ExitStack
) -> list[Iterator[TimedPacket]]:
    """Add the covers of a file to `out`, before its first packet.

    Args:
        out: the output.
        path: the file with the covers.
        container: the format of `out`.
        notes: gets a note for each cover that is left out.
        stack: closes the input file after the packets are consumed.

    Returns:
        The packets of each stream that is added.
    """
    source = stack.enter_context(open_input(path))
    tracks: list[Iterator[TimedPacket]] = []
    for stream in source.streams.video:
        if not is_cover(stream):
            continue
        cover, reason = _read_cover(path, stream)
        if cover is not None and container.covers == "attachment":
            out.add_attachment(cover.name, cover.mime_type, cover.data)
        elif cover is not None and container.covers == "stream" and _fits(cover, stream):
            added = out.add_stream_from_template(stream)
            added.disposition = Disposition.attached_pic
            tracks.append(iter([(Fraction(0), _make_packet(cover, added))]))
        else:
            reason = reason or f"the format {container.name} has no place for it"
            text = f"The cover art of {path.name} is left out: {reason}."
            notes.add("cover", text, "warning")
    return tracks


def _read_cover(path: Path, stream: VideoStream) -> tuple[_Cover | None, str]:
    """Return a cover, or None and the reason why it cannot be used."""
    with open_input(path) as source:
        packets = source.demux(source.streams[stream.index])
        data = next((bytes(packet) for packet in packets if packet.size), b"")
    try:
        with Image.open(io.BytesIO(data)) as image:
            if excess := describe_excess(*image.size):
                return None, excess
            image.load()
            form = image.format or ""
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None, "it is not an image"
    name = stream.metadata.get("filename") or f"cover.{form.lower().replace('jpeg', 'jpg')}"
    return _Cover(stream.index, data, form, name), ""


def _fits(cover: _Cover, stream: VideoStream) -> bool:
    """Whether MP4 stores this kind of image, and the stream names it correctly."""
    context = stream.codec_context
    return context is not None and _CODECS.get(cover.form) == context.codec.canonical_name


def _make_packet(cover: _Cover, stream: VideoStream) -> Packet[Any]:
    packet: Packet[Any] = Packet(cover.data)
    packet.stream, packet.time_base = stream, stream.time_base or Fraction(1, 90_000)
    packet.pts = packet.dts = 0
    packet.is_keyframe = True
    return packet
