"""SVG elements of the diagrams; all text is escaped."""

from __future__ import annotations

import html
from collections.abc import Collection, Iterable

FILLS = {
    "Succeeded": "#2e7d4f", "Failed": "#b3372f", "Stopped": "#8a5aa8", "Executing": "#c28a1b",
    "Cached": "#3f7f9f",
}  # fmt: skip
IDLE = "#9aa3ab"


def step_fill(status: str, cache: str = "") -> str:
    """Return the colour of a step."""
    if cache.startswith("cache hit"):
        return FILLS["Cached"]
    return FILLS.get(status, IDLE)


def document(width: float, height: float, parts: Iterable[str]) -> bytes:
    """Return a document with a white background."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="sans-serif" font-size="12">'
    )
    background = f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>'
    return "\n".join([head, background, *parts, "</svg>"]).encode()


def box(x: float, y: float, width: float, height: float, fill: str) -> str:
    """Return a rectangle with rounded corners."""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="5" '
        f'fill="{fill}"/>'
    )


def text(x: float, y: float, content: str, fill: str = "#20262b", anchor: str = "start") -> str:
    """Return a line of text; `y` is its baseline."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{fill}" text-anchor="{anchor}">'
        f"{html.escape(content)}</text>"
    )


def tick(x: float, y0: float, y1: float) -> str:
    """Return a vertical line of a scale."""
    return f'<path d="M{x:.1f},{y0:.1f} V{y1:.1f}" stroke="#dfe3e6" stroke-width="1"/>'


def curve(x0: float, y0: float, x1: float, y1: float, *, dashed: bool = False) -> str:
    """Return a curved line from one point down to another."""
    middle = (y0 + y1) / 2
    dash = ' stroke-dasharray="4 3"' if dashed else ""
    return (
        f'<path d="M{x0:.1f},{y0:.1f} C{x0:.1f},{middle:.1f} {x1:.1f},{middle:.1f} '
        f'{x1:.1f},{y1:.1f}" fill="none" stroke="#7b858d" stroke-width="1.3"{dash}/>'
    )


def legend(x: float, y: float, shown: Collection[str]) -> list[str]:
    """Return a legend of the colours in `shown` in one line."""
    parts = []
    for name, fill in [*FILLS.items(), ("not run", IDLE)]:
        if fill not in shown:
            continue
        parts += [box(x, y - 9, 10, 10, fill), text(x + 14, y, name)]
        x += 30 + 7 * len(name)
    return parts
