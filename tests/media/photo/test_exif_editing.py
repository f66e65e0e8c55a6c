"""EXIF data edited in place: named tags change, everything else keeps its bytes."""

import io
import struct

import pytest
import tagged_photos as tagged
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from kinoloom.media.photo.editing.blocks import Block
from kinoloom.media.photo.editing.edits import Change, edit_blocks
from kinoloom.media.photo.editing.exif import remove_location, set_upright, update_exif
from kinoloom.media.photo.editing.tiff_structure import TiffStructure
from kinoloom.media.photo.metadata import parse_exif

NEW_THUMBNAIL = b"\xff\xd8 a thumbnail \xff\xd9"


def read(block: bytes) -> Image.Exif:
    """Parse a block independently."""
    found = Image.Exif()
    found.load(block)
    return found


def changed_bytes(old: bytes, new: bytes) -> int:
    return sum(a != b for a, b in zip(old, new, strict=True))


@pytest.mark.parametrize("order", ["<", ">"])
def test_orientation_and_sizes_change_and_nothing_else(order: str) -> None:
    block = tagged.exif(order)
    structure = TiffStructure(block)
    set_upright(structure, 64, 48)
    new = bytes(structure.data)
    found = read(new)
    assert found[0x0112] == 1
    inner = found.get_ifd(0x8769)
    assert (inner[0xA002], inner[0xA003]) == (64, 48)
    assert changed_bytes(block, new) == 3
    assert new.index(tagged.MAKER_NOTE) == block.index(tagged.MAKER_NOTE)


@given(width=st.integers(1, 1 << 31), height=st.integers(1, 1 << 31), order=st.sampled_from("<>"))
def test_any_size_is_stored(width: int, height: int, order: str) -> None:
    structure = TiffStructure(tagged.exif(order))
    set_upright(structure, width, height)
    inner = structure.follow(structure.first, 0x8769)
    assert inner is not None
    sizes = [structure.read_integers(inner.entries[tag]) for tag in (0xA002, 0xA003)]
    assert sizes == [(width,), (height,)]
    assert tagged.MAKER_NOTE in structure.data


def test_the_thumbnail_is_replaced_at_its_place_and_size() -> None:
    block, sides = tagged.exif(), []

    def thumbnail(side: int) -> bytes:
        sides.append(side)
        return NEW_THUMBNAIL

    new = update_exif(block, 32, 24, thumbnail, 1 << 16)
    assert sides == [tagged.THUMBNAIL_SIDE]
    assert tagged.thumbnail() not in new
    second = read(new).get_ifd(ExifTags.IFD.IFD1)
    assert new[second[0x0201] :][: second[0x0202]] == NEW_THUMBNAIL
    assert len(new) == len(block) - len(tagged.thumbnail()) + len(NEW_THUMBNAIL)


def test_a_thumbnail_that_does_not_fit_is_removed() -> None:
    block = tagged.exif()
    new = update_exif(block, 32, 24, lambda _: bytes(50_000), 40_000)
    assert len(new) <= len(block)
    assert tagged.thumbnail()[10:60] not in new
    assert read(new).get_ifd(ExifTags.IFD.IFD1) == {}
    assert read(new).get_ifd(0x8769)[0x927C] == tagged.MAKER_NOTE


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_position_is_removed_and_overwritten(order: str) -> None:
    block = tagged.exif(order)
    seconds = struct.pack(order + "2I", 123456, 1000)
    assert seconds in block
    structure = TiffStructure(block)
    assert remove_location(structure)
    new = bytes(structure.data)
    assert seconds not in new
    found = read(new)
    assert 0x8825 not in found
    assert found[0x010F] == "Kameras"
    assert found.get_ifd(0x8769)[0x927C] == tagged.MAKER_NOTE
    assert found.get_ifd(ExifTags.IFD.IFD1)[0x0202] == len(
        tagged.thumbnail()
    )  # the next pointer moved along
    assert not remove_location(TiffStructure(tagged.exif(order, gps=False)))


def test_a_position_that_cannot_be_read_is_unlinked() -> None:
    structure = TiffStructure(tagged.exif())
    structure.set_integer(structure.first.entries[0x8825], 1 << 20)
    assert remove_location(structure)
    assert 0x8825 not in structure.first.entries


@given(st.data())
def test_damaged_blocks_raise_or_keep_their_length(data: st.DataObject) -> None:
    block = bytearray(tagged.exif(data.draw(st.sampled_from("<>"))))
    for place in data.draw(st.lists(st.integers(0, len(block) - 1), min_size=1, max_size=8)):
        block[place] = data.draw(st.integers(0, 255))
    block = block[: data.draw(st.integers(0, len(block)))]
    try:
        new = update_exif(bytes(block), 8, 8, lambda _: NEW_THUMBNAIL, 1 << 16)
        remove_location(TiffStructure(new))
    except ValueError:
        return
    assert len(new) <= len(block) + len(NEW_THUMBNAIL) + 1


def test_what_the_thumbnail_shows_is_the_picture() -> None:
    """Guards the helper of the other tests: its thumbnail is a picture."""
    assert Image.open(io.BytesIO(tagged.thumbnail())).size == (48, 36)


@given(st.data())
def test_an_orientation_that_was_applied_is_reset(data: st.DataObject) -> None:
    block = bytearray(tagged.exif())
    for place in data.draw(st.lists(st.integers(8, len(block) - 1), min_size=1, max_size=4)):
        block[place] = data.draw(st.integers(0, 255))
    try:
        parse_exif(bytes(block))
    except ValueError:
        return
    change = Change(8, 8, lambda _: NEW_THUMBNAIL, without_location=data.draw(st.booleans()))
    (new,) = edit_blocks([Block("exif", bytes(block))], change).blocks
    assert new is None or parse_exif(new.data).orientation == 1
