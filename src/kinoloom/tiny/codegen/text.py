"""Numbers and arrays as C text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from kinoloom.tiny.ir import Array

KERNELS = Path(__file__).parents[1] / "c"
_TYPES = {
    "int8": "int8_t",
    "uint8": "uint8_t",
    "int16": "int16_t",
    "uint16": "uint16_t",
    "int32": "int32_t",
    "float32": "float",
}


def c_type(dtype: Any) -> str:
    """The C type of a numpy or tensor type; bits are bytes."""
    return "uint8_t" if str(dtype) == "bits" else _TYPES[str(dtype)]


def real(value: Any) -> str:
    """A float32 literal that is read back as the same bits."""
    return f"{float(np.float32(value)).hex()}f"


def literal(value: Any, dtype: str) -> str:
    """A number of an array."""
    return real(value) if dtype == "float32" else str(int(value))


def array(name: str, values: Array) -> str:
    """A constant array."""
    dtype = str(values.dtype)
    body = ", ".join(literal(v, dtype) for v in values.ravel())
    lines = "\n".join(textwrap.wrap(body, 96, initial_indent="    ", subsequent_indent="    "))
    return f"static const {c_type(dtype)} {name}[{values.size}] = {{\n{lines}\n}};"


def struct(kind: str, name: str, fields: Iterable[object]) -> str:
    """A constant structure."""
    body = textwrap.fill(
        ", ".join(str(f) for f in fields), 96, initial_indent="    ", subsequent_indent="    "
    )
    return f"static const {kind} {name} = {{\n{body}\n}};"


def braces(fields: Sequence[object]) -> str:
    """A nested initialiser."""
    return "{" + ", ".join(str(f) for f in fields) + "}"


@cache
def kernel(name: str) -> tuple[tuple[str, ...], str]:
    """The kernels that one needs, and its text without that line."""
    text = (KERNELS / f"{name}.c").read_text(encoding="utf-8")
    first, _, rest = text.partition("\n")
    if first.startswith("/* needs:"):
        return tuple(first.removeprefix("/* needs:").removesuffix("*/").split()), rest
    return (), text


def kernels(names: Iterable[str]) -> list[str]:
    """The texts of kernels and all that they need, each once, in an order that compiles."""
    done: dict[str, str] = {}

    def take(name: str) -> None:
        if name not in done:
            needs, text = kernel(name)
            for other in needs:
                take(other)
            done[name] = text

    for name in sorted(names):
        take(name)
    return list(done.values())
