"""The few words of SVG that the pictures need; every text is escaped."""

from __future__ import annotations

import html
from collections.abc import Collection, Iterable

FILLS = {
    "Succeeded": "#2e7d4f", "Failed": "#b3372f", "Stopped": "#8a5aa8", "Executing": "#c28a1b",
    "Taken over": "#3f7f9f",
}  # fmt: skip
IDLE = "#9aa3ab"


def fill_of(status: str, cache: str = "") -> str:
    """The colour of a step."""
    if cache.startswith("taken over"):
        return FILLS["Taken over"]
    return FILLS.get(status, IDLE)


def picture(width: float, height: float, parts: Iterable[str]) -> bytes:
    """A whole picture on white."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="sans-serif" font-size="12">'
    )
    back = f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>'
    return "\n".join([head, back, *parts, "</svg>"]).encode()


def box(x: float, y: float, width: float, height: float, fill: str) -> str:
    """A rectangle with round corners."""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="5" '
        f'fill="{fill}"/>'
    )


def words(x: float, y: float, text: str, fill: str = "#20262b", anchor: str = "start") -> str:
    """A line of text; `y` is its base line."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{fill}" text-anchor="{anchor}">'
        f"{html.escape(text)}</text>"
    )


def upright(x: float, y0: float, y1: float) -> str:
    """A thin line for a picture's scale."""
    return f'<path d="M{x:.1f},{y0:.1f} V{y1:.1f}" stroke="#dfe3e6" stroke-width="1"/>'


def curve(x0: float, y0: float, x1: float, y1: float, *, dashed: bool = False) -> str:
    """A line from one point down to another."""
    middle = (y0 + y1) / 2
    dash = ' stroke-dasharray="4 3"' if dashed else ""
    return (
        f'<path d="M{x0:.1f},{y0:.1f} C{x0:.1f},{middle:.1f} {x1:.1f},{middle:.1f} '
        f'{x1:.1f},{y1:.1f}" fill="none" stroke="#7b858d" stroke-width="1.3"{dash}/>'
    )


def legend(x: float, y: float, shown: Collection[str]) -> list[str]:
    """What the colours that are shown mean, in one line."""
    parts = []
    for name, fill in [*FILLS.items(), ("not run", IDLE)]:
        if fill not in shown:
            continue
        parts += [box(x, y - 9, 10, 10, fill), words(x + 14, y, name)]
        x += 30 + 7 * len(name)
    return parts
