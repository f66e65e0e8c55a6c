"""TIFF files: metadata stays at its place, new strips fill the gaps of the old ones."""

import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import photo_files as make
import pytest
import tagged_photos as tagged
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from kinoloom.media.photo.editing import open_photo, save_photo
from kinoloom.media.photo.editing.blocks import Block
from kinoloom.media.photo.editing.skeletons.tiff import encode_tiff, read_tiff
from kinoloom.media.photo.editing.tiff_structure import TiffStructure

TAGS = {700: tagged.XMP, 33723: tagged.iim(), 34377: tagged.resources(), 34675: make.P3_ICC}


def tags_of(path: Path) -> dict[int, Any]:
    with Image.open(path) as image:
        items = dict(image.tag_v2).items()  # type: ignore[attr-defined]
    single = (700, 33723, 34377, 34675, 65000)  # Pillow wraps some of these
    return {k: v[0] if k in single and isinstance(v, tuple) else v for k, v in items}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("grey", [False, True])
def test_every_tag_is_kept(tmp_path: Path, order: str, deep: bool, grey: bool) -> None:
    image = make.deep_picture() if deep else make.picture()
    path = tagged.tagged_tiff(tmp_path / "a.tif", image[..., 0] if grey else image, order)
    photo = open_photo(path)
    assert photo.remarks == ("its previews were dropped, because they show the old picture",)
    out = tmp_path / "b.tif"
    save_photo(photo, photo.picture, out)
    old, new = path.read_bytes(), out.read_bytes()
    assert new[:4] == old[:4]
    assert new.index(tagged.MAKER_NOTE) == old.index(tagged.MAKER_NOTE)
    tags = tags_of(out)
    assert tags[0x0112] == 1
    for tag, content in (TAGS | {65000: tagged.PRIVATE}).items():
        if tag != 700:
            assert tags[tag] == content
    assert tags[700] == tagged.XMP.replace(b'Orientation="6"', b'Orientation="1"').replace(
        b"ImageWidth='32'", b"ImageWidth='24'"
    ).replace(b"XDimension>32<", b"XDimension>24<")
    with Image.open(out) as found:
        inner = found.getexif().get_ifd(0x8769)
        assert (inner[0x9003], inner[0xA002], inner[0xA003]) == ("2020:01:02 03:04:05", 24, 32)
        assert found.getexif().get_ifd(0x8825)[1] == "N"
    again = open_photo(out)
    assert again.remarks == ()
    assert np.array_equal(again.samples, photo.samples)
    assert np.array_equal(again.samples[..., 0], np.rot90(image, -1)[..., 0])


