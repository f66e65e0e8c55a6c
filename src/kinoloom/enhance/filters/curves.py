"""Tone curves: monotone cubics through points, for all channels or for one.

The text form is that of FFmpeg's filter `curves`: points "x/y" in 0..1 separated by spaces, after
the channel, channels separated by ":" or spaces. "r=0/0 0.5/0.6 1/1" raises the middle of red;
without a channel, the points apply to all three. A curve without a point at x = 0 begins at 0/0,
one without a point at x = 1 ends at 1/1. A curve for all channels acts after those of the channels.

Source: Fritsch and Carlson, "Monotone piecewise cubic interpolation", SIAM J. Numer. Anal. 17(2),
1980, with the weighted harmonic mean of Fritsch and Butland, 1984, as slopes: unlike a natural
spline, the curve never leaves the range of two neighbouring points.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.options import option
from kinoloom.enhance.filters.channels import Colors
from kinoloom.enhance.filters.filter import Context, Filter
from kinoloom.enhance.filters.tables import LEVELS, Table, add_offsets
from kinoloom.errors import UsageError

Points = tuple[tuple[float, float], ...]
"""(x, y) pairs in 0..1, x strictly increasing from 0 to 1."""

NAMED_CURVES = {
    "none": "all=0/0 1/1",
    "contrast": "all=0/0 0.25/0.19 0.75/0.81 1/1",
    "strong-contrast": "all=0/0 0.25/0.13 0.75/0.87 1/1",
    "soft": "all=0/0 0.25/0.3 0.75/0.7 1/1",
    "lighter": "all=0/0 0.4/0.5 1/1",
    "darker": "all=0/0 0.5/0.4 1/1",
    "matte": "all=0/0.07 0.25/0.26 0.75/0.75 1/0.96",
    "warm": "r=0/0 0.5/0.54 1/1 b=0/0 0.5/0.46 1/1",
    "cool": "r=0/0 0.5/0.46 1/1 b=0/0 0.5/0.54 1/1",
    "negative": "all=0/1 1/0",
}
"""Curves that have a name."""

_CHANNELS = {"r": "red", "g": "green", "b": "blue", "m": "master", "all": "master"}
_CHANNELS |= {name: name for name in _CHANNELS.values()}
_STRAIGHT: Points = ((0.0, 0.0), (1.0, 1.0))
_HINT = "Write it like 'r=0/0 0.5/0.6 1/1', or name one of: " + ", ".join(NAMED_CURVES) + "."


@dataclass(frozen=True)
class ToneCurves:
    """The curves of the channels, and the one that acts on all of them afterwards.

    Attributes:
        red, green, blue, master: points of each.
    """

    red: Points = _STRAIGHT
    green: Points = _STRAIGHT
    blue: Points = _STRAIGHT
    master: Points = _STRAIGHT

    @property
    def table(self) -> Table:
        """(65536, 3) offsets; exactly 0 where a curve is the identity."""
        columns = []
        for points in (self.red, self.green, self.blue):
            values = evaluate_curve(points, LEVELS)
            columns.append(evaluate_curve(self.master, values) - LEVELS)
        return np.stack(columns, axis=1).astype(np.float32)


@dataclass(frozen=True)
class Curves(Filter):
    """Changes the tones by curves."""

    curves: str = option("none", "Points of the tone curves, or the name of some")

    def __post_init__(self) -> None:
        super().__post_init__()
        parse_curves(self.curves)

    @property
    def reach_px(self) -> int:
        """See `Filter`."""
        return 0

    def _filter(self, picture: Colors, context: Context) -> Colors:
        return add_offsets(picture, self._table, self.strength) if self._table.any() else picture

    @cached_property
    def _table(self) -> Table:
        return _cached_table(self.curves)


def parse_curves(text: str) -> ToneCurves:
    """Parse the text form of curves, or the name of some.

    Raises:
        UsageError: neither a known name nor points; a point outside 0..1; x not increasing; a
            channel given twice.
    """
    text = NAMED_CURVES.get(text.strip(), text)
    parts = re.split(r"([A-Za-z]+)\s*=", text.replace("'", "").replace('"', ""))
    first = parts[0].strip(" :\t\n")
    groups = list(zip(parts[1::2], parts[2::2], strict=True))
    if first:
        groups = [("all", first), *groups]
    if not groups:
        raise UsageError("The tone curves have no points.", hint=_HINT)
    found: dict[str, Points] = {}
    for name, points in groups:
        key = _find_channel(name, text)
        if key in found:
            raise UsageError(f"The tone curves '{text}' give {key} twice.", hint=_HINT)
        found[key] = _parse_points(points.strip(" :\t\n"), text)
    return ToneCurves(**found)


def evaluate_curve(points: Points, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the monotone cubic through the points at values in 0..1.

    Args:
        points: at least two, from x = 0 to x = 1.
        values: any shape.

    Returns:
        The curve's values in 0..1, of the same shape; `values` itself for a straight line from
        0/0 to 1/1.
    """
    if all(x == y for x, y in points):
        return values
    x, y = np.array(points, np.float64).T
    step = np.diff(x)
    secant = np.diff(y) / step
    slope = _find_slopes(step, secant)
    index = np.clip(np.searchsorted(x, values, side="right") - 1, 0, len(step) - 1)
    width = step[index]
    t = (values - x[index]) / width
    rest = 1 - t
    start = y[index] * (1 + 2 * t) * rest * rest + slope[index] * width * t * rest * rest
    end = y[index + 1] * (3 - 2 * t) * t * t - slope[index + 1] * width * t * t * rest
    return np.asarray(np.clip(start + end, 0, 1))


def _find_slopes(step: NDArray[np.float64], secant: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return slopes at the points for which the cubics are monotone."""
    slope = np.empty(len(step) + 1)
    slope[0], slope[-1] = secant[0], secant[-1]
    for k in range(1, len(step)):
        before, after = secant[k - 1], secant[k]
        if before * after <= 0:
            slope[k] = 0
        else:
            one, two = 2 * step[k] + step[k - 1], step[k] + 2 * step[k - 1]
            slope[k] = (one + two) / (one / before + two / after)
    return slope


@lru_cache(maxsize=16)
def _cached_table(text: str) -> Table:
    table = parse_curves(text).table
    table.setflags(write=False)
    return table


def _find_channel(name: str, text: str) -> str:
    if name.lower() not in _CHANNELS:
        raise UsageError(
            f"Unknown channel '{name}' in the tone curves '{text}': expected r, g, b or all.",
            hint=_HINT,
        )
    return _CHANNELS[name.lower()]


def _parse_points(words: str, text: str) -> Points:
    points: list[tuple[float, float]] = []
    for word in words.split():
        match = re.fullmatch(r"(\d*\.?\d+|\d+\.)[/,;](\d*\.?\d+|\d+\.)", word)
        if match is None or not all(0 <= float(number) <= 1 for number in match.groups()):
            raise UsageError(
                f"'{word}' in the tone curves '{text}' is not a point x/y in 0..1.", hint=_HINT
            )
        point = float(match[1]), float(match[2])
        if points and point[0] <= points[-1][0]:
            raise UsageError(
                f"The x of '{word}' in the tone curves '{text}' is not above the one before it.",
                hint=_HINT,
            )
        points.append(point)
    if not points:
        raise UsageError(f"A channel in the tone curves '{text}' has no points.", hint=_HINT)
    if points[0][0] > 0:
        points.insert(0, (0.0, 0.0))
    if points[-1][0] < 1:
        points.append((1.0, 1.0))
    return tuple(points)
