"""Axes of charts: linear and logarithmic scales, round tick values and their texts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from kinoloom.base.charts.svg import stroke, text

_MAX_DECADES = 8
_RELATIVE_FLAT = 1e-7  # values that differ by less are drawn as equal
_SLACK = 1e-6  # of a grid interval: rounding errors of values need no further grid line
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Axis:
    """A scale from values to pixels.

    Attributes:
        low, high: values at the two ends; positive if the axis is logarithmic.
        start, end: positions of the two ends in px; `start` is the larger for a vertical axis.
        is_log: whether the axis is logarithmic.
    """

    low: float
    high: float
    start: float
    end: float
    is_log: bool = False

    def place(self, value: float) -> float:
        """Return the position of `value`, or of the nearer end if it is outside."""
        inside = min(max(value, self.low), self.high)
        scale = math.log10 if self.is_log else float
        share = (scale(inside) - scale(self.low)) / (scale(self.high) - scale(self.low))
        return self.start + share * (self.end - self.start)


def find_limits(values: Sequence[float], *, is_log: bool = False) -> tuple[float, float]:
    """Return the range of finite values, widened if they are equal or there are none.

    A logarithmic range is limited to the eight decades below the highest value.
    """
    low, high = min(values, default=1.0), max(values, default=1.0)
    low = max(low, high / 10**_MAX_DECADES) if is_log else low
    if high - low > _RELATIVE_FLAT * max(abs(low), abs(high)):
        return low, high
    if is_log:
        return low / 2, high * 2
    margin = abs(low) / 2 or 0.5
    return low - margin, high + margin


def round_grid(
    low: float, high: float, count: int, *, is_log: bool = False, step_at_least: float = 0.0
) -> list[float]:
    """Return round values that enclose a range, about evenly spaced on the axis.

    Args:
        low, high: the range, `low` < `high`; positive if the axis is logarithmic.
        count: the most intervals within the range.
        is_log: whether the axis is logarithmic: powers of ten, with their 2- and 5-fold where
            the range is short.
        step_at_least: the least interval of a linear axis, such as 1 for whole numbers.
    """
    if is_log:
        return _log_grid(low, high, count)
    power = 10.0 ** math.floor(math.log10((high - low) / count))
    steps = (power, 2 * power, 5 * power, 10 * power)
    step = max(next(s for s in steps if (high - low) / s <= count * (1 + 1e-9)), step_at_least)
    first, last = math.floor(low / step + _SLACK), math.ceil(high / step - _SLACK)
    return [step * k for k in range(first, last + 1)]


def _log_grid(low: float, high: float, count: int) -> list[float]:
    decades = math.log10(high / low)
    stride = max(1, math.ceil(decades / count))
    factors = (1, 2, 5) if decades <= 2 else (1,)
    first = math.floor(math.log10(low)) // stride * stride
    last = math.ceil(math.log10(high)) + stride
    grid = [f * 10.0**k for k in range(first, last + 1, stride) for f in factors]
    start = max(k for k, value in enumerate(grid) if value <= low * (1 + 1e-9))
    end = min(k for k, value in enumerate(grid) if value >= high * (1 - 1e-9))
    return grid[start : end + 1]


def round_ticks(
    low: float, high: float, count: int, *, is_log: bool = False, step_at_least: float = 0.0
) -> list[float]:
    """Return the values of `round_grid` that are within the range."""
    grid = round_grid(low, high, count, is_log=is_log, step_at_least=step_at_least)
    slack = 1e-9 * (abs(low) + abs(high))
    return [value for value in grid if low - slack <= value <= high + slack]


def format_ticks(values: Sequence[float], *, is_log: bool = False) -> list[str]:
    """Return ticks as text: "20,000", "0.25", "10⁻⁵", "2×10⁻⁵"."""
    largest = max((abs(value) for value in values), default=0.0)
    if is_log or len(values) < 2:
        return [_format_number(value) for value in values]
    step = values[1] - values[0]
    if largest >= 1e7 or 0 < largest < 1e-3:
        return [_format_number(0.0 if abs(value) < step / 2 else value) for value in values]
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return [f"{value + 0.0:,.{decimals}f}" for value in values]


def _format_number(value: float) -> str:
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:,.6g}"
    digits, exponent = f"{value:.6e}".split("e")
    factor = f"{float(digits):g}"
    power = "10" + str(int(exponent)).translate(_SUPERSCRIPTS)
    return power if factor == "1" else f"{factor}\u00d7{power}"


def draw_x_axis(axis: Axis, y: float, ticks: Sequence[float], labels: Sequence[str]) -> list[str]:
    """Return a horizontal axis at the height `y` with labels below its ticks."""
    parts = [stroke(f"M{axis.start:.1f} {y:.1f}H{axis.end:.1f}", "axis")]
    for tick, label in zip(ticks, labels, strict=True):
        x = axis.place(tick)
        parts.append(stroke(f"M{x:.1f} {y:.1f}v4", "axis"))
        parts.append(text(x, y + 18, label, style="soft", anchor="middle"))
    return parts


def draw_y_grid(
    axis: Axis, left: float, right: float, ticks: Sequence[float], labels: Sequence[str]
) -> list[str]:
    """Return grid lines from `left` to `right` with labels before them."""
    parts = []
    for tick, label in zip(ticks, labels, strict=True):
        y = axis.place(tick)
        parts.append(stroke(f"M{left:.1f} {y:.1f}H{right:.1f}", "grid"))
        parts.append(text(left - 8, y + 4, label, style="soft", anchor="end"))
    return parts


def draw_y_label(label: str, middle: float) -> str:
    """Return the label of a vertical axis, rotated, at the left edge of a chart."""
    turned = text(0, 0, label, style="soft", anchor="middle")
    return f'<g transform="translate(14 {middle:.1f}) rotate(-90)">{turned}</g>'
