"""Line plots with linear or logarithmic axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from kinoloom.base.charts.axes import (
    Axis,
    draw_x_axis,
    draw_y_grid,
    draw_y_label,
    find_limits,
    format_ticks,
    round_grid,
    round_ticks,
)
from kinoloom.base.charts.svg import COLOURS, document, legend, stroke, text, text_width
from kinoloom.errors import ArrayError, UsageError

_WIDTH, _HEIGHT, _EDGE = 720.0, 240.0, 16.0
_Y_INTERVALS, _X_INTERVALS = 6, 10

Run = list[tuple[float, float]]


@dataclass(frozen=True)
class Line:
    """A line of a plot.

    Attributes:
        name: its entry in the legend; "" for none.
        x, y: coordinates of its points, equally many. The line breaks at values that are not
            finite and, on a logarithmic axis, at values that are not positive.
        dashed: whether the line is dashed.

    Raises:
        ArrayError: `x` and `y` differ in length.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    dashed: bool = False

    def __post_init__(self) -> None:
        if len(self.x) != len(self.y):
            raise ArrayError(
                f"The line '{self.name}' has {len(self.x)} x and {len(self.y)} y coordinates: "
                "expected equally many."
            )


def line_plot(
    lines: Sequence[Line],
    *,
    x_label: str = "",
    y_label: str = "",
    x_log: bool = False,
    y_log: bool = False,
    y_limits: tuple[float, float] | None = None,
) -> bytes:
    """Plot lines over common axes.

    The vertical axis ends at grid lines; values beyond it are drawn at its ends. A logarithmic
    axis spans at most the eight decades below the highest value.

    Args:
        lines: in the order of the legend; each of the first eight has a colour of its own.
        x_label, y_label: names of the axes.
        x_log, y_log: whether an axis is logarithmic.
        y_limits: the range that the vertical axis covers; by default that of the values.

    Returns:
        An SVG document.

    Raises:
        UsageError: `y_limits` are not ascending, or not positive on a logarithmic axis.
    """
    if y_limits is not None and not (0 if y_log else -math.inf) < y_limits[0] < y_limits[1]:
        positive = " positive" if y_log else ""
        raise UsageError(f"Invalid y_limits {y_limits}: expected ascending{positive} values.")
    runs = [_split_runs(line, x_log, y_log) for line in lines]
    points = [point for parts in runs for point in chain.from_iterable(parts)]
    low, high = y_limits or find_limits([y for _, y in points], is_log=y_log)
    y_ticks = round_grid(low, high, _Y_INTERVALS, is_log=y_log)
    y_texts = format_ticks(y_ticks, is_log=y_log)
    left = _EDGE + max(map(text_width, y_texts)) + (20 if y_label else 0)
    right = _WIDTH - _EDGE
    styles = [f"line s-{list(COLOURS)[k % len(COLOURS)]}" for k in range(len(lines))]
    named = list(zip(lines, styles, strict=True))
    swatches = [(line.name, stroke("M0 -4h22", s, dashed=line.dashed)) for line, s in named]
    parts, top = legend(swatches, 22, left, right - left)
    x = Axis(*find_limits([x for x, _ in points], is_log=x_log), left, right, x_log)
    y = Axis(y_ticks[0], y_ticks[-1], top + _HEIGHT, top, y_log)
    whole = all(float(value).is_integer() for value, _ in points)
    x_ticks = round_ticks(
        x.low, x.high, _X_INTERVALS, is_log=x_log, step_at_least=1.0 if whole else 0.0
    )
    parts += draw_y_grid(y, left, right, y_ticks, y_texts)
    parts += draw_x_axis(x, top + _HEIGHT, x_ticks, format_ticks(x_ticks, is_log=x_log))
    if x_label:
        middle = (left + right) / 2
        parts.append(text(middle, top + _HEIGHT + 38, x_label, style="soft", anchor="middle"))
    parts += [draw_y_label(y_label, top + _HEIGHT / 2)] if y_label else []
    for (line, style), segments in zip(named, runs, strict=True):
        path = "".join(_path(x, y, run) for run in segments)
        parts.append(stroke(path, style, dashed=line.dashed))
    return document(_WIDTH, top + _HEIGHT + (48 if x_label else 28), parts)


def _split_runs(line: Line, x_log: bool, y_log: bool) -> list[Run]:
    """Return the runs of points that can be drawn."""
    runs: list[Run] = [[]]
    for x, y in zip(map(float, line.x), map(float, line.y), strict=True):
        is_shown = math.isfinite(x) and math.isfinite(y)
        if is_shown and (x > 0 or not x_log) and (y > 0 or not y_log):
            runs[-1].append((x, y))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _path(x: Axis, y: Axis, run: Run) -> str:
    points = [f"{x.place(a):.1f} {y.place(b):.1f}" for a, b in run]
    # A path of one point has no length; round line ends make it a dot.
    return f"M{'L'.join(points)}" if len(points) > 1 else f"M{points[0]}h0"
