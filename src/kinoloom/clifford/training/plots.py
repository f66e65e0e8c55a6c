"""Line plots as SVG, for reports: no library draws them, so that a report needs none."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from kinoloom.base.report import Picture

_WIDTH, _HEIGHT = 560, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 12, 28, 42
_LETTER, _GAP = 7, 20  # about so wide is a letter of a name above the plot, and what is between two
_DECADES = 8
_COLOURS = ("#1f4e9c", "#c1440e", "#7a7a7a", "#2e7d32", "#8e24aa", "#b8860b")


def line_plot(
    title: str,
    lines: Mapping[str, Sequence[float]],
    *,
    x: str,
    first_x: int = 0,
    logarithmic: bool = False,
) -> Picture:
    """Several lines over whole numbers.

    Args:
        title: of the section.
        lines: heights by name, from `first_x` on; on a logarithmic axis, those that are not
            positive are left out, and the axis ends eight decades below the highest.
        x: what is counted.
        first_x: where lines begin.
        logarithmic: whether heights are shown as powers of ten.
    """
    drawn = {name: _points(values, first_x, logarithmic) for name, values in lines.items()}
    every = [point for points in drawn.values() for point in points] or [(0.0, 0.0)]
    low_x, high_x = _span([point[0] for point in every])
    low, high = _span([point[1] for point in every])
    low = max(low, high - _DECADES) if logarithmic else low
    written = float(_LEFT)

    def place(px: float, py: float) -> tuple[float, float]:
        across = (px - low_x) / (high_x - low_x) * (_WIDTH - _LEFT - _RIGHT)
        up = (max(py, low) - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)
        return round(_LEFT + across, 1), round(_HEIGHT - _BOTTOM - up, 1)

    parts = _frame(x, (low_x, high_x), (low, high), logarithmic)
    for number, (name, points) in enumerate(drawn.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        path = " ".join(f"{a},{b}" for a, b in (place(*point) for point in points))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(_text(written, _TOP - 10, name, colour))
        written += _LETTER * len(name) + _GAP
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'width="{_WIDTH}" font-family="sans-serif" font-size="12">{"".join(parts)}</svg>'
    )
    axis = ", on a logarithmic axis" if logarithmic else ""
    return Picture(svg.encode(), "image/svg+xml", f"{', '.join(lines)} by {x}{axis}", title)


def _points(values: Sequence[float], first: int, logarithmic: bool) -> list[tuple[float, float]]:
    numbered = [(float(first + k), float(value)) for k, value in enumerate(values)]
    if logarithmic:
        return [(k, math.log10(value)) for k, value in numbered if 0 < value < math.inf]
    return [point for point in numbered if math.isfinite(point[1])]


def _span(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _frame(
    x: str, across: tuple[float, float], up: tuple[float, float], logarithmic: bool
) -> list[str]:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    low, high = (f"{10**end:.2g}" if logarithmic else f"{end:.3g}" for end in up)
    return [
        f'<rect x="0" y="0" width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<path d="M{_LEFT} {_TOP}V{bottom}H{right}" fill="none" stroke="#444"/>',
        _text(_LEFT - 6, _TOP + 10, high, "#444", "end"),
        _text(_LEFT - 6, bottom, low, "#444", "end"),
        _text(_LEFT, bottom + 16, f"{across[0]:g}", "#444"),
        _text(right, bottom + 16, f"{across[1]:g}", "#444", "end"),
        _text((_LEFT + right) / 2, bottom + 32, x, "#444", "middle"),
    ]


def _text(x: float, y: float, text: str, colour: str, anchor: str = "start") -> str:
    where = f'x="{x:g}" y="{y:g}" text-anchor="{anchor}"'
    return f'<text {where} fill="{colour}">{escape(text)}</text>'
