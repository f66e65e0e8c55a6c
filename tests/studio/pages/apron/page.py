"""A map with moving tracks and lights, alerts that people acknowledge, and an hour of history."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kinoloom.base.options import option
from kinoloom.base.page import Context, Document, Page, call, feed
from kinoloom.errors import UsageError

TRACKS, LIGHTS, RATE = 60, 20, 10
HOUR_S = 3600


@dataclass(frozen=True)
class NoOptions:
    """No options."""


@dataclass(frozen=True)
class TimeOptions:
    """A moment of the past hour."""

    ago: float = option(0.0, "Seconds ago", low=0, high=HOUR_S, unit="s")


def compute_state(moment: float) -> dict[str, Any]:
    """Return where everything is at a time, in seconds."""
    tracks = []
    for k in range(TRACKS):
        angle = moment * (0.02 + 0.001 * k) + k
        x, y = 500 + (200 + 3 * k) * math.cos(angle), 300 + (80 + 2 * k) * math.sin(angle)
        heading = math.degrees(math.atan2(math.cos(angle), math.sin(angle))) % 360
        tracks.append([f"T{k:02}", round(x, 1), round(y, 1), round(heading)])
    return {
        "time": moment,
        "tracks": tracks,
        "lights": [int(moment + k) % 3 for k in range(LIGHTS)],
    }


@feed()
def live(context: Context, options: NoOptions) -> Iterator[Mapping[str, Any]]:
    """Yield the present state ten times a second."""
    number = 0
    while not context.cancelled():
        yield {"number": number, **compute_state(time.time())}
        number += 1
        time.sleep(1 / RATE)


@call()
def past(context: Context, options: TimeOptions) -> dict[str, Any]:
    """Return the state some time ago."""
    return compute_state(time.time() - options.ago)


def _check(state: Any, change: Mapping[str, Any]) -> None:
    if change["type"] == "raise" and change["id"] not in state:
        return
    if change["type"] == "acknowledge" and change["id"] in state:
        if state[change["id"]]["by"]:
            raise UsageError(f"{state[change['id']]['by']} has acknowledged this alert.")
        return
    raise UsageError("There is no such alert.")


def _apply(state: Any, change: Mapping[str, Any]) -> Any:
    if change["type"] == "raise":
        return {**state, change["id"]: {"text": change["text"], "by": ""}}
    return {**state, change["id"]: {**state[change["id"]], "by": change["person"]}}


ALERTS = Document(dict, _apply, _check, role="operator", is_signed=True)

PAGE = Page(
    name="apron",
    title="Apron",
    icon="apron",
    summary="What moves on the apron",
    module="apron:client/apron.js",
    calls={"past": "apron.page:past"},
    feeds={"live": "apron.page:live"},
    documents={"alerts": "apron.page:ALERTS"},
    order=330,
)
