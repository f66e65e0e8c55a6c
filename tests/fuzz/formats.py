"""Changes that know a format: they reach code behind checksums, lengths and parsers.

A container is taken apart, one part is changed, and the container is put together again with
correct lengths and checksums.
"""

from __future__ import annotations

import copy
import gzip
import io
import json
import re
import struct
import sys
import tarfile
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from random import Random
from typing import Any

from fuzz.mutations import INTEGERS, Mutation, mutate_bytes

_EXTREMES: tuple[Any, ...] = (
    None,
    True, -1, 0, 1e308, -1e308, 1e-320, 2**31, 2**63, 10**5000, -(10**30), "", "\0", "\x1b[2J",
    "\ud800", "a" * 5000, "../../etc/passwd", "/dev/zero", [], {}, [[[[]]]], float("nan"),
    float("inf"), {"Get": "Steps.A.B"}, {"Std:Join": {"On": "", "Values": []}},
)  # fmt: skip
_NUMBERS = (0, 1, -1, 3, 64, -233, 2**16, 2**31, 10**40, 0.5, -1e30, float("nan"))
_DEEP = 3000
_PNG = b"\x89PNG\r\n\x1a\n"
_CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"udta", b"meta", b"iprp")


def mutate_png(data: bytes, random: Random) -> bytes:
    """Change, move, repeat or remove a chunk; all checksums are valid."""
    chunks = _split_png(data)
    if len(chunks) < 2:
        return mutate_bytes(data, random)
    place = random.randrange(len(chunks))
    name, content = chunks[place]
    action = random.randrange(6)
    if action == 0:
        del chunks[place]
    elif action == 1:
        chunks.insert(random.randrange(len(chunks)), (name, content))
    elif action == 2:
        chunks.insert(random.randrange(len(chunks)), chunks.pop(place))
    elif action == 3 and name in (b"IDAT", b"fdAT", b"zTXt", b"iCCP"):
        chunks[place] = (name, _recompress(content, random))
    else:
        chunks[place] = (name, mutate_bytes(content or b"\0", random))
    return _PNG + b"".join(map(_join_chunk, chunks))


def _split_png(data: bytes) -> list[tuple[bytes, bytes]]:
    chunks, place = [], len(_PNG)
    while place + 12 <= len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        chunks.append((data[place + 4 : place + 8], data[place + 8 : place + 8 + size]))
        place += 12 + size
    return chunks


def _join_chunk(chunk: tuple[bytes, bytes]) -> bytes:
    body = b"".join(chunk)
    return struct.pack(">I", len(chunk[1])) + body + struct.pack(">I", zlib.crc32(body))


def _recompress(content: bytes, random: Random) -> bytes:
    try:
        return zlib.compress(mutate_bytes(zlib.decompress(content), random))
    except zlib.error:
        return mutate_bytes(content or b"\0", random)


def mutate_boxes(data: bytes, random: Random) -> bytes:
    """Change, move, repeat or remove a box of MP4, MOV, AVIF or HEIC; lengths stay valid."""
    boxes = _split_boxes(data)
    if not boxes:
        return mutate_bytes(data, random)
    place = random.randrange(len(boxes))
    name, content = boxes[place]
    action = random.randrange(8)
    if action == 0:
        del boxes[place]
    elif action == 1:
        boxes.insert(random.randrange(len(boxes)), (name, content))
    elif action == 2:
        random.shuffle(boxes)
    elif action == 3:
        boxes[place] = (b"free", content)
    elif name in _CONTAINERS:
        head = 4 if name == b"meta" else 0
        boxes[place] = (name, content[:head] + mutate_boxes(content[head:], random))
    else:
        boxes[place] = (name, _set_fields(content, random))
    return b"".join(struct.pack(">I", len(c) + 8) + n + c for n, c in boxes)


def _split_boxes(data: bytes) -> list[tuple[bytes, bytes]]:
    boxes, place = [], 0
    while place + 8 <= len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        if size < 8 or place + size > len(data):
            return []
        boxes.append((data[place + 4 : place + 8], data[place + 8 : place + size]))
        place += size
    return boxes


def _set_fields(content: bytes, random: Random) -> bytes:
    """Write extreme integers at multiples of two bytes, mostly near the beginning."""
    changed = bytearray(content or bytes(8))
    for _ in range(random.choice((1, 1, 2, 4))):
        value = random.choice(INTEGERS)
        place = random.randrange(0, min(96, len(changed)), 2)
        changed[place : place + len(value)] = value
    return bytes(changed[: max(len(content), 8)])


