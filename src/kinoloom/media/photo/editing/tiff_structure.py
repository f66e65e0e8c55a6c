"""Change a TIFF structure in place: everything else keeps its bytes and its place.

Maker notes and private directories contain offsets into the structure, so nothing may move.

Source: TIFF 6.0 (Adobe, 1992), section 2.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Order = Literal["<", ">"]
"""Byte order, as `struct` spells it."""

_ORDERS: dict[bytes, Order] = {b"II*\0": "<", b"MM\0*": ">"}
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_LETTERS = {1: "B", 3: "H", 4: "I", 13: "I"}
BYTE, SHORT, LONG, UNDEFINED = 1, 3, 4, 7

Values = tuple[int, int, bytes]
"""Type, number and bytes of the values of a tag."""


@dataclass(frozen=True)
class Entry:
    """An entry of a directory.

    Attributes:
        place: offset of its 12 bytes.
        tag, kind, count: as stored; `kind` is the type of the values.
        start: offset of its values, in the entry itself if they fit into 4 bytes.
        size: bytes of its values.
    """

    place: int
    tag: int
    kind: int
    count: int
    start: int
    size: int

    @property
    def is_inline(self) -> bool:
        """Whether the entry itself has the values."""
        return self.size <= 4


@dataclass(frozen=True)
class Directory:
    """A directory.

    Attributes:
        offset: where it begins.
        count: number of its entries as stored.
        entries: by tag; of a tag that occurs twice, the last one.
        next_offset: offset of the next directory; 0 for none.
    """

    offset: int
    count: int
    entries: dict[int, Entry]
    next_offset: int

    @property
    def end(self) -> int:
        """Offset after its last byte."""
        return self.offset + 6 + 12 * self.count


class TiffStructure:
    """A TIFF structure that is changed in place.

    Args:
        data: the structure, from its byte-order mark on.

    Raises:
        ValueError: not a TIFF structure.
    """

    def __init__(self, data: bytes | bytearray) -> None:
        self.data = bytearray(data)
        if bytes(self.data[:4]) not in _ORDERS or len(data) < 8:
            raise ValueError("not a TIFF structure")
        self.order = _ORDERS[bytes(self.data[:4])]

    @property
    def first(self) -> Directory:
        """The first directory.

        Raises:
            ValueError: it is damaged.
        """
        return self.read_directory(self.unpack("I", 4)[0])

    def unpack(self, letters: str, offset: int) -> tuple[int, ...]:
        """Return numbers at an offset, in the byte order of the structure.

        Raises:
            ValueError: the structure ends before.
        """
        try:
            return struct.unpack_from(self.order + letters, self.data, offset)
        except struct.error as error:
            raise ValueError("not a complete TIFF structure") from error

    def write(self, letters: str, offset: int, *numbers: int) -> None:
        """Write numbers at an offset."""
        struct.pack_into(self.order + letters, self.data, offset, *numbers)

    def read_directory(self, offset: int) -> Directory:
        """Return the directory at an offset.

        Raises:
            ValueError: it is damaged, or values are beyond the end.
        """
        (count,) = self.unpack("H", offset)
        entries = [self._read_entry(offset + 2 + 12 * k) for k in range(count)]
        by_tag = {entry.tag: entry for entry in entries}
        end = offset + 2 + 12 * count
        is_cut = end + 4 > len(self.data)  # some writers omit the last pointer
        return Directory(offset, count, by_tag, 0 if is_cut else self.unpack("I", end)[0])

    def follow(self, directory: Directory, tag: int) -> Directory | None:
        """Return the directory that a tag points to; None without the tag.

        Raises:
            ValueError: as `read_directory`; or the tag points to its own directory.
        """
        entry = directory.entries.get(tag)
        if entry is None:
            return None
        target = self.read_directory(self.read_integers(entry)[0])
        if target.offset == directory.offset:
            raise ValueError("a directory points to itself")
        return target

    def read_integers(self, entry: Entry) -> tuple[int, ...]:
        """Return unsigned values.

        Raises:
            ValueError: values of another type, or none.
        """
        if entry.kind not in _LETTERS or entry.count == 0:
            raise ValueError(f"tag {entry.tag} is not an integer")
        return self.unpack(f"{entry.count}{_LETTERS[entry.kind]}", entry.start)

    def read_bytes(self, entry: Entry) -> bytes:
        """Return values as stored."""
        return bytes(self.data[entry.start : entry.start + entry.size])

    def read_values(self, directory: Directory) -> dict[int, Values]:
        """Return the values of a directory by tag, as stored."""
        entries = directory.entries.items()
        return {tag: (one.kind, one.count, self.read_bytes(one)) for tag, one in entries}

    def append_directory(self, values: Mapping[int, Values], places: Mapping[int, int]) -> int:
        """Add a directory at the end that no other follows, and return its offset.

        Args:
            values: its values by tag.
            places: offsets of the values that the structure already has.
        """
        body = b""
        for tag, (kind, count, content) in sorted(values.items()):
            stored = content.ljust(4, b"\0")
            if len(content) > 4:
                place = places[tag] if tag in places else self.append(content)
                stored = struct.pack(self.order + "I", place)
            body += struct.pack(self.order + "HHI", tag, kind, count) + stored
        head = struct.pack(self.order + "H", len(values))
        return self.append(head + body + bytes(4))

    def set_integer(self, entry: Entry, value: int) -> None:
        """Store one unsigned value in an entry, as LONG if its type is too small for it."""
        kind = SHORT if entry.kind == SHORT and value <= 0xFFFF else LONG
        self.wipe_values(entry)
        self.write("HI", entry.place + 2, kind, 1)
        self.wipe(entry.place + 8, 4)
        self.write("H" if kind == SHORT else "I", entry.place + 8, value)

    def remove(self, directory: Directory, tag: int) -> Directory:
        """Remove an entry with its values; later entries and the next pointer move up.

        Returns:
            The changed directory; its last 12 bytes are unused.
        """
        entry = directory.entries[tag]
        self.wipe_values(entry)
        start, end = entry.place, min(directory.end, len(self.data))
        self.data[start : end - 12] = self.data[start + 12 : end]
        self.wipe(end - 12, 12)
        self.write("H", directory.offset, directory.count - 1)
        return self.read_directory(directory.offset)

    def wipe_directory(self, directory: Directory) -> None:
        """Overwrite a directory and its values with zeros; the caller removes its pointer."""
        for entry in directory.entries.values():
            self.wipe_values(entry)
        self.wipe(directory.offset, directory.end - directory.offset)

    def set_next(self, directory: Directory, offset: int) -> None:
        """Change which directory follows."""
        if directory.end <= len(self.data):
            self.write("I", directory.end - 4, offset)

    def wipe_values(self, entry: Entry) -> None:
        """Overwrite the values of an entry with zeros if they are outside of it."""
        if not entry.is_inline:
            self.wipe(entry.start, entry.size)

    def wipe(self, start: int, size: int) -> None:
        """Overwrite bytes with zeros, as far as the structure has them."""
        end = min(start + size, len(self.data))
        if start >= 8 and end > start:
            self.data[start:end] = bytes(end - start)

    def append(self, content: bytes) -> int:
        """Add bytes at the end, and return their offset, which is even."""
        self.data += bytes(len(self.data) % 2)
        offset = len(self.data)
        self.data += content
        return offset

    def _read_entry(self, place: int) -> Entry:
        tag, kind, count = self.unpack("HHI", place)
        size = count * _SIZES.get(kind, 1)
        start = place + 8 if size <= 4 else self.unpack("I", place + 8)[0]
        if start + size > len(self.data):
            raise ValueError(f"the values of tag {tag} are missing")
        return Entry(place, tag, kind, count, start, size)
