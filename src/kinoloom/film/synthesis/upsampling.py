"""Fields on a coarse grid, resized bilinearly to rows of a frame.

Positions on a regular grid need no general sampling: resizing takes a tenth of its time. Rows are
interpolated one by one, so a part of a frame is bit-identical to that part of the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.motion.flow import Field


def upsample_rows(fields: Sequence[Field], rows: slice, height: int, width: int) -> Field:
    """Return some rows of fields that are resized to a frame.

    Args:
        fields: of one height and width, (h, w) or (h, w, C); OpenCV resizes one and four channels
            fastest, so two fields with two channels each travel together.
        rows: of the frame.
        height, width: of the frame, in pixels.

    Returns:
        (rows, width) or (rows, width, sum of all C); edges are repeated.
    """
    count, columns = fields[0].shape[:2]
    if (count, columns) == (height, width):
        return _stack([each[rows] for each in fields])
    above, below, shares = _place_rows(rows.start, rows.stop, count, height)
    first = int(above[0])
    seen = _stack([each[first : below[-1] + 1] for each in fields])
    lines = seen.reshape(len(seen), -1)
    between, step = lines[above - first], lines[below - first]
    step -= between
    step *= shares
    between += step
    between = between.reshape(len(above), *seen.shape[1:])
    return np.asarray(cv2.resize(between, (width, len(above))), np.float32)


def _stack(fields: Sequence[Field]) -> Field:
    """Return the channels of all fields in one."""
    return fields[0] if len(fields) == 1 else np.asarray(cv2.merge(list(fields)), np.float32)


@lru_cache(maxsize=256)
def _place_rows(
    start: int, stop: int, count: int, height: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], Field]:
    """Return the grid rows above and below some rows of a frame, and the share of the latter."""
    centers = np.arange(start, stop, dtype=np.float32) + np.float32(0.5)
    places = np.clip(centers * np.float32(count / height) - np.float32(0.5), 0, count - 1)
    above = np.floor(places).astype(np.intp)
    return above, np.minimum(above + 1, count - 1), (places - above)[:, None].astype(np.float32)
