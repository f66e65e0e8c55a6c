"""Charts of a compiled program: the arena over time, and learning curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kinoloom.base.charts import Color, Line, Rect, line_plot, rectangle_plot
from kinoloom.tiny.ir.program import Program
from kinoloom.tiny.planning.arena import Plan

_KINDS = {
    "int8": "int8",
    "float32": "float32",
    "bits": "mask",
    "uint8": "mask",
    "scratch": "scratch memory",
}
_COLOURS: dict[str, Color] = {
    "int8": "blue",
    "float32": "orange",
    "mask": "green",
    "scratch memory": "grey",
}


def draw_arena(program: Program, plan: Plan) -> bytes:
    """Draw the arena: one rectangle per block, addresses upwards, time to the right."""
    rects = []
    for block in plan.blocks:
        name = block.names[0]
        dtype = "scratch" if name.startswith("scratch:") else program.tensors[name].dtype
        for start, end, size in block.spans():
            top = block.offset + size
            title = f"{', '.join(block.names)}: {size} bytes at {block.offset}"
            rects.append(Rect(start, end + 1, block.offset, top, _KINDS[dtype], title))
    phases = {"forward": 0.0}
    if program.label:
        phases["backward and updates"] = float(program.inference)
    return rectangle_plot(rects, _COLOURS, phases=phases, y_label="address in bytes")


def draw_lines(steps: Sequence[int], lines: Mapping[str, Sequence[float]], top: float) -> bytes:
    """Draw named lines over training steps.

    Args:
        steps: x values, ascending from 0.
        lines: y values by name; the fourth line is dashed.
        top: the y axis covers 0 to `top`; values are clipped to it.
    """
    drawn = [Line(name, steps, y, dashed=k == 3) for k, (name, y) in enumerate(lines.items())]
    return line_plot(drawn, x_label="training step", y_limits=(0, top or 1))
