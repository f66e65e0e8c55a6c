"""SVG charts of the arena over time and of lines over steps, in a light and a dark scheme."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence

from kinoloom.tiny.ir.program import Program
from kinoloom.tiny.planning.arena import Plan

COLOURS = {
    "int8": "#3b7dd8",
    "float32": "#d8743b",
    "bits": "#4aa564",
    "uint8": "#4aa564",
    "scratch": "#999999",
}
STYLE = (
    "text{fill:#1c1e21}.ink{stroke:#1c1e21}.grid{stroke:#dfe2e6}.gap{stroke:#fff}"
    "@media(prefers-color-scheme:dark){text{fill:#e9eaec}.ink{stroke:#e9eaec}"
    ".grid{stroke:#33373d}.gap{stroke:#16181b}}"
)


def _svg(width: float, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'font-family="sans-serif" font-size="13"><style>{STYLE}</style>{"".join(parts)}</svg>'
    )


def _text(x: float, y: float, content: object, anchor: str = "start") -> str:
    escaped = html.escape(str(content))
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escaped}</text>'


def draw_arena(program: Program, plan: Plan) -> str:
    """Draw the arena: one rectangle per block, addresses upwards, time to the right.

    int8 is blue, float32 orange, masks green, scratch memory grey.
    """
    width, height, left = 720, 320, 70
    peak, length = max(plan.peak, 1), max(plan.length, 1)
    dx, dy = width / length, height / peak
    parts = []
    for block in plan.blocks:
        name = block.names[0]
        kind = "scratch" if name.startswith("scratch:") else program.tensors[name].dtype
        for start, end, size in block.spans():
            x, y = left + start * dx, height - (block.offset + size) * dy
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{(end - start + 1) * dx:.1f}" '
                f'height="{size * dy:.2f}" fill="{COLOURS[kind]}" class="gap" '
                f'stroke-width="0.4"><title>{", ".join(block.names)}: {size} bytes at '
                f"{block.offset}</title></rect>"
            )
    boundary = left + program.inference * dx
    parts += [
        f'<path d="M{boundary:.1f} 0V{height}" class="ink" stroke-dasharray="4 3"/>',
        _text(left - 6, 12, f"{plan.peak} B", "end"),
        _text(left - 6, height, 0, "end"),
        _text(left, height + 18, "forward"),
    ]
    if program.label:
        parts.append(_text(boundary + 4, height + 18, "backward and updates"))
    return _svg(width + left, height + 26, parts)


def round_up_axis(value: float) -> float:
    """Round up to 1, 2, 4, 6 or 8 times a power of ten, so that quarters have short labels."""
    power = 10 ** math.floor(math.log10(value)) if value > 0 else 1
    return next(n * power for n in (1, 2, 4, 6, 8, 10) if n * power >= value)


LINE_COLOURS = ("#3b7dd8", "#d8743b", "#4aa564", "#a05fc0")
LINE_DASHES = ("", "", "", ' stroke-dasharray="7 4"')


def draw_lines(steps: Sequence[int], lines: Mapping[str, Sequence[float]], top: float) -> str:
    """Draw up to four named lines over `steps`.

    Args:
        steps: x values, ascending from 0.
        lines: y values by name.
        top: upper end of the y axis, which starts at 0; values are clipped to the axis.
    """
    width, height, left = 640, 250, 44
    x_scale, y_scale = width / max(steps[-1], 1), height / top
    parts = []
    for part in range(5):
        y, x = height + 8 - part * height / 4, left + part * width / 4
        parts.append(f'<path d="M{left} {y:.1f}h{width}" class="grid"/>')
        parts.append(_text(left - 6, y + 4, f"{part * top / 4:.3g}", "end"))
        parts.append(_text(x, height + 26, round(part * steps[-1] / 4), "middle"))
    for number, (name, values) in enumerate(lines.items()):
        colour, dash = LINE_COLOURS[number], LINE_DASHES[number]
        points = " ".join(
            f"{left + step * x_scale:.1f},{height + 8 - min(max(value, 0), top) * y_scale:.1f}"
            for step, value in zip(steps, values, strict=True)
        )
        stroke = f'fill="none" stroke="{colour}" stroke-width="2.2"{dash}'
        x, y = left + number % 2 * width / 2, height + 50 + number // 2 * 20
        parts += [
            f'<polyline points="{points}" {stroke}/>',
            f'<path d="M{x:.1f} {y - 4}h26" {stroke}/>',
            _text(x + 34, y, name),
        ]
    return _svg(width + left + 24, height + 58 + (len(lines) - 1) // 2 * 20, parts)
