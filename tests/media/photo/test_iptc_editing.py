"""IPTC data and Photoshop's resources: places and thumbnails go, the rest keeps its bytes."""

import hashlib

import pytest
import tagged_photos as tagged
from hypothesis import given
from hypothesis import strategies as st

from kinoloom.media.photo.editing import iptc

KEPT = tagged.data_set(5, b"Title") + tagged.data_set(25, b"keyword")


def test_places_are_removed_from_data_sets() -> None:
    assert iptc.remove_places(tagged.iim()) == KEPT
    assert iptc.remove_places(KEPT + bytes(3)) == KEPT + bytes(3)


def test_a_data_set_with_a_long_length_is_kept_whole() -> None:
    long = b"\x1c\x02\x05\x80\x04" + (40_000).to_bytes(4, "big") + b"x" * 40_000
    assert iptc.remove_places(long + tagged.data_set(90, b"city") + KEPT) == long + KEPT


def test_resources_without_places_have_a_new_digest() -> None:
    new, removed = iptc.edit_resources(tagged.resources(), without_places=True)
    digest = hashlib.md5(KEPT).digest()
    assert removed
    assert new == (
        tagged.resource(0x03ED, bytes(16))
        + tagged.resource(0x0404, KEPT)
        + tagged.resource(0x0425, digest)
        + tagged.resource(0x0FA0, b"odd", b"plug-in")
    )


@pytest.mark.parametrize("number", [0x0409, 0x040C])
def test_thumbnails_are_removed_and_the_rest_keeps_its_bytes(number: int) -> None:
    data = tagged.resources() + tagged.resource(number, b"old picture")
    assert iptc.edit_resources(data, without_places=False) == (tagged.resources(), False)


def test_copies_of_exif_go_with_the_places() -> None:
    copy = tagged.resource(0x0422, tagged.exif())
    assert iptc.edit_resources(copy, without_places=True) == (b"", True)
    assert iptc.edit_resources(copy, without_places=False) == (copy, False)


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=40)), max_size=6))
def test_only_places_are_removed(sets: list[tuple[int, bytes]]) -> None:
    places = {26, 27, 90, 92, 95, 100, 101}
    data = b"".join(tagged.data_set(*one) for one in sets)
    kept = b"".join(tagged.data_set(*one) for one in sets if one[0] not in places)
    assert iptc.remove_places(data) == kept


@pytest.mark.parametrize("data", [b"\x1c\x02", b"garbage", tagged.iim()[:-1]])
def test_damaged_data_sets_are_an_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="IPTC data is damaged"):
        iptc.remove_places(data)


@pytest.mark.parametrize("data", [b"8BIM", b"9BIM" + bytes(8), tagged.resources()[:-3] + b"x"])
def test_damaged_resources_are_an_error(data: bytes) -> None:
    with pytest.raises(ValueError, match="Photoshop data is damaged"):
        iptc.edit_resources(data, without_places=False)
