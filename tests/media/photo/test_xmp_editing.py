"""XMP packets: named properties change, everything else keeps its bytes."""

import json
from fractions import Fraction
from xml.etree import ElementTree

import pytest
import tagged_photos as tagged
from hypothesis import given
from hypothesis import strategies as st

from kinoloom.media.photo.editing import xmp

TITLE = b"T\xc3\xaftle &lt;1&gt;"
RECORD = {"kinoloom": 1, "op": "enhance", "options": {"a": "<&\"'>\u00e9"}, "key": "k" * 64}


def test_sizes_change_and_nothing_else() -> None:
    new = xmp.set_size(tagged.XMP, 64, 48)
    expected = tagged.XMP.replace(b'Orientation="6"', b'Orientation="1"')
    expected = expected.replace(b"ImageWidth='32'", b"ImageWidth='64'")
    assert new == expected.replace(b"XDimension>32<", b"XDimension>64<")


def test_places_are_removed_whatever_their_prefix() -> None:
    new = xmp.remove_places(tagged.XMP)
    for word in (b"GPS", b"Gps", b"2.29", b"48,51.5N", b"Springfield", b"LocationShown"):
        assert word not in new
    for word in (TITLE, b'Credit="A &amp; B"', b"PixelXDimension>32<", b'Orientation="6"'):
        assert word in new
    ElementTree.fromstring(new.strip())
    assert xmp.remove_places(new) == new


def test_a_packet_with_a_record_keeps_its_size_and_the_rest() -> None:
    new = xmp.set_record(tagged.XMP, RECORD, "k")
    assert len(new) == len(tagged.XMP)  # the padding took it up
    assert xmp.find_record(new) == (RECORD, "k")
    added = new.index(b"<rdf:Description", new.index(b"</rdf:Description>"))
    assert new[:added] == tagged.XMP[:added]
    again = xmp.set_record(new, RECORD | {"op": "other"}, "l")
    assert xmp.find_record(again) == (RECORD | {"op": "other"}, "l")
    assert again.count(b"kinoloom:provenance>") == 2


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_any_record_is_read_back(value: object) -> None:
    record = {"options": value}
    packet = xmp.set_record(b"", record, "key")
    assert xmp.find_record(packet) == (json.loads(json.dumps(record)), "key")
    ElementTree.fromstring(packet)


def test_only_the_key_can_be_stored() -> None:
    packet = xmp.set_record(b"", None, "abc")
    assert xmp.find_record(packet) == (None, "abc")
    assert b"provenance" not in packet


@pytest.mark.parametrize(
    "root", [b"<r:RDF xmlns:r='%b'/>", b"<r:RDF xmlns:r='%b'></r:RDF>", b"<RDF xmlns='%b'/>"]
)
def test_a_record_is_added_to_any_form_of_rdf(root: bytes) -> None:
    packet = root % b"http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    new = xmp.set_record(packet, RECORD, "k")
    assert xmp.find_record(new) == (RECORD, "k")
    described = ElementTree.fromstring(new)[0]
    assert described.tag == "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description"


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"not xml",
        tagged.XMP[:400],
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        tagged.XMP.decode().encode("utf-16"),
        b"<a b=\xff/>",
    ],
)
def test_damaged_packets_are_an_error(packet: bytes) -> None:
    with pytest.raises(ValueError, match="XMP"):
        xmp.set_size(packet, 1, 1)
    assert xmp.find_record(packet) == (None, "")


def test_thumbnails_in_the_packet_are_removed() -> None:
    thumbnails = b'<n:Thumbnails xmlns:n="http://ns.adobe.com/xap/1.0/">/9j/4A</n:Thumbnails>'
    packet = tagged.XMP.replace(b"<e:PixelX", thumbnails + b"<e:PixelX")
    assert xmp.set_size(packet, 32, 48) == xmp.set_size(tagged.XMP, 32, 48).replace(
        b"\n   <e:PixelX", b"<e:PixelX"
    )


def test_long_runs_of_spaces_take_no_quadratic_time() -> None:
    packet = tagged.XMP.replace(b" " * 2000, b" " * 4_000_000 + b"<!-- -->")
    assert xmp.find_record(xmp.set_record(packet, RECORD, "k"))[1] == "k"


def test_lengths_of_panoramas_are_scaled() -> None:
    names = {"CroppedAreaImageWidthPixels": 32, "CroppedAreaTopPixels": 5}
    attributes = " ".join(f'g:{name}="{value}"' for name, value in names.items())
    packet = tagged.XMP.replace(
        b"tiff:Orientation",
        b'xmlns:g="http://ns.google.com/photos/1.0/panorama/" g:ProjectionType="7" '
        + attributes.encode()
        + b" tiff:Orientation",
    )
    packet = packet.replace(
        b"<e:PixelX", b"<g:FullPanoHeightPixels> 40 </g:FullPanoHeightPixels><e:PixelX"
    )
    new = xmp.set_size(packet, 64, 72, (2, Fraction(3, 2)))
    for text in (b'ImageWidthPixels="64"', b'TopPixels="8"', b"HeightPixels>60<", b'Type="7"'):
        assert text in new


def test_width_and_height_are_not_confused() -> None:
    names = {"t:ImageWidth": 7, "t:ImageLength": 9, "e:PixelXDimension": 7, "e:PixelYDimension": 9}
    packet = (
        '<a xmlns:t="http://ns.adobe.com/tiff/1.0/" xmlns:e="http://ns.adobe.com/exif/1.0/" '
        + " ".join(f'{name}="1"' for name in names)
        + "/>"
    )
    new = xmp.set_size(packet.encode(), 7, 9).decode()
    assert all(f'{name}="{value}"' in new for name, value in names.items())
