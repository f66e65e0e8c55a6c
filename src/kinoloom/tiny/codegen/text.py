"""Numbers and arrays as C text."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from kinoloom.tiny.ir.program import Array, Op, Program

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


def float_literal(value: Any) -> str:
    """A float32 literal that is read back as the same bits."""
    return re.sub(r"\.?0*p", "p", float(np.float32(value)).hex()) + "f"


def number_literal(value: Any, dtype: str) -> str:
    """A number of an array."""
    return float_literal(value) if dtype == "float32" else str(int(value))


def format_array(name: str, values: Array) -> str:
    """A constant array."""
    dtype = str(values.dtype)
    body = ", ".join(number_literal(v, dtype) for v in values.ravel())
    lines = "\n".join(textwrap.wrap(body, 96, initial_indent="    ", subsequent_indent="    "))
    return f"static const {c_type(dtype)} {name}[{values.size}] = {{\n{lines}\n}};"


def format_struct(kind: str, name: str, fields: Iterable[object]) -> str:
    """A constant structure."""
    body = _wrapped(", ".join(str(f) for f in fields), "    ")
    return f"static const {kind} {name} = {{\n{body}\n}};"


def format_structs(kind: str, name: str, items: Sequence[Sequence[object]]) -> str:
    """A constant array of structures."""
    body = ",\n".join(
        textwrap.fill(format_braces(i), 96, initial_indent="    ", subsequent_indent="     ")
        for i in items
    )
    return f"static const {kind} {name}[{len(items)}] = {{\n{body}\n}};"


def format_call(line: str) -> str:
    """A statement of a function's body, broken where it is long."""
    return _wrapped(line, "        ")


def _wrapped(text: str, indent: str) -> str:
    """Lines of at most 96 characters, of which none ends within a place in the arena."""
    joined = re.sub(r"AT\((\w+), ", r"AT(\1,~", text)
    return textwrap.fill(joined, 96, initial_indent="    ", subsequent_indent=indent).replace(
        "~", " "
    )


def format_comment(op: Op, program: Program) -> str:
    """The comment before the calls of an operation: what it is, of which layer, what it makes."""
    kind = re.sub(r"(?<!^)(?=[A-Z])", " ", type(op).__name__).lower()
    layers = op.layers() or op.outputs()[:1]
    made = [program.tensors[name] for name in op.outputs()[:1]]
    sizes = "".join(f": {' x '.join(str(n) for n in t.shape)} {t.dtype}" for t in made)
    return format_call(f"/* {kind} of {', '.join(layers)}{sizes} */")


def format_braces(fields: Sequence[object]) -> str:
    """A nested initialiser."""
    return "{" + ", ".join(str(f) for f in fields) + "}"


@cache
def read_kernel(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The kernels that one needs, and its items: what blank lines set apart in its file."""
    text = (KERNELS / f"{name}.c").read_text(encoding="utf-8")
    first, _, rest = text.partition("\n")
    needs: tuple[str, ...] = ()
    if first.startswith("/* needs:"):
        needs, text = tuple(first.removeprefix("/* needs:").removesuffix("*/").split()), rest
    return needs, tuple(text.strip().split("\n\n"))


def collect_kernels(names: Iterable[str], callers: str) -> list[str]:
    """What `callers` use of kernels, directly or not, in an order that compiles."""
    items: dict[str, None] = {}

    def take(name: str) -> None:
        needs, own = read_kernel(name)
        for other in needs:
            take(other)
        items.update(dict.fromkeys(own))

    for name in sorted(names):
        take(name)
    return drop_unused(list(items), callers)


_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_NAME = re.compile(r"\bkl_\w+|\bKL_\w+")
_DEFINED = re.compile(r"^static [^\n=]*?\b(kl_\w+)\(|^} (kl_\w+);$|^#define (KL_\w+)", re.MULTILINE)


def drop_unused(items: list[str], callers: str) -> list[str]:
    """The items that define a name which `callers` or another used item holds; and all others."""
    plain = [_COMMENT.sub("", item) for item in items]
    defined = [
        {name for found in _DEFINED.findall(item) for name in found if name} for item in plain
    ]
    wanted, count = set(_NAME.findall(callers)), -1
    while count != len(wanted):
        count = len(wanted)
        for item, names in zip(plain, defined, strict=True):
            if names & wanted or not names:
                wanted |= set(_NAME.findall(item))
    return [item for item, names in zip(items, defined, strict=True) if names & wanted or not names]
