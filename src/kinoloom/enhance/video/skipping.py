"""Skipping: areas whose input did not change keep their output of the previous frame.

The picture is divided into squares. A square is computed again if any input pixel within the reach
of the network differs from the previous frame. Networks of convolutions return exactly the same
value for a pixel wherever the computed rectangle begins and ends, so the result is that of the
whole picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture

_SIDE_PX = 32
_WHOLE_SHARE = 0.7
"""If more than this share has changed, the whole picture is computed: it costs no overlap."""

Compute = Callable[[Picture], Picture]
"""Returns the result for an input, or a part of one, (factor h, factor w, ...)."""
Rectangle = tuple[slice, slice]


class Skipper:
    """Computes pictures in order, and reuses what did not change.

    Args:
        compute: a function of pixels within `reach_px`, which pads at the borders of its input.
        reach_px: distance beyond which input pixels have no influence.
        factor: by which results are larger than inputs.

    Attributes:
        squares, kept: number of squares so far, and of those that were not computed again.
    """

    def __init__(self, compute: Compute, reach_px: int, factor: int) -> None:
        self._compute, self._reach, self._factor = compute, reach_px, factor
        self._before: tuple[Picture, Picture] | None = None
        self.squares = self.kept = 0

    def __call__(self, picture: Picture) -> Picture:
        """Return the result for a picture, (H, W) or (H, W, C) of whole numbers."""
        before = self._before
        if before is None or before[0].shape != picture.shape:
            result = self._compute(picture)
        else:
            result = self._update(picture, *before)
        self._before = (picture.copy(), result)
        return result

    def _update(self, picture: Picture, last: Picture, last_result: Picture) -> Picture:
        changed = find_changed(picture, last, self._reach)
        self.squares += changed.size
        share = float(changed.mean())
        if share > _WHOLE_SHARE:
            return self._compute(picture)
        self.kept += changed.size - int(changed.sum())
        if share == 0:
            return last_result
        result = last_result.copy()
        for rows, columns in list_rectangles(changed, picture.shape[:2]):
            self._fill(result, picture, rows, columns)
        return result

    def _fill(self, result: Picture, picture: Picture, rows: slice, columns: slice) -> None:
        """Compute a rectangle of the result from it and its surroundings."""
        height, width = picture.shape[:2]
        top, left = max(0, rows.start - self._reach), max(0, columns.start - self._reach)
        bottom, right = min(height, rows.stop + self._reach), min(width, columns.stop + self._reach)
        part = self._compute(np.ascontiguousarray(picture[top:bottom, left:right]))
        factor = self._factor
        inner = (
            slice((rows.start - top) * factor, (rows.stop - top) * factor),
            slice((columns.start - left) * factor, (columns.stop - left) * factor),
        )
        outer = tuple(slice(s.start * factor, s.stop * factor) for s in (rows, columns))
        result[outer] = part[inner]


def find_changed(picture: Picture, last: Picture, reach_px: int) -> NDArray[np.bool_]:
    """Return which squares depend on a pixel that differs: (rows, columns) of squares.

    Args:
        picture, last: of one shape.
        reach_px: distance at which a pixel has an influence.
    """
    differs = picture != last
    if differs.ndim == 3:
        differs = differs.any(axis=2)
    side = 2 * reach_px + 1
    spread = cv2.dilate(differs.astype(np.uint8), np.ones((side, side), np.uint8))
    rows, columns = (-(-length // _SIDE_PX) for length in spread.shape)
    padded = np.zeros((rows * _SIDE_PX, columns * _SIDE_PX), np.uint8)
    padded[: spread.shape[0], : spread.shape[1]] = spread
    squares = padded.reshape(rows, _SIDE_PX, columns, _SIDE_PX)
    return np.asarray(squares.any(axis=(1, 3)))


def list_rectangles(changed: NDArray[np.bool_], shape: tuple[int, ...]) -> Iterator[Rectangle]:
    """Yield rectangles of pixels that together cover the changed squares, each once.

    Neighbours in a row are joined, and equal spans of rows that follow each other.

    Args:
        changed: (rows, columns) of squares.
        shape: of the picture in pixels.
    """
    open_spans: dict[tuple[int, int], int] = {}
    for row in range(len(changed) + 1):
        spans = set(_list_spans(changed[row])) if row < len(changed) else set()
        for span in [one for one in open_spans if one not in spans]:
            yield _to_pixels(open_spans.pop(span), row, *span, shape)
        for span in spans:
            open_spans.setdefault(span, row)


def _list_spans(row: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(np.int8), [0]])))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _to_pixels(top: int, bottom: int, left: int, right: int, shape: tuple[int, ...]) -> Rectangle:
    rows = slice(top * _SIDE_PX, min(bottom * _SIDE_PX, shape[0]))
    return rows, slice(left * _SIDE_PX, min(right * _SIDE_PX, shape[1]))
