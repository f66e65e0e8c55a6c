"""Files that cannot be edited: each is an error of one sentence, or is handled with a remark."""

import struct
from pathlib import Path

import numpy as np
import photo_files as make
import pytest
import tagged_photos as tagged
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from kinoloom.errors import KinoloomError, UnreadableMediaError, UnsupportedMediaError
from kinoloom.media.photo.editing import open_photo, save_photo
from kinoloom.media.photo.reading import read_photo

FRAMES = [Image.fromarray(make.picture()), Image.fromarray(make.picture()[::-1])]


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png"])
def test_animations_are_rejected(tmp_path: Path, name: str) -> None:
    FRAMES[0].save(tmp_path / name, save_all=True, append_images=FRAMES[1:])
    with pytest.raises(UnsupportedMediaError, match=r"an animation.*kinoloom enhance FILE -o"):
        open_photo(tmp_path / name)


def test_several_pages_are_rejected(tmp_path: Path) -> None:
    FRAMES[0].save(tmp_path / "a.tif", save_all=True, append_images=FRAMES[1:])
    with pytest.raises(UnsupportedMediaError, match="it has 2 pages"):
        open_photo(tmp_path / "a.tif")


@pytest.mark.parametrize("mode", ["CMYK", "LAB"])
def test_colours_for_print_are_rejected(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("a.jpg" if mode == "CMYK" else "a.tif")
    Image.new(mode, (8, 8)).save(path)
    with pytest.raises(UnsupportedMediaError, match=mode) as caught:
        open_photo(path)
    assert "Convert" in caught.value.hint or "Save" in caught.value.hint


@pytest.mark.parametrize("progressive", [False, True])
def test_a_truncated_jpeg_is_an_error(tmp_path: Path, progressive: bool) -> None:
    path = make.save(tmp_path / "a.jpg", make.picture(200, 200), progressive=progressive)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 3 // 4])
    with pytest.raises(UnreadableMediaError, match=r"a\.jpg cannot be read"):
        open_photo(path)


def test_exif_with_a_wrong_size_is_corrected(tmp_path: Path) -> None:
    block = tagged.EXIF_HEAD + tagged.exif(orientation=1)  # for 32x24 pixels
    path = make.save(tmp_path / "a.jpg", make.picture(7, 9), exif=block)
    photo = open_photo(path)
    save_photo(photo, photo.picture, tmp_path / "b.jpg")
    with Image.open(tmp_path / "b.jpg") as image:
        inner = image.getexif().get_ifd(0x8769)
        assert (inner[0xA002], inner[0xA003]) == (9, 7)


def test_a_16_bit_grey_png_with_alpha_comes_back(tmp_path: Path) -> None:
    rows = b"".join(b"\0" + struct.pack(">4H", 1, 65535, 40_000 + k, 300) for k in range(3))
    (tmp_path / "a.png").write_bytes(make.png(2, 3, 16, 4, rows))
    photo = open_photo(tmp_path / "a.png")
    assert photo.samples[..., 0].tolist() == [[1, 40_000], [1, 40_001], [1, 40_002]]
    assert photo.alpha is not None
    assert photo.alpha.tolist() == [[65535, 300]] * 3
    save_photo(photo, photo.picture, tmp_path / "b.png")
    chunks = tagged.split_png((tmp_path / "b.png").read_bytes())
    assert chunks[0][1][8:10] == bytes([16, 4])
    assert np.array_equal(open_photo(tmp_path / "b.png").samples, photo.samples)


def test_pictures_after_the_first_one_are_dropped_with_a_remark(tmp_path: Path) -> None:
    index = tagged.segment(0xE2, b"MPF\0II*\0\x08\0\0\0")
    path = tmp_path / "a.jpg"
    path.write_bytes(tagged.jpeg(make.picture(), index) + tagged.jpeg(make.picture()))
    photo = open_photo(path)
    save_photo(photo, photo.picture, tmp_path / "b.jpg")
    assert photo.remarks == (
        "the pictures after the first one (such as previews or an HDR gain map) were dropped",
    )
    data = (tmp_path / "b.jpg").read_bytes()
    assert b"MPF\0" not in data
    assert data.count(b"\xff\xd8\xff") == 1


def test_signatures_of_the_old_pixels_are_dropped(tmp_path: Path) -> None:
    manifest = tagged.segment(0xEB, b"JP\0\1\0\0\0\1\0\0\0\x20jumb\0\0\0\x10jumdc2pa")
    path = tmp_path / "a.jpg"
    path.write_bytes(tagged.jpeg(make.picture(), manifest))
    photo = open_photo(path)
    saved = save_photo(photo, photo.picture, tmp_path / "b.jpg")
    assert b"c2pa" not in (tmp_path / "b.jpg").read_bytes()
    assert "C2PA" in saved.remarks[0]


def test_an_rgb_jpeg_is_written_as_ycbcr(tmp_path: Path) -> None:
    path = make.save(tmp_path / "a.jpg", make.picture(), keep_rgb=True, quality=95)
    photo = open_photo(path)
    save_photo(photo, photo.picture, tmp_path / "b.jpg")
    image = read_photo(tmp_path / "b.jpg").image
    assert np.abs(image.astype(int) - make.picture()).max() <= 8


@given(st.data())
def test_damage_is_an_error_or_the_photo_is_written(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("damage")
    kind = data.draw(st.sampled_from(["jpg", "png", "webp", "tif", "avif"]))
    path = folder / f"a.{kind}"
    if kind == "tif":
        tagged.tagged_tiff(path, make.picture())
    elif kind == "jpg":
        tagged.tagged_jpeg(path, make.picture())
    else:
        make.save(path, make.picture(), exif=tagged.exif(orientation=1), xmp=tagged.XMP)
    content = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=3)):
        content[place] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    policy = data.draw(st.sampled_from(["keep", "drop", "no-location"]))
    try:
        photo = open_photo(path)
        save_photo(photo, photo.picture, folder / f"b.{kind}", metadata=policy)
    except KinoloomError as error:
        assert str(path) in error.message
        assert not (folder / f"b.{kind}").exists()
        return
    assert read_photo(folder / f"b.{kind}").image.shape[:2] == photo.samples.shape[:2]
