"""What the rules write into: declarations, kernels that are needed, calls."""

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
    """The C of a program as far as it is written.

    Attributes:
        tables: texts of constant arrays and structures, in order, by name.
        used: names of kernels.
        lines: calls, one list for each operation.
    """

    program: Program
    plan: Plan
    tables: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    lines: list[list[str]] = field(default_factory=list)

    def add_op(self, op: Op, kernel: str, calls: str | list[str]) -> None:
        """Take in the call or calls of an operation, and the kernels that they need."""
        self.used |= set(kernel.split())
        lines = [calls] if isinstance(calls, str) else calls
        self.lines.append(
            [format_comment(op, self.program), *(format_call(line) for line in lines)]
        )

    def ptr(self, name: str) -> str:
        """A pointer to a work tensor; a null pointer for none."""
        if not name:
            return "0"
        tensor = self.program.tensors[name]
        if tensor.role == "param":
            return name
        if tensor.role == "constant":
            return self.constant(name)
        return f"AT({c_type(tensor.dtype)}, {self.plan.offset(name)})"

    def scratch_ptr(self, number: int, dtype: str = "int8") -> str:
        """A pointer to the scratch memory of the operation of a number."""
        return f"AT({c_type(dtype)}, {self.plan.offset(f'scratch:{number}')})"

    def constant(self, name: str) -> str:
        """The name of a constant or param, declared if it is not yet; a null pointer for none."""
        if not name:
            return "0"
        if name not in self.program.initial:
            self.tables.setdefault(name, format_array(name, self.program.constants[name]))
        return name

    def channels(self, owner: str, channels: tuple[int, ...] | list[int]) -> str:
        """The name of a table of channels."""
        name = f"{owner}_channels"
        self.tables.setdefault(name, format_array(name, np.array(channels, np.uint16)))
        return name

    def declare(self, kind: str, name: str, *fields: object) -> str:
        """A pointer to a new constant structure."""
        self.tables.setdefault(name, format_struct(kind, name, fields))
        return f"&{name}"

    def format_parts(self, weights: Weights, g: Geometry) -> tuple[str, str]:
        """The initialisers of the frozen and the trained part."""
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
    """The initialiser of a geometry; a whole picture whose pixels do not meet is one row."""
    if g.is_pointwise and whole:
        g = replace(g, ih=1, iw=g.ih * g.iw, oh=1, ow=g.oh * g.ow)
    return format_braces(
        [g.cin, g.ih, g.iw, g.cout, g.oh, g.ow, g.kh, g.kw, g.sy, g.sx, g.py, g.px, g.dy, g.dx,
         g.groups]
    )  # fmt: skip


def declare_conv(w: Writer, op: Conv, *, whole: bool = True) -> str:
    """The structure of a forward convolution."""
    return w.declare("kl_conv", f"{op.y}_conv", *conv_fields(w, op, whole=whole))


def conv_fields(w: Writer, op: Conv, *, whole: bool = False) -> tuple[object, ...]:
    """The fields of that structure."""
    return (
        format_geometry(op.geometry, whole=whole), *w.format_parts(op.weights, op.geometry),
        w.constant(op.bias), w.constant(op.multipliers), w.constant(op.shifts),
        w.constant(op.factors), op.x_zero, op.y_zero, op.low, op.high,
    )  # fmt: skip


Emission = tuple[str, str | list[str]]
"""The names of kernels, and the call or calls."""
