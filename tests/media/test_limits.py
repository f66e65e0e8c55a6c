"""One limit on the decoded size of photos, animations and videos, checked before decoding."""

import io
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from kinoloom.errors import UnreadableMediaError, UnsupportedMediaError
from kinoloom.media.files import read
from kinoloom.media.limits import PIXEL_LIMIT, describe_excess, read_canvas
from kinoloom.media.video.decoding import decode


def gif(frames: int, size: int) -> bytes:
    """A GIF file whose frames have one pixel of a large canvas."""
    frame = b"\x21\xf9\4\0\5\0\0\0" + b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0)
    head = b"GIF89a" + struct.pack("<HHBBB", size, size, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    return head + (frame + b"\x02\x02\x44\x01\0") * frames + b";"


def chunk(name: bytes, content: bytes) -> bytes:
    """A PNG chunk."""
    checksum = zlib.crc32(name + content).to_bytes(4, "big")
    return len(content).to_bytes(4, "big") + name + content + checksum


def png(size: int, animated: bool) -> bytes:
    """A PNG file with a large header and few pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0))
    more = struct.pack(">IIIIIHHBB", 0, size, size, 0, 0, 1, 10, 0, 0)
    frames = chunk(b"acTL", struct.pack(">II", 2, 0)) + chunk(b"fcTL", more) if animated else b""
    pixels = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + header + frames + pixels + chunk(b"IEND", b"")


def webp(animated: bool, lossless: bool = True) -> bytes:
    """A WebP file whose header declares 16383x16383 pixels."""
    data = io.BytesIO()
    frames = [Image.new("RGB", (8, 8), (k * 90, 0, 0)) for k in range(2)]
    frames[0].save(
        data, "WEBP", lossless=lossless, save_all=animated, append_images=frames[1:] * animated
    )
    content = bytearray(data.getvalue())
    if animated:
        content[24:30] = (16382).to_bytes(3, "little") * 2
    elif lossless:
        old = int.from_bytes(content[21:25], "little")
        content[21:25] = (old >> 28 << 28 | 16382 << 14 | 16382).to_bytes(4, "little")
    else:
        content[26:30] = struct.pack("<HH", 16383, 16383)
    return bytes(content)


LARGE: dict[str, Callable[[], bytes]] = {
    "still.gif": lambda: gif(1, 16_000),
    "moving.gif": lambda: gif(3, 16_000),
    "still.png": lambda: png(16_000, False),
    "moving.png": lambda: png(16_000, True),
    "lossless.webp": lambda: webp(False),
    "lossy.webp": lambda: webp(False, lossless=False),
    "moving.webp": lambda: webp(True),
    "video.y4m": lambda: b"YUV4MPEG2 W14000 H14000 F25:1 Ip A1:1 C420jpeg\nFRAME\n" + bytes(5000),
}
READ = """
import resource, sys
import kinoloom
from kinoloom.errors import KinoloomError
from kinoloom.media.photo import reading
from kinoloom.media.video import reading
start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    list(kinoloom.read(sys.argv[1]))
except KinoloomError as error:
    print(type(error).__name__)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start) // 1024)
"""


@pytest.mark.parametrize("name", LARGE)
def test_large_pictures_are_rejected_before_they_are_decoded(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(LARGE[name]())
    with pytest.raises(UnsupportedMediaError, match=rf"{name} cannot be used: .* more than"):
        list(read(path))
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=True
    )
    kind, grown_mb = done.stdout.split()
    assert kind == "UnsupportedMediaError"
    assert int(grown_mb) < 100  # the pixels would take 750 or more


def test_frames_larger_than_their_container_says_are_not_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    data = io.BytesIO()
    Image.new("RGB", (48, 32)).save(data, "JPEG")
    large = bytearray(data.getvalue())
    place = large.find(b"\xff\xc0")
    large[place + 5 : place + 9] = struct.pack(">HH", 60_000, 60_000)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mjpeg", rate=10)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuvj420p"
        for number in range(3):
            packet = av.Packet(bytes(large))
            packet.stream, packet.pts, packet.dts = stream, number, number
            packet.time_base, packet.is_keyframe = Fraction(1, 10), True
            out.mux(packet)
    with pytest.raises((UnreadableMediaError, UnsupportedMediaError)):
        list(read(path))


def test_limit_includes_its_own_value() -> None:
    assert describe_excess(16_000, 10_000) == ""
    assert describe_excess(PIXEL_LIMIT + 1, 1) == "it has 160000001x1 pixels, more than 160000000"


@pytest.mark.parametrize("options", [{"lossless": True}, {"lossless": False}, {"exif": b"Exif"}])
def test_canvas_is_read_as_pillow_reads_it(options: dict[str, object]) -> None:
    for suffix in ("WEBP", "GIF", "PNG"):
        data = io.BytesIO()
        Image.fromarray(np.zeros((301, 457, 3), np.uint8)).save(
            data, suffix, **(options if suffix == "WEBP" else {})
        )
        assert read_canvas(data.getvalue()) == (457, 301)
    assert read_canvas(b"\xff\xd8\xff\xe0") == (0, 0)


def test_frame_without_memory_is_not_damage() -> None:
    class Decoder:
        """Stands for a decoder that cannot allocate a frame."""

        codec = av.Codec("h264", "r")

        def decode(self, packet: object) -> None:
            raise av.error.MemoryError(12, "Cannot allocate memory")

    noted: list[str] = []
    with pytest.raises(MemoryError):
        list(decode(Decoder(), [av.Packet(b"x")], noted.append))  # type: ignore[arg-type]
    assert noted == []
