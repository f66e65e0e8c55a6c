"""When each step ran, as a picture with one bar a step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kinoloom.base.report import Picture
from kinoloom.pipelines.live import seconds_of
from kinoloom.pipelines.pages import svg

_ROW, _WIDTH, _TICKS = 22, 620.0, 5


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
    for tick in range(_TICKS + 1):
        x = left + _WIDTH * tick / _TICKS
        parts.append(svg.curve(x, 8, x, height - 46, dashed=True))
        parts.append(svg.words(x, height - 32, f"{whole * tick / _TICKS:.2f} s", anchor="middle"))
    for row, (step, begin, length) in enumerate(zip(steps, begins, lengths, strict=True)):
        y = 10 + row * _ROW
        fill = svg.fill_of(step["StepStatus"], step.get("CacheExplanation", ""))
        parts.append(svg.words(left - 8, y + 13, step["StepName"], anchor="end"))
        bar = max(2.0, _WIDTH * length / whole)
        parts.append(svg.box(left + _WIDTH * begin / whole, y + 2, bar, _ROW - 7, fill))
    parts += svg.legend(16, height - 10)
    caption = f"{len(steps)} steps in {whole:.2f} s."
    return Picture(
        svg.picture(left + _WIDTH + 40, height, parts), "image/svg+xml", caption, "Times"
    )
