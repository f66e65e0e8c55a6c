"""Rectangles over time: a map of coloured blocks, and Gantt charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kinoloom.base.charts.axes import (
    Axis,
    draw_x_axis,
    draw_y_grid,
    draw_y_label,
    format_ticks,
    round_grid,
    round_ticks,
)
from kinoloom.base.charts.svg import (
    Color,
    box,
    document,
    escape,
    fill_legend,
    fill_of,
    stroke,
    text,
    text_width,
)
from kinoloom.errors import ArrayError

_WIDTH, _HEIGHT, _EDGE, _ROW_PX = 720.0, 300.0, 16.0, 26.0
_MIN_PLOT_PX = 360.0
_MAX_TICKS = 8


@dataclass(frozen=True)
class Rect:
    """A rectangle in the coordinates of the data.

    Attributes:
        x0, x1: its sides, `x0` < `x1`.
        y0, y1: its lower and upper side, `y0` < `y1`.
        kind: its category, which selects its colour and is an entry of the legend.
        title: tooltip; "" for none.
    """

    x0: float
    x1: float
    y0: float
    y1: float
    kind: str
    title: str = ""


@dataclass(frozen=True)
class Bar:
    """A row of a Gantt chart.

    Attributes:
        name: of the row, written before it.
        start_s, length_s: start and duration in seconds, not negative.
        kind: its category, which selects its colour and is an entry of the legend.
        label: written on the bar, or after it if the bar is too short.
    """

    name: str
    start_s: float
    length_s: float
    kind: str
    label: str = ""


def rectangle_plot(
    rects: Sequence[Rect],
    colors: Mapping[str, Color],
    *,
    phases: Mapping[str, float] | None = None,
    y_label: str = "",
) -> bytes:
    """Plot rectangles over time, with values from 0 upwards.

    Args:
        rects: where they overlap, later ones are on top.
        colors: by kind, in the order of the legend.
        phases: where named sections of the horizontal axis start, in ascending order.
        y_label: name of the vertical axis.

    Returns:
        An SVG document.

    Raises:
        UsageError: a kind has no valid colour.
    """
    ticks = round_grid(0, max((rect.y1 for rect in rects), default=0) or 1, _MAX_TICKS)
    labels = format_ticks(ticks)
    left = _EDGE + max(map(text_width, labels)) + (20 if y_label else 0)
    right = _WIDTH - _EDGE
    parts, top = fill_legend((rect.kind for rect in rects), colors, left, right - left)
    bottom = top + _HEIGHT
    first = min((rect.x0 for rect in rects), default=0)
    x = Axis(first, max((rect.x1 for rect in rects), default=first + 1), left, right)
    y = Axis(0, ticks[-1], bottom, top)
    parts += draw_y_grid(y, left, right, ticks, labels)
    parts += [draw_y_label(y_label, (top + bottom) / 2)] if y_label else []
    parts += [_rect(rect, x, y, fill_of(rect.kind, colors)) for rect in rects]
    parts += draw_x_axis(x, bottom, [], [])
    for name, start in (phases or {}).items():
        at = x.place(start)
        if start > x.low:
            parts.append(stroke(f"M{at:.1f} {top:.1f}V{bottom + 20:.1f}", "axis", dashed=True))
        parts.append(text(at + (6 if start > x.low else 0), bottom + 18, name, style="soft"))
    return document(_WIDTH, bottom + (28 if phases else 12), parts)


def _rect(rect: Rect, x: Axis, y: Axis, fill: str) -> str:
    left, right, top = x.place(rect.x0), x.place(rect.x1), y.place(rect.y1)
    size = f'width="{right - left:.2f}" height="{y.place(rect.y0) - top:.2f}"'
    title = f"<title>{escape(rect.title)}</title>" if rect.title else ""
    return f'<rect x="{left:.2f}" y="{top:.2f}" {size} class="gap {fill}">{title}</rect>'


def gantt_chart(bars: Sequence[Bar], colors: Mapping[str, Color]) -> bytes:
    """Plot one bar per row over time.

    Args:
        bars: from top to bottom, at least one.
        colors: by kind, in the order of the legend.

    Returns:
        An SVG document.

    Raises:
        ArrayError: there are no bars.
        UsageError: a kind has no valid colour.
    """
    if not bars:
        raise ArrayError("There are no bars to plot: expected at least one.")
    end_s = max(1e-3, *(bar.start_s + bar.length_s for bar in bars))
    ticks = round_ticks(0, end_s, _MAX_TICKS)
    left = _EDGE + 8 + max(text_width(bar.name) for bar in bars)
    margin = max(_EDGE, max(text_width(bar.label) for bar in bars) + 8)
    right = max(_WIDTH - margin, left + _MIN_PLOT_PX)
    x = Axis(0, end_s, left, right)
    parts, top = fill_legend((bar.kind for bar in bars), colors, left, right - left)
    bottom = top + _ROW_PX * len(bars) + 6
    parts += [stroke(f"M{x.place(t):.1f} {top:.1f}V{bottom:.1f}", "grid") for t in ticks]
    for row, bar in enumerate(bars):
        start, y = x.place(bar.start_s), top + 3 + row * _ROW_PX
        width = max(2.0, x.place(bar.start_s + bar.length_s) - start)
        parts.append(text(left - 8, y + 17, bar.name, anchor="end"))
        parts.append(box(start, y + 3, width, _ROW_PX - 6, fill_of(bar.kind, colors)))
        fits = text_width(bar.label) + 12 <= width
        label_x, style = (start + 6, "white") if fits else (start + width + 6, "soft")
        parts.append(text(label_x, y + 17, bar.label, style=style))
    parts += draw_x_axis(x, bottom, ticks, [f"{t} s" for t in format_ticks(ticks)])
    return document(right + margin, bottom + 28, parts)