def test_old_pixels_and_previews_do_not_survive(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    path = tagged.tagged_tiff(tmp_path / "a.tif", noise)
    photo = open_photo(path)
    save_photo(photo, np.zeros((4, 4, 3), np.float32), tmp_path / "b.tif")
    new = (tmp_path / "b.tif").read_bytes()
    for row in noise:
        assert row[20:30].tobytes() not in new
    assert tagged.thumbnail()[50:70] not in new


def test_new_strips_are_stored_in_the_gaps(tmp_path: Path) -> None:
    path = tagged.tagged_tiff(tmp_path / "a.tif", make.picture(200, 300))
    photo = open_photo(path)
    save_photo(photo, photo.picture, tmp_path / "b.tif")
    starts = tags_of(tmp_path / "b.tif")[273]
    assert max(starts) < path.read_bytes().index(make.P3_ICC)
    grown = (tmp_path / "b.tif").stat().st_size - path.stat().st_size
    assert grown < 600  # a new directory


def test_tiles_and_lzw_are_replaced(tmp_path: Path) -> None:
    settings = [cv2.IMWRITE_TIFF_COMPRESSION, 5]
    make.save_deep(tmp_path / "a.tif", make.deep_picture(64, 48), *settings)
    photo = open_photo(tmp_path / "a.tif")
    save_photo(photo, photo.samples, tmp_path / "b.tif")
    assert np.array_equal(open_photo(tmp_path / "b.tif").samples, make.deep_picture(64, 48))


@pytest.mark.parametrize("kind", [1, 2])
def test_alpha_is_stored_straight(tmp_path: Path, kind: int) -> None:
    image = make.deep_picture()
    image = np.dstack([image // 2, np.full_like(image[..., 0], 40000)])
    make.save_deep_tiff(tmp_path / "a.tif", image, {338: kind})
    photo = open_photo(tmp_path / "a.tif")
    save_photo(photo, photo.picture, tmp_path / "b.tif")
    again = open_photo(tmp_path / "b.tif")
    assert tags_of(tmp_path / "b.tif")[338] == (2,)
    assert np.array_equal(again.samples, photo.samples)
    assert again.alpha is not None
    assert (again.alpha == 40000).all()


@given(
    width=st.integers(1, 60),
    height=st.integers(1, 60),
    rows=st.integers(1, 20),
    order=st.sampled_from("<>"),
    seed=st.integers(0, 1000),
)
def test_any_layout_is_rewritten(
    tmp_path_factory: pytest.TempPathFactory,
    width: int,
    height: int,
    rows: int,
    order: Any,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    folder = tmp_path_factory.mktemp("tiff")
    old = rng.integers(0, 256, (23, 31, 3), dtype=np.uint8)
    new = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    data = tagged.tagged_tiff(folder / "a.tif", old, order, rows).read_bytes()
    skeleton = read_tiff(data)
    added = [Block("xmp", b"longer" * 500)] if seed % 2 else []
    edited: list[Block | None] = list(skeleton.blocks)
    if added:
        edited[1] = None
    out = skeleton.assemble(encode_tiff(new, order), edited, added)
    found = cv2.imdecode(np.frombuffer(out, np.uint8), cv2.IMREAD_COLOR)
    assert found is not None
    assert np.array_equal(found[..., ::-1], new)
    for content in (tagged.MAKER_NOTE, tagged.PRIVATE, make.P3_ICC):
        assert out.count(content) == 1
    assert struct.unpack_from(order + "H", out, 2) == (42,)


@pytest.mark.parametrize("metadata", ["keep", "no-location"])
def test_damaged_exif_goes_with_the_places(tmp_path: Path, metadata: Any) -> None:
    path = tagged.tagged_tiff(tmp_path / "a.tif", make.picture())
    structure = TiffStructure(path.read_bytes())
    structure.set_integer(structure.first.entries[0x8769], 1 << 30)
    path.write_bytes(bytes(structure.data))
    photo = open_photo(path)
    saved = save_photo(photo, photo.picture, tmp_path / "b.tif", metadata=metadata)
    data = (tmp_path / "b.tif").read_bytes()
    has_places = metadata == "keep"
    assert (tagged.MAKER_NOTE in data) == has_places
    assert (struct.pack("<2I", 123456, 1000) in data) == has_places
    assert ("its damaged EXIF data" in saved.removed) != has_places
    assert tagged.PRIVATE in data
    assert np.array_equal(open_photo(tmp_path / "b.tif").samples, photo.samples)


def test_several_strips_share_a_gap(tmp_path: Path) -> None:
    path = tagged.tagged_tiff(tmp_path / "a.tif", make.picture(400, 500), rows=400)
    noise = np.random.default_rng(3).integers(0, 16, (500, 400, 3), dtype=np.uint8)
    photo = open_photo(path)
    save_photo(photo, noise, tmp_path / "b.tif")
    assert len(tags_of(tmp_path / "b.tif")[273]) > 1
    assert max(tags_of(tmp_path / "b.tif")[273]) < path.read_bytes().index(make.P3_ICC)
    assert np.array_equal(open_photo(tmp_path / "b.tif").samples, noise)
