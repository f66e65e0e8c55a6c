"""When each step ran, as a picture with one bar a step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from kinoloom.base.report import Picture
from kinoloom.pipelines.live import seconds_of
from kinoloom.pipelines.pages import svg

_ROW, _WIDTH, _MOST_TICKS = 22, 600.0, 8


def times_picture(steps: Sequence[dict[str, Any]]) -> Picture:
    """The picture of the steps that have begun.

    Args:
        steps: as `Execution.list_steps` gives them, at least one.
    """
    first = min(step["StartTime"] for step in steps)
    begins = [(step["StartTime"] - first).total_seconds() for step in steps]
    lengths = [seconds_of(step) for step in steps]
    whole = max(0.001, *(b + n for b, n in zip(begins, lengths, strict=True)))
    left = 24 + 7.2 * max(len(step["StepName"]) for step in steps)
    height = _ROW * len(steps) + 60
    parts = []
    for tick in ticks_of(whole):
        x = left + _WIDTH * tick / whole
        parts.append(svg.upright(x, 8, height - 46))
        parts.append(svg.words(x, height - 32, f"{tick:g} s", anchor="middle"))
    shown = []
    for row, (step, begin, length) in enumerate(zip(steps, begins, lengths, strict=True)):
        y, x = 10 + row * _ROW, left + _WIDTH * begin / whole
        shown.append(svg.fill_of(step["StepStatus"], step.get("CacheExplanation", "")))
        parts.append(svg.words(left - 8, y + 13, step["StepName"], anchor="end"))
        bar = max(2.0, _WIDTH * length / whole)
        parts.append(svg.box(x, y + 2, bar, _ROW - 7, shown[-1]))
        parts.append(_length(x, bar, y + 13, f"{length:.2f} s"))
    parts += svg.legend(16, height - 10, shown)
    caption = f"{len(steps)} step{'s' * (len(steps) != 1)} in {whole:.2f} s."
    return Picture(
        svg.picture(left + _WIDTH + 60, height, parts), "image/svg+xml", caption, "Times"
    )


def ticks_of(whole: float) -> list[float]:
    """Round moments from 0 to the end, at most eight of them beside 0."""
    power = 10.0 ** math.floor(math.log10(whole / _MOST_TICKS))
    step = next(s for s in (power, 2 * power, 5 * power, 10 * power) if whole / s <= _MOST_TICKS)
    return [step * k for k in range(math.floor(whole / step) + 1)]


def _length(x: float, bar: float, y: float, text: str) -> str:
    """How long a step took: in its bar where that is long enough, else beside it."""
    if bar > 9 * len(text):
        return svg.words(x + 6, y, text, "#ffffff")
    after = x + bar + 5
    return svg.words(after, y, text)
