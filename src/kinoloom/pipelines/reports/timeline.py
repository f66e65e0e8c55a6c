"""An execution's timeline as a diagram with one bar per step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from kinoloom.base.report import Picture
from kinoloom.pipelines.reports import svg
from kinoloom.pipelines.reports.live import duration_s

_ROW, _WIDTH, _MAX_TICKS = 22, 600.0, 8


def timeline_picture(steps: Sequence[dict[str, Any]]) -> Picture:
    """Return the timeline of the started steps.

    Args:
        steps: The result of `Execution.list_steps`, at least one step.
    """
    first = min(step["StartTime"] for step in steps)
    starts = [(step["StartTime"] - first).total_seconds() for step in steps]
    durations = [duration_s(step) for step in steps]
    total = max(0.001, *(s + d for s, d in zip(starts, durations, strict=True)))
    left = 24 + 7.2 * max(len(step["StepName"]) for step in steps)
    height = _ROW * len(steps) + 60
    parts = []
    for tick in round_ticks(total):
        x = left + _WIDTH * tick / total
        parts.append(svg.tick(x, 8, height - 46))
        parts.append(svg.text(x, height - 32, f"{tick:g} s", anchor="middle"))
    shown = []
    for row, (step, start, duration) in enumerate(zip(steps, starts, durations, strict=True)):
        y, x = 10 + row * _ROW, left + _WIDTH * start / total
        shown.append(svg.step_fill(step["StepStatus"], step.get("CacheExplanation", "")))
        parts.append(svg.text(left - 8, y + 13, step["StepName"], anchor="end"))
        bar = max(2.0, _WIDTH * duration / total)
        parts.append(svg.box(x, y + 2, bar, _ROW - 7, shown[-1]))
        parts.append(_duration(x, bar, y + 13, f"{duration:.2f} s"))
    parts += svg.legend(16, height - 10, shown)
    caption = f"{len(steps)} step{'s' * (len(steps) != 1)} in {total:.2f} s."
    return Picture(
        svg.document(left + _WIDTH + 60, height, parts), "image/svg+xml", caption, "Timeline"
    )


def round_ticks(total: float) -> list[float]:
    """Return round times in seconds from 0 to `total`, at most eight besides 0."""
    power = 10.0 ** math.floor(math.log10(total / _MAX_TICKS))
    step = next(s for s in (power, 2 * power, 5 * power, 10 * power) if total / s <= _MAX_TICKS)
    return [step * k for k in range(math.floor(total / step) + 1)]


def _duration(x: float, bar: float, y: float, text: str) -> str:
    """Return a step's duration as text, in its bar if it fits, otherwise next to it."""
    if bar > 9 * len(text):
        return svg.text(x + 6, y, text, "#ffffff")
    after = x + bar + 5
    return svg.text(after, y, text)