def mutate_json(data: bytes, random: Random) -> bytes:
    """Replace, remove, repeat or nest a value, or change the text."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return mutate_bytes(data, random)
    action = random.randrange(10)
    if action == 0:
        return mutate_bytes(data, random)
    if action == 1:
        opening, closing = random.choice(((b"[", b"]"), (b'{"a":', b"}")))
        return opening * (_DEEP * 30) + b"1" + closing * (_DEEP * 30)
    holder = [value]
    place, key = random.choice(list(_list_places(holder)))
    if action == 2 and isinstance(place, dict):
        del place[key]
    elif action == 3:
        deep: Any = place[key]
        for _ in range(random.choice((3, 100, _DEEP // 10))):
            deep = random.choice(([deep], {"a": deep}))
        place[key] = deep
    elif action == 4:
        other, name = random.choice(list(_list_places(holder)))
        place[key] = copy.deepcopy(other[name])
    elif action == 5 and isinstance(place[key], str):
        place[key] = mutate_bytes(place[key].encode(), random).decode("utf-8", "replace")
    else:
        place[key] = random.choice(_EXTREMES)
    return _dump(holder[0]).encode()


def _dump(value: Any) -> str:
    with _numbers_of_any_length():
        return json.dumps(value)


@contextmanager
def _numbers_of_any_length() -> Iterator[None]:
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        yield
    finally:
        sys.set_int_max_str_digits(before)


def _list_places(value: Any) -> list[tuple[Any, Any]]:
    """List (container, key) of every value below a container."""
    places: list[tuple[Any, Any]] = []
    todo = [value]
    while todo:
        each = todo.pop()
        keys = range(len(each)) if isinstance(each, list) else list(each)
        places += [(each, key) for key in keys]
        todo += [each[key] for key in keys if isinstance(each[key], list | dict)]
    return places


def mutate_zip(data: bytes, random: Random) -> bytes:
    """Change, rename, repeat or remove a member; the archive stays valid."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [(info, archive.read(info)) for info in archive.infolist()]
    except Exception:  # noqa: BLE001  a damaged archive of the corpus
        return mutate_bytes(data, random)
    place = random.randrange(len(members))
    info, content = members[place]
    action = random.randrange(8)
    if action == 0:
        del members[place]
    elif action == 1:
        members.append((info, mutate_bytes(content or b"\0", random)))
    elif action == 2:
        info.filename = random.choice(("../x", "/x", "a" * 300, info.filename[:-1] or "x"))
    elif action == 3:
        info.compress_type = zipfile.ZIP_DEFLATED - info.compress_type
    else:
        members[place] = (info, _mutate_member(info.filename, content or b"\0", random))
    packed = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(packed, "w") as archive:
        for one, body in members:
            archive.writestr(one, body, compress_type=one.compress_type)
    return packed.getvalue()


def _mutate_member(name: str, content: bytes, random: Random) -> bytes:
    if name.endswith(".json"):
        return mutate_json(content, random)
    return mutate_npy(content, random) if name.endswith(".npy") else mutate_bytes(content, random)


def mutate_npy(data: bytes, random: Random) -> bytes:
    """Change the shape, the type or the order in the head of an array, or its bytes."""
    if not data.startswith(b"\x93NUMPY") or random.random() < 0.3:
        return mutate_bytes(data, random)
    size = int.from_bytes(data[8:10], "little")
    head, body = data[10 : 10 + size].decode("latin-1"), data[10 + size :]
    shapes = ("()", "(0,)", "(1,)", "(1000000000,)", "(9999999999999,)", "(-1,)", "(3, 0, 5)", "7")
    types = ("'|O'", "'<f8'", "'<U9'", "'|V3'", "'<c16'", "'<i8'", "'<M8[s]'", "'?'", "9")
    if random.random() < 0.6:
        head = re.sub(r"'shape': \([^)]*\)", f"'shape': {random.choice(shapes)}", head)
    else:
        head = re.sub(r"'descr': '[^']*'", f"'descr': {random.choice(types)}", head)
    text = head.rstrip().ljust(size - 1) + "\n"
    return data[:8] + struct.pack("<H", len(text)) + text.encode("latin-1") + body


def mutate_safetensors(data: bytes, random: Random) -> bytes:
    """Change the JSON head or its length."""
    size = int.from_bytes(data[:8], "little")
    if random.random() < 0.2:
        return mutate_bytes(data, random)
    head = mutate_json(data[8 : 8 + size], random)
    return len(head).to_bytes(8, "little") + head + data[8 + size :]


