"""Pictures whose data ends early are reported, whatever their decoders fill in."""

import io
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kinoloom import read, write
from kinoloom.errors import UnreadableMediaError
from kinoloom.media.photo.png_chunks import SIGNATURE, split_chunks
from kinoloom.media.photo.reading import read_photo

END = b"\xff\xd9"
JPEGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "no subsampling": {"subsampling": 0},
    "optimised": {"optimize": True},
    "restarts": {"restart_marker_blocks": 4},
    "progressive": {"progressive": True},
    "grey": {"mode": "L"},
    "CMYK": {"mode": "CMYK"},
}


def picture() -> Image.Image:
    """A noisy picture, so that every block has data."""
    noise = np.random.default_rng(3).normal(0, 12, (120, 160, 3))
    ramp = np.add.outer(np.arange(120), np.arange(160))[..., None] * [0.3, 0.5, 0.4]
    return Image.fromarray((ramp + noise).clip(0, 255).astype(np.uint8))


def jpeg(mode: str = "RGB", **options: Any) -> bytes:
    """A JPEG file."""
    data = io.BytesIO()
    picture().convert(mode).save(data, "JPEG", quality=85, **options)
    return data.getvalue()


def pack(chunks: list[tuple[bytes, bytes]]) -> bytes:
    """A PNG file with valid checksums."""
    return SIGNATURE + b"".join(
        len(content).to_bytes(4, "big")
        + name
        + content
        + zlib.crc32(name + content).to_bytes(4, "big")
        for name, content in chunks
    )


def shorten(data: bytes, kind: bytes, prefix: int, part: float) -> bytes:
    """Cut the uncompressed rows of the last chunk of a kind, and compress what is left."""
    chunks = split_chunks(data)
    at = max(k for k, (name, _) in enumerate(chunks) if name == kind)
    content = chunks[at][1]
    rows = zlib.decompress(content[prefix:])
    chunks[at] = kind, content[:prefix] + zlib.compress(rows[: int(len(rows) * part)])
    return pack(chunks)


@pytest.mark.parametrize("name", JPEGS)
@pytest.mark.parametrize("part", [0.4, 0.8, 0.98])
def test_jpeg_with_an_appended_end_marker_is_rejected(
    tmp_path: Path, name: str, part: float
) -> None:
    data = jpeg(**JPEGS[name])
    (tmp_path / "a.jpg").write_bytes(data[: int(len(data) * part)] + END)
    with pytest.raises(UnreadableMediaError, match=r"a\.jpg cannot be read as a picture"):
        list(read(tmp_path / "a.jpg"))


@pytest.mark.parametrize("scans", [1, 3, 9])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_progressive_jpeg_without_its_last_scans_is_rejected(
    tmp_path: Path, mode: str, scans: int
) -> None:
    parts = jpeg(mode, progressive=True).split(b"\xff\xda")
    data = b"\xff\xda".join(parts[: min(scans, len(parts) - 2) + 1])
    (tmp_path / "a.jpg").write_bytes(data + END)
    with pytest.raises(UnreadableMediaError, match=r"a\.jpg cannot be read as a picture"):
        list(read(tmp_path / "a.jpg"))


@pytest.mark.parametrize("name", JPEGS)
@pytest.mark.parametrize("trailer", [b"", b"\xff\xff", jpeg(), b"trailing data"])
def test_complete_jpeg_is_unchanged(tmp_path: Path, name: str, trailer: bytes) -> None:
    data = jpeg(**JPEGS[name])
    (tmp_path / "a.jpg").write_bytes(data + trailer)
    plain = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    assert np.array_equal(read_photo(tmp_path / "a.jpg").image, plain)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "I;16"])
@pytest.mark.parametrize("part", [1, 0.999, 0.5, 0])
def test_png_whose_rows_end_early_is_rejected(tmp_path: Path, mode: str, part: float) -> None:
    data = io.BytesIO()
    if mode == "I;16":
        Image.fromarray(np.arange(96 * 64, dtype=np.uint16).reshape(64, 96)).save(data, "PNG")
    else:
        picture().convert(mode).save(data, "PNG")
    one = split_chunks(data.getvalue())
    joined = b"".join(content for name, content in one if name == b"IDAT")
    whole = [chunk for chunk in one if chunk[0] not in (b"IDAT", b"IEND")]
    file = pack([*whole, (b"IDAT", joined), (b"IEND", b"")])
    (tmp_path / "a.png").write_bytes(shorten(file, b"IDAT", 0, part))
    if part == 1:
        assert read_photo(tmp_path / "a.png").image.size
    else:
        with pytest.raises(UnreadableMediaError, match="its pixels end early"):
            list(read(tmp_path / "a.png"))


def interlaced(rows: int) -> bytes:
    """A grey interlaced PNG file of 5x3 pixels, whose last pass has a number of rows."""
    header = (5).to_bytes(4, "big") + (3).to_bytes(4, "big") + b"\x08\0\0\0\x01"
    passes = bytes(2 + 2 + 0 + 2 + 4 + 6) + bytes(6) * rows
    return pack([(b"IHDR", header), (b"IDAT", zlib.compress(passes)), (b"IEND", b"")])


def animation(path: Path) -> bytes:
    """Write an animated PNG file of four frames, each with one chunk of pixels."""
    frames = [picture().point(lambda v, k=k: (v + 9 * k) % 256) for k in range(4)]  # type: ignore[misc]
    small = [frame.resize((24, 16)) for frame in frames]
    small[0].save(path, save_all=True, append_images=small[1:], duration=100)
    return path.read_bytes()


def test_complete_animation_has_no_note(tmp_path: Path) -> None:
    animation(tmp_path / "a.png")
    clip = read(tmp_path / "a.png")
    assert len(list(clip)) == 4
    assert list(clip.notes) == []
    write(clip, tmp_path / "b.apng")
    again = read(tmp_path / "b.apng")
    assert len(list(again)) == 4
    assert list(again.notes) == []


@pytest.mark.parametrize("damage", ["short frame", "missing frame", "cut off"])
def test_incomplete_animation_is_noted(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "a.png"
    data = animation(path)
    if damage == "short frame":
        data = shorten(data, b"fdAT", 4, 0.5)
    elif damage == "missing frame":
        chunks = split_chunks(data)
        count = dict(chunks)[b"acTL"]
        more = (int.from_bytes(count[:4], "big") + 1).to_bytes(4, "big") + count[4:]
        data = pack([(name, more if name == b"acTL" else content) for name, content in chunks])
    else:
        data = data[:-30]
    path.write_bytes(data)
    clip = read(path)
    list(clip)
    assert clip.notes.failed


def test_rows_of_interlaced_png_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(interlaced(1))
    assert read_photo(tmp_path / "a.png").image.shape == (3, 5, 3)
    (tmp_path / "a.png").write_bytes(interlaced(0))
    with pytest.raises(UnreadableMediaError, match="its pixels end early"):
        read_photo(tmp_path / "a.png")
