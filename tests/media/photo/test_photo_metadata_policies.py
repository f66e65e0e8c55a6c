"""The metadata policies: keep, drop and no-location, in each format."""

from collections.abc import Callable
from pathlib import Path

import photo_files as make
import pytest
import tagged_photos as tagged
from films import make_record
from PIL import Image

from kinoloom.media.photo.editing import open_photo, read_key, save_photo

PLACES = (b"GPS", b"Gps", b"2.29", b"48,51.5N", b"Springfield", b"Nowhere", b"\x40\xe2\x01\0")
"""Traces of the position and of places; the last one are the seconds of the latitude."""


def tagged_png(path: Path) -> Path:
    make.save(path, make.picture())
    for name, content in reversed(tagged.png_chunks()):
        make.with_chunk(path, name, content)
    return path


def tagged_webp(path: Path) -> Path:
    blocks = {"icc_profile": make.P3_ICC, "exif": tagged.exif(), "xmp": tagged.XMP}
    return make.save(path, make.picture(), **blocks)


def tagged_avif(path: Path) -> Path:
    blocks = {"icc_profile": make.P3_ICC, "exif": tagged.exif(orientation=1), "xmp": tagged.XMP}
    return make.save(path, make.picture(), **blocks)


MAKERS: dict[str, Callable[[Path], Path]] = {
    "a.jpg": lambda path: tagged.tagged_jpeg(path, make.picture()),
    "a.png": tagged_png,
    "a.webp": tagged_webp,
    "a.tif": lambda path: tagged.tagged_tiff(path, make.picture()),
    "a.avif": tagged_avif,
}


@pytest.fixture(params=list(MAKERS))
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A photo with every kind of metadata that its format has."""
    return MAKERS[request.param](tmp_path / request.param)


def test_places_are_removed_and_named(path: Path) -> None:
    photo = open_photo(path)
    out = path.with_name(f"b{path.suffix}")
    saved = save_photo(photo, photo.picture, out, metadata="no-location")
    data = out.read_bytes()
    for trace in PLACES:
        assert trace not in data
    if path.suffix == ".png":  # these are compressed
        texts = [c for n, c in tagged.split_png(data) if n == b"zTXt"]
        assert texts
        assert tagged.raw_profile(b"iptc", tagged.resources()) not in texts
    assert tagged.MAKER_NOTE in data
    assert b"T\xc3\xaftle" in data
    assert saved.removed[0] in ("the GPS position (EXIF)", "the GPS position (text)")
    assert "positions and places (XMP)" in saved.removed
    assert ("places (IPTC)" in saved.removed) == (path.suffix in (".jpg", ".png", ".tif"))
    assert any("maker note" in remark for remark in saved.remarks)
    with Image.open(out) as image:
        image.load()
        assert 0x8825 not in image.getexif()
        assert image.info["icc_profile"] == make.P3_ICC


def test_dropping_keeps_only_colours_and_the_key(path: Path) -> None:
    photo = open_photo(path)
    out = path.with_name(f"b{path.suffix}")
    record = make_record()
    saved = save_photo(photo, photo.picture, out, metadata="drop", provenance=record)
    data = out.read_bytes()
    for trace in (*PLACES, tagged.MAKER_NOTE[:40], b"T\xc3\xaftle", b"Kameras", b"interpolate"):
        assert trace not in data
    for trace in (b"a comment", b"a text", b"unknown maker", b"private"):
        assert trace not in data
    assert saved.removed == ()
    assert saved.sidecar is None
    assert read_key(out) == record.key
    with Image.open(out) as image:
        assert image.info["icc_profile"] == make.P3_ICC
        assert image.getexif().get(0x0112, 1) == 1


def test_dropping_without_a_record_leaves_no_blocks(path: Path) -> None:
    photo = open_photo(path)
    out = path.with_name(f"b{path.suffix}")
    save_photo(photo, photo.picture, out, metadata="drop")
    with Image.open(out) as image:
        assert "xmp" not in image.info
        assert 0x8769 not in image.getexif()
    assert read_key(out) == ""


def test_keeping_keeps_places(path: Path) -> None:
    photo = open_photo(path)
    out = path.with_name(f"b{path.suffix}")
    saved = save_photo(photo, photo.picture, out)
    assert saved.removed == ()
    assert b"48,51.5N" in out.read_bytes()
    with Image.open(out) as image:
        assert image.getexif().get_ifd(0x8825)[1] == "N"


def test_the_resolution_is_kept(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.png", "a.tif"):
        photo = open_photo(make.save(tmp_path / name, make.picture(), dpi=(300, 300)))
        for metadata in ("keep", "drop"):
            out = tmp_path / f"{metadata}{photo.path.suffix}"
            save_photo(photo, photo.picture, out, metadata=metadata)
            with Image.open(out) as image:
                assert [round(value) for value in image.info["dpi"]] == [300, 300]


def test_a_damaged_block_is_kept_or_dropped_with_the_places(tmp_path: Path) -> None:
    broken = [
        tagged.segment(0xE1, tagged.EXIF_HEAD + tagged.exif()[:200]),
        tagged.segment(0xE1, tagged.XMP_HEAD + tagged.XMP[:900]),
        tagged.segment(0xED, tagged.PHOTOSHOP_HEAD + tagged.resources()[:-9]),
    ]
    path = tmp_path / "a.jpg"
    path.write_bytes(tagged.jpeg(make.picture(), *broken))
    photo = open_photo(path)
    kept = save_photo(photo, photo.picture, tmp_path / "b.jpg")
    data = (tmp_path / "b.jpg").read_bytes()
    assert all(block in data for block in broken)
    assert sum("is damaged and was kept as it is" in remark for remark in kept.remarks) == 3
    clean = save_photo(photo, photo.picture, tmp_path / "c.jpg", metadata="no-location")
    data = (tmp_path / "c.jpg").read_bytes()
    assert not any(block[:80] in data for block in broken)
    assert clean.removed == tuple(f"its damaged {k} data" for k in ("EXIF", "XMP", "Photoshop"))


def test_places_in_extended_xmp_are_removed(tmp_path: Path) -> None:
    long = tagged.XMP[tagged.XMP.index(b"<x:") : tagged.XMP.index(b"</x:xmpmeta>") + 12]
    long = long.replace(b"<e:PixelX", b"<e:Note>" + b"n" * 90_000 + b"</e:Note><e:PixelX")
    photo = open_photo(make.save(tmp_path / "a.jpg", make.picture()))
    guid = b"0123456789ABCDEF0123456789ABCDEF"
    main = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        b'xmlns:n="http://ns.adobe.com/xmp/note/" n:HasExtendedXMP="' + guid + b'"/>'
        b"</rdf:RDF></x:xmpmeta>"
    )
    head = b"http://ns.adobe.com/xmp/extension/\0" + guid
    parts = [
        head + len(long).to_bytes(4, "big") + at.to_bytes(4, "big") + long[at : at + 60_000]
        for at in range(0, len(long), 60_000)
    ]
    segments = [tagged.segment(0xE1, part) for part in [tagged.XMP_HEAD + main, *parts]]
    path = tmp_path / "b.jpg"
    path.write_bytes(tagged.jpeg(make.picture(), *segments))
    photo = open_photo(path)
    saved = save_photo(photo, photo.picture, tmp_path / "c.jpg", metadata="no-location")
    assert saved.removed == ("positions and places (XMP)",)
    data = (tmp_path / "c.jpg").read_bytes()
    assert b"48,51.5N" not in data
    again = open_photo(tmp_path / "c.jpg").skeleton.blocks[0]
    assert b"n" * 90_000 in again.extension
    assert guid not in again.data
