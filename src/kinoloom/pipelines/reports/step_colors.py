"""Colours of steps in charts, by the state of the step."""

from __future__ import annotations

from kinoloom.base.charts import Color

NOT_RUN = "Not run"
STEP_COLOURS: dict[str, Color] = {
    "Succeeded": "green",
    "Failed": "red",
    "Stopped": "purple",
    "Executing": "amber",
    "Cached": "teal",
    NOT_RUN: "grey",
}


def step_kind(status: str, cache: str = "") -> str:
    """Return the entry of `STEP_COLOURS` of a step, from its status and cache explanation."""
    if cache.startswith("cache hit"):
        return "Cached"
    return status if status in STEP_COLOURS else NOT_RUN
