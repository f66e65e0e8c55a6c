"""Photos that are too large, premultiplied, or without a header."""

from pathlib import Path

import numpy as np
import photo_files as make
import pytest
from PIL import Image

from kinoloom.errors import MediaError, UnsupportedMediaError, UsageError
from kinoloom.media.photo import reading
from kinoloom.media.photo.png_chunks import read_png
from kinoloom.media.photo.reading import read_photo
from kinoloom.media.photo.writing import encode_picture

EXTRA_SAMPLES = 338


def test_a_file_over_the_limit_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make.save(tmp_path / "a.png", make.picture())
    monkeypatch.setattr(reading, "_FILE_LIMIT_BYTES", path.stat().st_size)
    assert read_photo(path).image.shape == (24, 32, 3)
    monkeypatch.setattr(reading, "_FILE_LIMIT_BYTES", path.stat().st_size - 1)
    with pytest.raises(UnsupportedMediaError, match="larger than"):
        read_photo(path)


def test_a_picture_too_wide_for_its_format_is_rejected() -> None:
    wide = np.zeros((1, 20_000, 3), np.uint8)
    with pytest.raises(UsageError, match="20000x1 pixels is too large for image/webp"):
        encode_picture(wide, "image/webp")
    assert encode_picture(wide, "image/png")


def test_premultiplied_alpha_of_a_deep_tiff_is_divided_out(tmp_path: Path) -> None:
    color = make.deep_picture()
    alpha = np.full((*color.shape[:2], 1), 32768, np.uint16)
    stored = np.dstack([(color * (32768 / 65535)).round().astype(np.uint16), alpha])
    image = read_photo(make.save_deep_tiff(tmp_path / "a.tiff", stored, {EXTRA_SAMPLES: 1})).image
    assert np.array_equal(image[..., 3], alpha[..., 0])
    assert np.abs(image[..., :3].astype(int) - color).max() <= 2
    straight = read_photo(make.save_deep_tiff(tmp_path / "b.tiff", stored, {EXTRA_SAMPLES: 2}))
    assert np.array_equal(straight.image, stored)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_the_transparent_shade_of_a_png_becomes_alpha(tmp_path: Path, mode: str) -> None:
    picture = Image.new(mode, (4, 2), 255 if mode == "L" else (255, 0, 0))
    picture.putpixel((0, 0), 7 if mode == "L" else (7, 7, 7))
    shade = 7 if mode == "L" else (7, 7, 7)
    picture.save(tmp_path / "a.png", transparency=shade)
    alpha = read_photo(tmp_path / "a.png").image[..., 3]
    assert alpha[0, 0] == 0
    assert np.all(alpha.ravel()[1:] == 255)


def test_a_png_without_a_header_is_rejected(tmp_path: Path) -> None:
    data = make.save(tmp_path / "a.png", make.picture()).read_bytes()
    headless = data[:8] + data[33:]
    with pytest.raises(ValueError, match="header is missing"):
        read_png(headless)
    (tmp_path / "a.png").write_bytes(headless)
    with pytest.raises(MediaError):
        read_photo(tmp_path / "a.png")
