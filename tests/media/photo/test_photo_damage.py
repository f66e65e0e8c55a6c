"""Errors for photos that are missing, damaged, too large or not photos."""

import io
import warnings
from pathlib import Path

import numpy as np
import photo_files as make
import pytest
from PIL import Image

from kinoloom.errors import (
    BudgetError,
    InputNotFoundError,
    KinoloomError,
    MissingExtraError,
    UnreadableMediaError,
    UnsupportedMediaError,
)
from kinoloom.media.photo import pixels as photo_pixels
from kinoloom.media.photo.reading import is_photo, open_photos, read_photo

FORMATS = ["jpg", "png", "png16", "webp", "tif", "tif16", "avif", "avif10", "bmp", "gif", "heic"]


def file_of(name: str) -> bytes:
    """Return a file of one of `FORMATS`, with EXIF and a colour profile if it supports them."""
    image = make.picture(48, 64)
    if name == "heic":
        return make.heic(image, exif=make.exif(6), icc_profile=make.P3_ICC)
    suffix = name.rstrip("016")
    if suffix != name:
        import cv2

        settings = [cv2.IMWRITE_AVIF_DEPTH, 10] if suffix == "avif" else []
        deep = make.deep_picture(48, 64) >> (6 if suffix == "avif" else 0)
        return cv2.imencode(f".{suffix}", deep, settings)[1].tobytes()
    options = {"exif": make.exif(6), "icc_profile": make.P3_ICC}
    out = io.BytesIO()
    plain = suffix in ("bmp", "gif")
    kind = {"jpg": "JPEG", "tif": "TIFF"}.get(suffix, suffix)
    Image.fromarray(image).save(out, kind, **({} if plain else options))
    return out.getvalue()


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_truncated_file_is_an_error(tmp_path: Path, name: str, part: float) -> None:
    data = file_of(name)
    path = tmp_path / f"cut.{name}"
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(UnreadableMediaError, match=f"cut.{name} cannot be read") as caught:
        read_photo(path)
    assert "copy it again" in caught.value.hint


@pytest.mark.parametrize("name", FORMATS)
def test_damaged_files_raise_only_media_errors(tmp_path: Path, name: str) -> None:
    whole = np.frombuffer(file_of(name), np.uint8)
    rng = np.random.default_rng(7)
    path = tmp_path / "a"
    read = 0
    for _ in range(25):
        data = whole.copy()
        places = rng.integers(4, min(len(data), 1500), rng.integers(1, 6))
        data[places] = rng.integers(0, 256, len(places))
        path.write_bytes(data.tobytes())
        try:
            photo = read_photo(path)
        except KinoloomError as error:
            assert str(path) in str(error)
        else:
            read += 1
            assert photo.image.ndim == 3
    path.write_bytes(whole.tobytes())
    assert read_photo(path).image.size > 0
    assert read < 26


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"this is a text, whatever its name says", "is not a picture"),
        (b"\xff\xd8\xff", "cannot be read"),
        (b"\x89PNG\r\n\x1a\n", "truncated"),
        (b"II*\0\x08\0\0\0", "not a complete TIFF"),
        (b"II*\0\xff\xff\xff\x7f", "not a complete TIFF"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "cannot be read"),
        (b"BM text that begins like a bitmap", "is not a picture"),
    ],
)
def test_non_photos_are_rejected(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(UnreadableMediaError, match=message) as caught:
        read_photo(path)
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_missing_files_and_folders_are_rejected(tmp_path: Path) -> None:
    for read in (read_photo, lambda path: open_photos([path])):
        with pytest.raises(InputNotFoundError, match=r"none\.jpg does not exist") as missing:
            read(tmp_path / "none.jpg")
        assert missing.value.exit_code == 4
        with pytest.raises(UnreadableMediaError, match="is a folder"):
            read(tmp_path)


def test_empty_file_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.touch()
    with pytest.raises(UnreadableMediaError, match="is empty"):
        is_photo(path)


def test_truncated_png_is_reported(tmp_path: Path) -> None:
    path = make.save(tmp_path / "a.png", make.picture())
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(UnreadableMediaError, match="it is truncated"):
        read_photo(path)


def test_damaged_png_pixels_are_an_error(tmp_path: Path) -> None:
    path = make.save(tmp_path / "a.png", make.picture())
    data = bytearray(path.read_bytes())
    data[data.find(b"IDAT") + 30] ^= 1
    path.write_bytes(data)
    with pytest.raises(UnreadableMediaError, match="IDAT chunk is damaged"):
        read_photo(path)


def test_heic_without_the_extra_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.heic"
    path.write_bytes(make.heic(make.picture(48, 64)))
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    assert is_photo(path)
    with pytest.raises(MissingExtraError, match=r"a\.heic is a HEIC photo") as caught:
        read_photo(path)
    assert "pip install 'kinoloom[heic]'" in caught.value.hint
    assert caught.value.exit_code == 3


def test_huge_declared_size_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(make.png(100_000, 100_000, 8, 2, b"\0"))
    with pytest.raises(UnsupportedMediaError, match="100000x100000 pixels, more than 160000000"):
        read_photo(path)


def test_wide_panorama_is_read(tmp_path: Path) -> None:
    path = tmp_path / "wide.png"
    path.write_bytes(make.png(16000, 4000, 1, 0, bytes(4000 * (1 + 2000))))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        photo = read_photo(path)
    assert photo.image.shape == (4000, 16000, 3)


def test_out_of_memory_is_a_budget_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    path = make.save(tmp_path / "a.png", make.picture())
    monkeypatch.setattr(photo_pixels, "rotate_upright", fail)
    with pytest.raises(BudgetError, match=r"a\.png does not fit"):
        read_photo(path)


@pytest.mark.parametrize(
    ("tag", "value", "message"),
    [
        (50706, 1, "raw camera data"),
        (254, 1, "raw camera data"),
        (339, 3, "16-bit samples"),
        (262, 5, "samples"),
    ],
)
def test_unsupported_tiff_is_rejected(tmp_path: Path, tag: int, value: int, message: str) -> None:
    path = make.save_deep_tiff(tmp_path / "a.tif", make.deep_picture(), {tag: value})
    with pytest.raises(UnsupportedMediaError, match=message) as caught:
        read_photo(path)
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_damaged_exif_is_reported(tmp_path: Path) -> None:
    path = make.save(tmp_path / "a.png", make.picture())
    photo = read_photo(make.with_chunk(path, b"eXIf", b"MM\0*\0\0\xff\xff"))
    assert np.array_equal(photo.image, make.picture())
    assert photo.taken is None
    assert "EXIF data is damaged" in photo.remarks[0]
