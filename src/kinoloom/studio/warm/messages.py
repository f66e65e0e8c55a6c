"""Messages between the server and a warm process: a JSON object and bytes, with their lengths."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any, BinaryIO

from kinoloom.base.provenance import to_jsonable

_HEAD = struct.Struct(">II")
HEAD_BYTES = _HEAD.size


def pack(values: Mapping[str, Any], data: bytes = b"") -> bytes:
    """Return a message as bytes."""
    text = json.dumps(to_jsonable(values)).encode()
    return _HEAD.pack(len(text), len(data)) + text + data


def lengths(head: bytes) -> tuple[int, int]:
    """Return the lengths of the JSON and of the bytes that follow a head."""
    text, data = _HEAD.unpack(head)
    return text, data


def parse(text: bytes) -> dict[str, Any]:
    """Return the JSON object of a message."""
    values: dict[str, Any] = json.loads(text)
    return values


def read(stream: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """Read a message, or return None at the end of the stream."""
    head = stream.read(HEAD_BYTES)
    if len(head) < HEAD_BYTES:
        return None
    text, data = lengths(head)
    return parse(stream.read(text)), stream.read(data)
