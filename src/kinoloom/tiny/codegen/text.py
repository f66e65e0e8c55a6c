"""C text: literals, constant arrays and structures, and the selection of kernels."""

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
    """Return the C type of a numpy or tensor type; bits are stored in bytes."""
    return "uint8_t" if str(dtype) == "bits" else _TYPES[str(dtype)]


def float_literal(value: Any) -> str:
    """Format a float32 as a hexadecimal literal, which is exact."""
    return re.sub(r"\.?0*p", "p", float(np.float32(value)).hex()) + "f"


def number_literal(value: Any, dtype: str) -> str:
    """Format a number of an array."""
    return float_literal(value) if dtype == "float32" else str(int(value))


def format_array(name: str, values: Array) -> str:
    """Format a constant array."""
    dtype = str(values.dtype)
    body = ", ".join(number_literal(v, dtype) for v in values.ravel())
    lines = "\n".join(textwrap.wrap(body, 96, initial_indent="    ", subsequent_indent="    "))
    return f"static const {c_type(dtype)} {name}[{values.size}] = {{\n{lines}\n}};"


def format_struct(kind: str, name: str, fields: Iterable[object]) -> str:
    """Format a constant structure."""
    body = _wrapped(", ".join(str(f) for f in fields), "    ")
    return f"static const {kind} {name} = {{\n{body}\n}};"


def format_structs(kind: str, name: str, items: Sequence[Sequence[object]]) -> str:
    """Format a constant array of structures."""
    body = ",\n".join(
        textwrap.fill(format_braces(i), 96, initial_indent="    ", subsequent_indent="     ")
        for i in items
    )
    return f"static const {kind} {name}[{len(items)}] = {{\n{body}\n}};"


def format_call(line: str) -> str:
    """Format a statement of a function body, wrapped if it is long."""
    return _wrapped(line, "        ")


def _wrapped(text: str, indent: str) -> str:
    """Wrap text to 96 characters, without a break inside an AT() expression."""
    joined = re.sub(r"AT\((\w+), ", r"AT(\1,~", text)
    return textwrap.fill(joined, 96, initial_indent="    ", subsequent_indent=indent).replace(
        "~", " "
    )


def format_comment(op: Op, program: Program) -> str:
    """Format the comment before an operation: its kind, its layers and its result."""
    kind = re.sub(r"(?<!^)(?=[A-Z])", " ", type(op).__name__).lower()
    layers = op.layers() or op.outputs()[:1]
    results = [program.tensors[name] for name in op.outputs()[:1]]
    sizes = "".join(f": {' x '.join(str(n) for n in t.shape)} {t.dtype}" for t in results)
    return format_call(f"/* {kind} of {', '.join(layers)}{sizes} */")


def format_braces(fields: Sequence[object]) -> str:
    """Format a nested initialiser."""
    return "{" + ", ".join(str(f) for f in fields) + "}"


@cache
def read_kernel(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read a kernel file.

    Returns:
        (names of the kernels that it needs, its items: the blocks separated by blank lines).
    """
    text = (KERNELS / f"{name}.c").read_text(encoding="utf-8")
    first, _, rest = text.partition("\n")
    needs: tuple[str, ...] = ()
    if first.startswith("/* needs:"):
        needs, text = tuple(first.removeprefix("/* needs:").removesuffix("*/").split()), rest
    return needs, tuple(text.strip().split("\n\n"))


def collect_kernels(names: Iterable[str], callers: str) -> list[str]:
    """Return the items of kernels that `callers` use, directly or indirectly, in dependency order.

    Args:
        names: kernel files that the callers need.
        callers: the C text that calls them.
    """
    items: dict[str, None] = {}

    def visit(name: str) -> None:
        needs, file_items = read_kernel(name)
        for other in needs:
            visit(other)
        items.update(dict.fromkeys(file_items))

    for name in sorted(names):
        visit(name)
    return drop_unused(list(items), callers)


_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_NAME = re.compile(r"\bkl_\w+|\bKL_\w+")
_DEFINED = re.compile(r"^static [^\n=]*?\b(kl_\w+)\(|^} (kl_\w+);$|^#define (KL_\w+)", re.MULTILINE)


def drop_unused(items: list[str], callers: str) -> list[str]:
    """Drop the items whose definitions neither `callers` nor another used item refers to."""
    stripped = [_COMMENT.sub("", item) for item in items]
    defined = [
        {name for groups in _DEFINED.findall(item) for name in groups if name} for item in stripped
    ]
    used, count = set(_NAME.findall(callers)), -1
    while count != len(used):
        count = len(used)
        for item, names in zip(stripped, defined, strict=True):
            if names & used or not names:
                used |= set(_NAME.findall(item))
    return [item for item, names in zip(items, defined, strict=True) if names & used or not names]
