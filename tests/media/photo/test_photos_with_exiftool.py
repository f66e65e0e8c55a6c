"""An independent reader, exiftool, finds in edited photos what was in the originals."""

import json
import subprocess
from pathlib import Path
from typing import Any

import photo_files as make
import pytest
import tagged_photos as tagged
from films import make_record
from test_photo_metadata_policies import MAKERS

from kinoloom.media.photo.editing import open_photo, save_photo

pytestmark = pytest.mark.system_package("exiftool")

PIXELS = {
    *("ImageWidth", "ImageHeight", "ImageLength", "ExifImageWidth", "ExifImageHeight"),
    *("PixelXDimension", "PixelYDimension", "Orientation", "Compression", "StripOffsets"),
    *("StripByteCounts", "RowsPerStrip", "Predictor", "PlanarConfiguration", "BitsPerSample"),
    *("ThumbnailOffset", "ThumbnailLength", "ThumbnailImage", "Interlace", "ExtraSamples"),
    *("ExifByteOrder", "Filter", "Provenance", "Key", "PhotometricInterpretation"),
    *("ColorComponents", "SamplesPerPixel"),
}
GROUPS = ("IFD0", "ExifIFD", "GPS", "XMP-", "IPTC", "Photoshop", "ICC", "JFIF", "PNG", "Ducky")


def read(path: Path) -> dict[str, Any]:
    """Return all tags that describe more than pixels, by group and name."""
    done = subprocess.run(
        ["exiftool", "-json", "-G1", "-a", "-u", "-b", str(path)],
        capture_output=True,
        check=True,
        text=True,
    )
    tags = json.loads(done.stdout)[0]
    assert "ExifTool:Error" not in tags
    return {
        name: value
        for name, value in tags.items()
        if name.startswith(GROUPS) and name.rpartition(":")[2] not in PIXELS
    }


@pytest.mark.parametrize("name", list(MAKERS))
def test_exiftool_finds_the_same_tags(tmp_path: Path, name: str) -> None:
    path = MAKERS[name](tmp_path / name)
    photo = open_photo(path)
    out = tmp_path / f"b{path.suffix}"
    save_photo(photo, photo.picture, out, provenance=make_record())
    old, new = read(path), read(out)
    assert len(old) > 20
    assert new == old


@pytest.mark.parametrize("name", list(MAKERS))
def test_exiftool_finds_no_place_and_no_warning(tmp_path: Path, name: str) -> None:
    path = MAKERS[name](tmp_path / name)
    photo = open_photo(path)
    out = tmp_path / f"b{path.suffix}"
    save_photo(photo, photo.picture, out, metadata="no-location", provenance=make_record())
    old, new = read(path), read(out)
    gone = {one for one in old if one not in new}
    assert {one for one in gone if "GPS" in one}
    assert not [one for one in new if "GPS" in one.upper()]
    assert not [value for value in new.values() if "Springfield" in str(value)]
    assert "IFD0:Make" in new or path.suffix == ".png"


def test_exiftool_reads_the_new_size_and_thumbnail(tmp_path: Path) -> None:
    photo = open_photo(tagged.tagged_jpeg(tmp_path / "a.jpg", make.picture()))
    out = tmp_path / "b.jpg"
    save_photo(photo, photo.picture[:16], out)
    words = ["exiftool", "-json", "-n", "-Orientation", "-ExifImageWidth", "-ExifImageHeight"]
    done = subprocess.run([*words, str(out)], capture_output=True, check=True, text=True)
    found = json.loads(done.stdout)[0]
    assert [found[k] for k in ("Orientation", "ExifImageWidth", "ExifImageHeight")] == [1, 24, 16]
    done = subprocess.run(["exiftool", "-b", "-ThumbnailImage", str(out)], capture_output=True)
    (tmp_path / "thumbnail.jpg").write_bytes(done.stdout)
    assert open_photo(tmp_path / "thumbnail.jpg").samples.shape == (16, 24, 3)
