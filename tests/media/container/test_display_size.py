"""The display size in the header of finished Matroska files."""

import zlib
from fractions import Fraction
from pathlib import Path

import pytest
from films import film, look, make_record, sound

from kinoloom.errors import OutputError
from kinoloom.media.container.display_size import PLACEHOLDER, set_display_size
from kinoloom.media.files import write


@pytest.mark.parametrize("name", ["a.mkv", "a.webm"])
@pytest.mark.parametrize("tracks", [0, 3])
def test_only_the_header_changes(tmp_path: Path, name: str, tracks: int) -> None:
    fields = {"audio": (sound(0.2),) * tracks, "provenance": make_record()}
    write(film(8, size=(80, 48), **fields), tmp_path / f"square-{name}")
    write(film(8, size=(80, 48), pixel_aspect=Fraction(9, 8), **fields), tmp_path / name)
    square, shaped = look(tmp_path / f"square-{name}"), look(tmp_path / name)
    assert (square.aspect, shaped.aspect) == (1, Fraction(9, 8))
    assert (square.numbers, square.times) == (shaped.numbers, shaped.times)
    assert square.record == shaped.record
    assert PLACEHOLDER.encode() not in (tmp_path / name).read_bytes()


def test_checksum_is_valid(tmp_path: Path) -> None:
    write(film(3, size=(80, 48), pixel_aspect=Fraction(9, 8)), tmp_path / "a.mkv")
    data = (tmp_path / "a.mkv").read_bytes()
    begin = data.index(bytes.fromhex("1654ae6b"), data.index(b"Lavf")) + 4  # not the seek head's
    size = int.from_bytes(data[begin : begin + 2], "big") - (1 << 14)
    tracks = data[begin + 2 : begin + 2 + size]
    assert tracks[:2] == bytes.fromhex("bf84")
    assert zlib.crc32(tracks[6:]) == int.from_bytes(tracks[2:6], "little")


def test_file_without_placeholder_is_rejected(tmp_path: Path) -> None:
    write(film(3), tmp_path / "a.mkv")
    before = (tmp_path / "a.mkv").read_bytes()
    with pytest.raises(OutputError, match="no room"):
        set_display_size(tmp_path / "a.mkv", 64, 48, Fraction(2))
    assert (tmp_path / "a.mkv").read_bytes() == before
