"""The state of code generation: declarations, needed kernels and calls."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from kinoloom.tiny.codegen.text import (
    c_type,
    format_array,
    format_braces,
    format_call,
    format_comment,
    format_struct,
)
from kinoloom.tiny.ir.forward_ops import Conv
from kinoloom.tiny.ir.program import Geometry, Op, Program, Weights
from kinoloom.tiny.planning.arena import Plan


@dataclass
class Writer:
    """The C code of a program that has been written so far.

    Attributes:
        program: the program.
        plan: its memory plan.
        tables: definitions of constant arrays and structures, by name.
        used: names of the needed kernel files.
        lines: one list of statements per operation.
    """

    program: Program
    plan: Plan
    tables: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    lines: list[list[str]] = field(default_factory=list)

    def add_op(self, op: Op, kernel: str, calls: str | list[str]) -> None:
        """Append the calls of an operation and note the kernels that they need."""
        self.used |= set(kernel.split())
        lines = [calls] if isinstance(calls, str) else calls
        self.lines.append(
            [format_comment(op, self.program), *(format_call(line) for line in lines)]
        )

    def ptr(self, name: str) -> str:
        """Return an expression that points to a tensor; "0", a null pointer, for none."""
        if not name:
            return "0"
        tensor = self.program.tensors[name]
        if tensor.role == "param":
            return name
        if tensor.role == "constant":
            return self.constant(name)
        return f"AT({c_type(tensor.dtype)}, {self.plan.offset(name)})"

    def scratch_ptr(self, number: int, dtype: str = "int8") -> str:
        """Return an expression that points to the scratch memory of operation `number`."""
        return f"AT({c_type(dtype)}, {self.plan.offset(f'scratch:{number}')})"

    def constant(self, name: str) -> str:
        """Declare a constant if needed and return its name; "0", a null pointer, for none."""
        if not name:
            return "0"
        if name not in self.program.initial:
            self.tables.setdefault(name, format_array(name, self.program.constants[name]))
        return name

    def channels(self, owner: str, channels: tuple[int, ...] | list[int]) -> str:
        """Declare a table of channels and return its name."""
        name = f"{owner}_channels"
        self.tables.setdefault(name, format_array(name, np.array(channels, np.uint16)))
        return name

    def declare(self, kind: str, name: str, *fields: object) -> str:
        """Declare a constant structure and return an expression that points to it."""
        self.tables.setdefault(name, format_struct(kind, name, fields))
        return f"&{name}"

    def format_parts(self, weights: Weights, g: Geometry) -> tuple[str, str]:
        """Return the initialisers of the frozen and of the trained part."""
        ins, none = g.cin // g.groups, format_braces([0, 0, 0])
        if not weights.trained:
            return format_braces([self.constant(weights.frozen), 0, ins]), none
        if not weights.frozen:
            return none, format_braces([weights.trained, 0, ins])
        rest = [c for c in range(ins) if c not in weights.updated]
        frozen = [self.constant(weights.frozen), self.channels(weights.frozen, rest), len(rest)]
        table = self.channels(weights.trained, weights.updated)
        return format_braces(frozen), format_braces([weights.trained, table, len(weights.updated)])


def format_geometry(g: Geometry, *, whole: bool = True) -> str:
    """Return the initialiser of a geometry.

    Args:
        g: the geometry.
        whole: whether all rows are computed at once; a pointwise convolution is then one row.
    """
    if g.is_pointwise and whole:
        g = replace(g, ih=1, iw=g.ih * g.iw, oh=1, ow=g.oh * g.ow)
    return format_braces(
        [g.cin, g.ih, g.iw, g.cout, g.oh, g.ow, g.kh, g.kw, g.sy, g.sx, g.py, g.px, g.dy, g.dx,
         g.groups]
    )  # fmt: skip


def declare_conv(w: Writer, op: Conv, *, whole: bool = True) -> str:
    """Declare the structure of a forward convolution and return a pointer to it."""
    return w.declare("kl_conv", f"{op.y}_conv", *conv_fields(w, op, whole=whole))


def conv_fields(w: Writer, op: Conv, *, whole: bool = False) -> tuple[object, ...]:
    """Return the fields of the structure of a forward convolution."""
    return (
        format_geometry(op.geometry, whole=whole), *w.format_parts(op.weights, op.geometry),
        w.constant(op.bias), w.constant(op.multipliers), w.constant(op.shifts),
        w.constant(op.factors), op.x_zero, op.y_zero, op.low, op.high,
    )  # fmt: skip


Emission = tuple[str, str | list[str]]
"""(names of kernel files, the call or calls)."""
