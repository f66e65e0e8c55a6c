"""Control characters and bytes that are not UTF-8 become visible escapes."""

import json
import os
from pathlib import Path

import pytest

from kinoloom.base.printable import printable, printable_line, well_formed
from kinoloom.base.provenance import Provenance, to_jsonable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain Straße, 日本, 👩‍👧", "plain Straße, 日本, 👩‍👧"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x1b[2J\x9b31m\x7f\r\0", r"\x1b[2J\x9b31m\x7f\x0d\x00"),
        ("gpj.\u202etxt\u2066", r"gpj.\u202etxt\u2066"),
        (os.fsdecode(b"a\xff\xfe.mp4"), r"a\xff\xfe.mp4"),
        ("\ud800", r"\ud800"),
    ],
)
def test_text_is_printable(text: str, shown: str) -> None:
    assert printable(text) == shown
    printable(text).encode()


def test_a_line_stays_one_line() -> None:
    assert printable_line("a\nb\tc\r\x85\u2028\x1b") == r"a\x0ab\x09c\x0d\x85\u2028\x1b"
    assert printable_line("plain Straße, 日本") == "plain Straße, 日本"


def test_only_bytes_change_in_stored_text() -> None:
    assert well_formed("\x1b[0m\udcff") == "\x1b[0m\\xff"


def test_plain_values_of_strange_names_are_valid_json() -> None:
    name = os.fsdecode(b"a\xff.mp4")
    value = to_jsonable({name: [Path("x") / name, name, 1.5, None]})
    assert value == {r"a\xff.mp4": [r"a\xff.mp4", r"a\xff.mp4", 1.5, None]}
    json.dumps(value, ensure_ascii=False).encode()


def test_record_of_an_input_with_a_strange_name_is_valid_json(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/a\xff.bin"))
    path.write_bytes(b"content")
    record = Provenance("glow", {"file": str(path.name)}, (path,)).to_dict()
    json.dumps(record, ensure_ascii=False).encode()
    assert record["inputs"][0]["name"] == record["options"]["file"] == r"a\xff.bin"
