"""Encoding of pictures: exact PNG of 8 and 16 bits, JPEG and WebP."""

import io
from pathlib import Path

import numpy as np
import photo_files as make
import pytest
from PIL import Image

from kinoloom.errors import ArrayError, OutputError, UsageError
from kinoloom.media.photo.reading import encode_picture, read_photo, write_photo


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("bits", [8, 16])
def test_png_is_exact(tmp_path: Path, bits: int, alpha: bool) -> None:
    image = make.picture() if bits == 8 else make.deep_picture()
    image = np.dstack([image, image[..., 0]]) if alpha else image
    write_photo(tmp_path / "a.png", image)
    back = read_photo(tmp_path / "a.png").image
    assert back.dtype == image.dtype
    assert np.array_equal(back, image)


def test_float_is_written_with_16_bits(tmp_path: Path) -> None:
    image = (make.deep_picture() / 65535).astype(np.float32)
    write_photo(tmp_path / "a.PNG", image)
    assert np.array_equal(read_photo(tmp_path / "a.PNG").image, make.deep_picture())


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".webp"])
def test_lossy_files_are_close_to_the_picture(tmp_path: Path, suffix: str) -> None:
    write_photo(tmp_path / f"a{suffix}", make.deep_picture())
    back = read_photo(tmp_path / f"a{suffix}").image
    assert back.dtype == np.uint8
    assert np.abs(back.astype(int) - make.picture()).mean() < 6


@pytest.mark.parametrize(
    ("media_type", "kind", "mode"),
    [("image/png", "PNG", "RGBA"), ("image/jpeg", "JPEG", "RGB"), ("image/webp", "WEBP", "RGBA")],
)
def test_encoded_pictures_keep_format_and_colours(media_type: str, kind: str, mode: str) -> None:
    image = np.dstack([make.picture(), np.zeros((24, 32), np.uint8)])
    image[:, 16:, 3] = 255
    picture = Image.open(io.BytesIO(encode_picture(image, media_type)))
    assert (picture.format, picture.mode, picture.size) == (kind, mode, (32, 24))
    shown = np.asarray(picture.convert("RGBA")).astype(int)
    assert np.abs(shown[:, 18:, :3] - image[:, 18:, :3]).mean() < 8
    if mode == "RGB":
        assert shown[:, :14, :3].max() < 12  # composited on black


def test_higher_quality_makes_larger_files() -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    for media_type in ("image/jpeg", "image/webp"):
        low, high = (len(encode_picture(image, media_type, quality=q)) for q in (10, 95))
        assert low < high / 2


def test_invalid_outputs_are_rejected(tmp_path: Path) -> None:
    image = make.picture()
    with pytest.raises(UsageError, match=r"suffix '\.bmp': expected \.png"):
        write_photo(tmp_path / "a.bmp", image)
    with pytest.raises(UsageError, match="format 'image/gif': expected image/png"):
        encode_picture(image, "image/gif")
    with pytest.raises(ArrayError, match="shape"):
        encode_picture(image[..., 0])
    for media_type in ("image/jpeg", "image/webp"):
        with pytest.raises(UsageError, match="70000x1 pixels is too large"):
            encode_picture(np.zeros((1, 70_000, 3), np.uint8), media_type)
    with pytest.raises(OutputError, match="does not exist"):
        write_photo(tmp_path / "none" / "a.png", image)
    assert list(tmp_path.iterdir()) == []


def test_full_disk_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match=r"a\.png cannot be written: the disk is full"):
        write_photo(tmp_path / "a.png", make.picture())
