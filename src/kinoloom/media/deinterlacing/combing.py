"""Measure combing: how well the two fields of a frame, or of neighbouring frames, fit together.

A frame has a top field (even rows) and a bottom field (odd rows). Where two fields of different
times share a frame, the rows of moving edges alternate: a pixel is brighter or darker than both its
vertical neighbours. The sum of this excess over moving pixels is the energy of the combing; a
still picture with fine detail has none. Where detail moves, whole frames have some too, but less
than each of their fields has by itself, whose rows are farther apart.

Source: the field comparisons follow FFmpeg's `idet` (M. Niedermayer) and Donald Graft's Telecide,
which compare the fields of a frame with those before and after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.media.video.planes import find_layout, split_planes

Field = NDArray[np.uint8]
_MIN_EXCESS, _MIN_MOTION = 4, 8
"""8-bit levels: smaller excess and smaller changes are noise."""
_COLUMNS = 480
"""Of wider frames, every second, third ... column is measured, but at least this many."""


@dataclass(frozen=True)
class FieldPair:
    """The two fields of a frame's luma, each (rows, columns) uint8."""

    top: Field
    bottom: Field


@dataclass(frozen=True)
class Combing:
    """How the fields of a frame fit together, and those of the frames around it.

    Energies are sums of 8-bit levels over moving pixels, divided by the size of a field.

    Attributes:
        own: of the frame's top and bottom fields.
        bottom_before, bottom_after: of its top field with the bottom field of the frame before or
            after it.
        top_before, top_after: of its bottom field with the top field of the frame before or after
            it.
        detail: the same within each field: its rows over the rows of the same field around them.
        top_change, bottom_change: mean absolute change of each field since the frame before.
        moving: fraction of moving pixels.
    """

    own: float
    bottom_before: float
    bottom_after: float
    top_before: float
    top_after: float
    detail: float
    top_change: float
    bottom_change: float
    moving: float


NO_COMBING = Combing(0, 0, 0, 0, 0, 0, inf, inf, 0)
"""Of the first frame, which repeats none."""


def split_fields(frame: av.VideoFrame) -> FieldPair:
    """Return the two fields of a frame's luma, or of the green of RGB; frames of 4 rows or more."""
    layout = find_layout(frame.format.name)
    luma = split_planes(frame, layout)[0]
    if layout.bits > 8:
        luma = luma >> (layout.bits - 8)
    rows = luma[: luma.shape[0] // 2 * 2].astype(np.uint8, copy=False)
    rows = rows[:, :: max(1, rows.shape[1] // _COLUMNS)]
    return FieldPair(np.ascontiguousarray(rows[0::2]), np.ascontiguousarray(rows[1::2]))


def measure_combing(before: FieldPair, here: FieldPair, after: FieldPair) -> Combing:
    """Measure the fields of a frame between its neighbours, all of one size."""
    top_change = cv2.absdiff(here.top, before.top)
    bottom_change = cv2.absdiff(here.bottom, before.bottom)
    changes = (
        top_change,
        bottom_change,
        cv2.absdiff(here.top, after.top),
        cv2.absdiff(here.bottom, after.bottom),
    )
    largest = changes[0]
    for change in changes[1:]:
        largest = cv2.max(largest, change)
    moving = cv2.compare(largest, _MIN_MOTION, cv2.CMP_GT)  # type: ignore[call-overload]
    return Combing(
        own=_energy(here.top, here.bottom, moving),
        bottom_before=_energy(here.top, before.bottom, moving),
        bottom_after=_energy(here.top, after.bottom, moving),
        top_before=_energy(before.top, here.bottom, moving),
        top_after=_energy(after.top, here.bottom, moving),
        detail=_measure_detail(here, moving),
        top_change=float(top_change.mean()),
        bottom_change=float(bottom_change.mean()),
        moving=cv2.countNonZero(moving) / moving.size,
    )


def _energy(top: Field, bottom: Field, moving: NDArray[Any]) -> float:
    """Return the excess of both fields' rows over the rows of the other field around them."""
    of_bottom = _excess(bottom[:-1], top[:-1], top[1:])
    of_top = _excess(top[1:], bottom[:-1], bottom[1:])
    return _sum_up(of_bottom, moving[:-1]) + _sum_up(of_top, moving[1:])


def _measure_detail(fields: FieldPair, moving: NDArray[Any]) -> float:
    excesses = (_excess(each[1:-1], each[:-2], each[2:]) for each in (fields.top, fields.bottom))
    return sum(_sum_up(excess, moving[1:-1]) for excess in excesses)


def _sum_up(excess: NDArray[Any], moving: NDArray[Any]) -> float:
    """Return the sum of the excess over moving pixels, divided by the number of all pixels."""
    return float(cv2.sumElems(cv2.bitwise_and(excess, moving))[0]) / moving.size


def _excess(row: Field, above: Field, below: Field) -> NDArray[Any]:
    higher = cv2.subtract(row, cv2.max(above, below))  # saturates at 0
    lower = cv2.subtract(cv2.min(above, below), row)
    return np.asarray(cv2.subtract(cv2.add(higher, lower), _MIN_EXCESS))  # type: ignore[call-overload]
