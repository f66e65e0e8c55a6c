"""An execution's timeline as a diagram with one bar per step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kinoloom.base.charts import MEDIA_TYPE, Bar, gantt_chart
from kinoloom.base.report import Picture
from kinoloom.pipelines.reports.live import duration_s
from kinoloom.pipelines.reports.step_colors import STEP_COLOURS, step_kind


def timeline_picture(steps: Sequence[dict[str, Any]]) -> Picture:
    """Return the timeline of the started steps.

    Args:
        steps: The result of `Execution.list_steps`, at least one step.
    """
    first = min(step["StartTime"] for step in steps)
    bars = [_build_bar(step, (step["StartTime"] - first).total_seconds()) for step in steps]
    total_s = max(bar.start_s + bar.length_s for bar in bars)
    caption = f"{len(steps)} step{'s' * (len(steps) != 1)} in {total_s:.2f} s."
    return Picture(gantt_chart(bars, STEP_COLOURS), MEDIA_TYPE, caption, "Timeline")


def _build_bar(step: dict[str, Any], start_s: float) -> Bar:
    length_s = duration_s(step)
    kind = step_kind(step["StepStatus"], step.get("CacheExplanation", ""))
    return Bar(step["StepName"], start_s, length_s, kind, f"{length_s:.2f} s")
