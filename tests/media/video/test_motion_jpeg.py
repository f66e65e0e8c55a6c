"""Motion JPEG: damaged frames are noted and left out; intact frames are not blamed."""

from __future__ import annotations

import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from make import Picture, make, picture, read_number
from PIL import Image

from kinoloom.base.clip import Clip
from kinoloom.media.video.reading import open_video

SIZE = 160, 96
FRAMES, BAD = 12, 6
END = b"\xff\xd9"
Encode = Callable[[Picture], bytes]
Damage = Callable[[bytes], bytes]


def encode_by_ffmpeg(image: Picture, **options: str) -> bytes:
    height, width = image.shape[:2]
    coder = av.CodecContext.create("mjpeg", "w")
    coder.width, coder.height, coder.pix_fmt = width, height, "yuvj422p"  # type: ignore[attr-defined]
    coder.time_base, coder.options = Fraction(1, 25), options
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), "rgb24")
    native = frame.reformat(format="yuvj422p", threads=1)
    return b"".join(bytes(packet) for packet in [*coder.encode(native), *coder.encode(None)])  # type: ignore[attr-defined]


def encode_by_pillow(image: Picture, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "jpeg", **options)
    return file.getvalue()


def drop_tables(data: bytes) -> bytes:
    """Remove the Huffman tables, as AVI's Motion JPEG does: decoders know the usual ones."""
    while (begin := data.find(b"\xff\xc4")) >= 0:
        end = begin + 2 + int.from_bytes(data[begin + 2 : begin + 4], "big")
        data = data[:begin] + data[end:]
    return data


def join_fields(image: Picture, padding: bytes = b"", marked: bool = True) -> bytes:
    """Return a frame of two fields, as capture cards store them, each with an APP0 "AVI1"."""
    fields = []
    for number in (0, 1):
        data = encode_by_ffmpeg(image[number::2])
        mark = b"\xff\xe0\x00\x10AVI1" + bytes([number + 1]) + bytes(9) if marked else b""
        fields.append(data[:2] + mark + data[2:] + padding)
    return b"".join(fields)


def write_packets(path: Path, packets: list[bytes]) -> Path:
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mjpeg", rate=25)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuvj422p"
        for number, data in enumerate(packets):
            packet = av.Packet(data)
            packet.pts = packet.dts = number
            packet.duration, packet.time_base, packet.stream = 1, Fraction(1, 25), stream
            packet.is_keyframe = True
            file.mux(packet)
    return path


def damage(clip: Clip) -> list[str]:
    return [note.message for note in clip.notes if note.kind == "damage" and note.level == "error"]


ENCODERS: dict[str, Encode] = {
    "ffmpeg": encode_by_ffmpeg,
    "ffmpeg, usual tables": lambda image: drop_tables(encode_by_ffmpeg(image, huffman="default")),
    "pillow": encode_by_pillow,
    "pillow, optimised": lambda image: encode_by_pillow(image, optimize=True, subsampling=0),
    "pillow, progressive": lambda image: encode_by_pillow(image, progressive=True),
    "pillow, restarts": lambda image: encode_by_pillow(image, restart_marker_blocks=3),
    "pillow, grey": lambda image: encode_by_pillow(image[..., 1]),
    "opencv": lambda image: cv2.imencode(".jpg", image[..., ::-1])[1].tobytes(),
    "padded with zeros": lambda image: encode_by_ffmpeg(image) + bytes(37),
    "padded with ones": lambda image: encode_by_ffmpeg(image) + b"\xff" * 37,
    "no end marker": lambda image: encode_by_ffmpeg(image).removesuffix(END),
    "no end marker, padded": lambda image: encode_by_ffmpeg(image).removesuffix(END) + bytes(5),
    "two fields": join_fields,
    "two fields, padded": lambda image: join_fields(image, bytes(6)),
    "two fields, unmarked": lambda image: join_fields(image, marked=False),
}


@pytest.mark.parametrize("suffix", [".avi", ".mov", ".mkv"])
@pytest.mark.parametrize("encode", ENCODERS.values(), ids=ENCODERS)
def test_intact_frames_are_not_blamed(tmp_path: Path, encode: Encode, suffix: str) -> None:
    packets = [encode(picture(number, *SIZE)) for number in range(FRAMES)]
    clip = open_video(write_packets(tmp_path / f"a{suffix}", packets), deinterlace="off")
    assert [read_number(frame.image) for frame in clip] == list(range(FRAMES))
    assert damage(clip) == []


DAMAGES: dict[str, Damage] = {
    "first half": lambda data: data[: len(data) // 2],
    "all but the last bytes": lambda data: data[:-60],
    "first half and an end marker": lambda data: data[: len(data) // 2] + END,
    "second half is zero": lambda data: data[: len(data) // 2] + bytes(len(data) // 2),
    "hole": lambda data: data[: len(data) // 2] + data[len(data) // 2 + 64 :],
    "noise": lambda data: data[:-200] + np.random.default_rng(0).bytes(198) + END,
    "nothing": lambda data: b"\xff\xd8\xff\xd9",
}


@pytest.mark.parametrize("suffix", [".avi", ".mov", ".mkv"])
@pytest.mark.parametrize("change", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("encode", [encode_by_ffmpeg, encode_by_pillow, join_fields])
def test_damaged_frame_is_noted_and_left_out(
    tmp_path: Path, encode: Encode, change: Damage, suffix: str
) -> None:
    packets = [encode(picture(number, *SIZE)) for number in range(FRAMES)]
    path = write_packets(tmp_path / f"a{suffix}", packets)
    intact = list(open_video(path, deinterlace="off"))
    packets[BAD] = change(packets[BAD])
    clip = open_video(write_packets(path, packets), deinterlace="off")
    frames = list(clip)
    (message,) = damage(clip)
    assert f"a{suffix} is damaged after {BAD} frames at 0.200 s" in message
    del intact[BAD]
    assert [frame.time for frame in frames] == [frame.time for frame in intact]
    for frame, same in zip(frames, intact, strict=True):
        assert np.array_equal(frame.image, same.image)
    assert frames[BAD - 1].duration == Fraction(2, 25)


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("a.mov", "mjpeg", "yuvj420p"),
        ("a.avi", "amv", "yuvj420p"),
        ("a.avi", "ljpeg", "bgra"),
        ("a.avi", "jpegls", "rgb24"),
        ("a.mov", "prores_ks", "yuv422p10le"),
    ],
)
def test_pictures_after_damage_do_not_depend_on_the_frames_in_use(
    tmp_path: Path, name: str, codec: str, pix_fmt: str
) -> None:
    """FFmpeg leaves what it cannot decode as it was in memory, from any earlier frame."""
    path = make(tmp_path / name, frames=FRAMES, size=SIZE, codec=codec, pix_fmt=pix_fmt)
    with av.open(str(path)) as file:
        places = [packet.pos for packet in file.demux(video=0) if packet.size and packet.pos]
    data = bytearray(path.read_bytes())
    middle = (places[BAD] + places[BAD + 1]) // 2
    data[middle : middle + 300] = np.random.default_rng(0).bytes(300)
    path.write_bytes(data)
    clip = open_video(path)
    held = list(clip)
    assert damage(clip)
    for frame, kept in zip(clip, held, strict=True):
        assert np.array_equal(frame.image, kept.image)
