"""Four synchronised videos: points in exact frames, proposed by the studio, accepted by people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kinoloom.base.options import option
from kinoloom.base.page import Context, Document, Page, call
from kinoloom.errors import UsageError

STATES = ("placed", "proposed", "accepted", "rejected")


@dataclass(frozen=True)
class PropagateOptions:
    """From which frame to which."""

    start: int = option(0, "Frame with placed points", low=0)
    end: int = option(1, "Last frame to propose", low=0)


@call(cost="model", role="operator")
def propagate(context: Context, options: PropagateOptions) -> int:
    """Propose the points of a frame for the frames after it; return how many."""
    import numpy as np

    points = context.document("points", "all")
    known = [one for one in points.values() if one["frame"] == options.start]
    changes = 0
    for frame in range(options.start + 1, options.end + 1):
        for one in known:
            if f"{one['view']}/{frame}" in points:
                continue
            shift = np.array([one["x"], one["y"]]) + (frame - options.start) * 0.004
            x, y = (float(min(value, 1)) for value in shift)
            place = {"view": one["view"], "frame": frame, "x": x, "y": y, "state": "proposed"}
            context.change("points", "all", {"type": "set", **place})
            changes += 1
    return changes


def _key(change: Mapping[str, Any]) -> str:
    return f"{change['view']}/{change['frame']}"


def _check(state: Any, change: Mapping[str, Any]) -> None:
    if change["type"] == "remove" and _key(change) in state:
        return
    if change["type"] != "set" or change["state"] not in STATES:
        raise UsageError("The point is not there, or its state is unknown.")
    if not (0 <= change["x"] <= 1 and 0 <= change["y"] <= 1 and 0 <= change["view"] < 4):
        raise UsageError("A point must be inside the picture of one of four views.")


def _apply(state: Any, change: Mapping[str, Any]) -> Any:
    others = {key: value for key, value in state.items() if key != _key(change)}
    if change["type"] == "remove":
        return others
    return others | {
        _key(change): {name: value for name, value in change.items() if name != "type"}
    }


def _invert(state: Any, change: Mapping[str, Any]) -> dict[str, Any]:
    before = state.get(_key(change))
    if before is not None:
        return {"type": "set", **before}
    return {"type": "remove", "view": change["view"], "frame": change["frame"]}


POINTS = Document(dict, _apply, _check, _invert, role="operator")

PAGE = Page(
    name="views",
    title="Views",
    icon="views",
    summary="Points in synchronised videos",
    module="views:client/views.js",
    calls={"propagate": "views.page:propagate"},
    documents={"points": "views.page:POINTS"},
    order=320,
)