def mutate_protobuf(data: bytes, random: Random, depth: int = 0) -> bytes:
    """Change, move, repeat or remove a field of a message at any depth; lengths stay valid."""
    fields = _split_message(data)
    if not fields or depth > 12:
        return mutate_bytes(data or b"\0", random)
    place = random.randrange(len(fields))
    tag, content = fields[place]
    action = random.randrange(8)
    if action == 0:
        del fields[place]
    elif action == 1:
        fields.insert(random.randrange(len(fields)), fields[place])
    elif action == 2:
        random.shuffle(fields)
    elif tag & 7 == 2:
        fields[place] = (tag, mutate_protobuf(content, random, depth + 1))
    elif tag & 7 == 0:
        number = random.choice((0, 1, 2, 7, 16, 2**31, 2**62, 2**64 - 1, random.randrange(40)))
        fields[place] = (tag, _pack_varint(number))
    else:
        fields[place] = (tag, mutate_bytes(content, random)[: len(content)].ljust(len(content)))
    return b"".join(
        _pack_varint(t) + (_pack_varint(len(c)) if t & 7 == 2 else b"") + c for t, c in fields
    )


def _split_message(data: bytes) -> list[tuple[int, bytes]]:
    """Return tag and content of each field; [] if the bytes are not a message."""
    fields, place = [], 0
    with suppress(IndexError):
        while place < len(data):
            tag, place = _read_varint(data, place)
            if tag & 7 == 0:
                _, end = _read_varint(data, place)
            elif tag & 7 == 2:
                size, place = _read_varint(data, place)
                end = place + size
            elif tag & 7 in (1, 5):
                end = place + (8 if tag & 7 == 1 else 4)
            else:
                return []
            if tag < 8 or end > len(data):
                return []
            fields.append((tag, data[place:end]))
            place = end
        return fields
    return []


def _read_varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, place


def _pack_varint(number: int) -> bytes:
    packed = bytearray()
    while number > 0x7F:
        packed.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*packed, number))


def mutate_tar(data: bytes, random: Random) -> bytes:
    """Change the head of a member or a content, with a valid checksum and compression."""
    plain = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        members = [(m, (archive.extractfile(m) or io.BytesIO()).read()) for m in archive]
    info, _ = random.choice(members)
    action = random.randrange(6)
    if action == 0:
        info.name = random.choice(("../x", "/tmp/x", "a" * 300, ".", "", "x\0y", "a/" * 90 + "b"))
    elif action == 1:
        info.type = random.choice((b"1", b"2", b"3", b"4", b"5", b"6", b"S", b"L", b"x", b"9"))
        info.linkname = random.choice(("/etc/passwd", "..", ""))
    elif action == 2:
        info.mode, info.uid = random.randrange(1 << 12), random.choice((0, 2**21))
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for one, body in members:
            one.size = len(body)
            archive.addfile(one, io.BytesIO(body))
    plain = packed.getvalue() if action < 3 else mutate_bytes(plain, random)
    mixed = gzip.compress(plain, mtime=0) if data.startswith(b"\x1f\x8b") else plain
    return mutate_bytes(mixed, random) if action == 5 else mixed


def mutate_words(data: bytes, random: Random) -> bytes:
    """Change, move, repeat or remove a word of a text, or the value of a `key=value`."""
    words = re.split(rb"(\s+)", data)
    place = random.randrange(0, len(words), 2)
    action = random.randrange(5)
    if action == 0:
        words[place] = b""
    elif action == 1:
        words[place] = words[random.randrange(0, len(words), 2)]
    elif action == 2:
        words[place] += b" " + words[random.randrange(0, len(words), 2)]
    elif action == 3:
        words[place] = mutate_bytes(words[place] or b"0", random)
    else:
        key = words[place].partition(b"=")[0]
        words[place] = key + b"=" + str(random.choice(_NUMBERS)).encode()
    return b"".join(words)


_FORMATS: dict[str, Callable[..., bytes]] = {
    ".png": mutate_png,
    ".apng": mutate_png,
    ".mp4": mutate_boxes,
    ".mov": mutate_boxes,
    ".avif": mutate_boxes,
    ".heic": mutate_boxes,
    ".json": mutate_json,
    ".npz": mutate_zip,
    ".pt": mutate_zip,
    ".pt2": mutate_zip,
    ".whl": mutate_zip,
    ".npy": mutate_npy,
    ".safetensors": mutate_safetensors,
    ".onnx": mutate_protobuf,
    ".param": mutate_words,
    ".tar": mutate_tar,
    ".gz": mutate_tar,
    ".tgz": mutate_tar,
}


def mutate(suffix: str, data: bytes, random: Random) -> bytes:
    """Change a file: by its format mostly, else its bytes."""
    if not data:
        return random.randbytes(64)
    by_format: Mutation | None = _FORMATS.get(suffix)
    if by_format is None or random.random() < 0.25:
        return mutate_bytes(data, random)
    return by_format(data, random)
