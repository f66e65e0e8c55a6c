"""Work on a picture in overlapping tiles, so that no seam shows and memory stays bounded.

Along each axis neighbouring tiles share at least 2 * context + feather pixels. What a tile makes
within `context` of a border that is not the picture's own is thrown away; between that, one tile
passes evenly into the next. So whatever looks no further than `context` around a pixel comes out
exactly as it would without tiles, and work that gives its input back gives it exactly.

Pictures are (H, W, C); a piece of work may make several at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinoloom.errors import UsageError

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Span:
    """Where a tile lies along one axis, in pixels.

    Attributes:
        start, stop: its first pixel and the one after its last.
        shared: how many pixels at its start the tile before has too; 0 for the first.
        context: how many of these at each end are taken from the other tile alone.
    """

    start: int
    stop: int
    shared: int = 0
    context: int = 0

    @property
    def slice(self) -> slice:
        """To index an axis of the picture with."""
        return slice(self.start, self.stop)

    def weights(self) -> Floats:
        """How much this tile counts in the pixels that it shares, (shared,) rising from 0 to 1."""
        feather = self.shared - 2 * self.context
        rise = (np.arange(self.shared) - self.context + 1) / (feather + 1)
        return np.clip(rise, 0, 1).astype(np.float32)


@dataclass(frozen=True)
class Tiling:
    """Tiles that cover a picture: every row of tiles has the same columns.

    Attributes:
        rows, columns: in order; the first starts at 0, the last stops at the picture's end.
    """

    rows: tuple[Span, ...]
    columns: tuple[Span, ...]

    @property
    def count(self) -> int:
        """How many tiles there are."""
        return len(self.rows) * len(self.columns)


def plan_spans(length: int, side: int, *, context: int, feather: int) -> tuple[Span, ...]:
    """Cover an axis with tiles of one length, as few as go, spread evenly.

    Args:
        length: of the axis, in pixels.
        side: of the tiles; one tile of `length` does if that is not longer.
        context: pixels at a tile's inner border that are not used, at least 0.
        feather: over how many pixels at least one tile passes into the next, at least 1.

    Raises:
        UsageError: two tiles would share more than half of each, or fewer than 1 pixel.
    """
    if length <= side:
        return (Span(0, length),)
    shared = 2 * context + feather
    if context < 0 or feather < 1 or 2 * shared > side:
        raise UsageError(f"Tiles of {side} px may share from 1 to {side // 2} px, not {shared}.")
    count = ceil((length - shared) / (side - shared))
    starts = [(length - side) * n // (count - 1) for n in range(count)]
    spans = [Span(0, side)]
    for start in starts[1:]:
        spans.append(Span(start, start + side, spans[-1].stop - start, context))
    return tuple(spans)


def largest_tile(
    height: int, width: int, pixels: int, *, multiple: int, least: int
) -> tuple[int, int] | None:
    """The largest tile of a picture that has no more than so many pixels.

    Args:
        height, width: of the picture.
        pixels: the most that the tile may have.
        multiple: of which its sides are; it may be larger than the picture by the padding.
        least: the smallest side that makes sense, where the picture itself is not smaller.

    Returns:
        Height and width, as nearly square as the picture allows; None if none is so small.
    """
    whole_height, whole_width = (ceil(side / multiple) * multiple for side in (height, width))
    tile_height = min(whole_height, max(isqrt(max(pixels, 0)) // multiple, 1) * multiple)
    tile_width = min(whole_width, max(pixels // tile_height // multiple, 1) * multiple)
    tile_height = min(whole_height, max(pixels // tile_width // multiple, 1) * multiple)
    too_small = tile_height < min(least, whole_height) or tile_width < min(least, whole_width)
    return None if too_small or tile_height * tile_width > pixels else (tile_height, tile_width)


def run_tiled(
    tiling: Tiling,
    pictures: Sequence[NDArray[Any]],
    work: Callable[[slice, slice], Sequence[Floats]],
    finish: Callable[[Floats], NDArray[Any]] = lambda rows: rows,
) -> None:
    """Make pictures tile by tile.

    Beside the pictures, one row of tiles of each is held in float32.

    Args:
        tiling: of their height and width.
        pictures: (H, W, C) each, to be filled.
        work: called for each tile with its rows and columns; makes for each picture the part
            (h, w, C) float32.
        finish: turns rows (n, W, C) float32, once they are whole, into what the pictures hold.
    """
    rows = tiling.rows
    ends = [*(row.start for row in rows[1:]), rows[-1].stop]
    below: list[Floats] = []
    for row, end in zip(rows, ends, strict=True):
        strips = [np.empty((row.stop - row.start, *p.shape[1:]), np.float32) for p in pictures]
        for column in tiling.columns:
            for strip, tile in zip(strips, work(row.slice, column.slice), strict=True):
                _lay(strip.swapaxes(0, 1), tile.swapaxes(0, 1), column, column.start)
        if row.shared:
            for strip, under in zip(strips, below, strict=True):
                strip[: row.shared] = _mixed(under, strip[: row.shared], row)
        for picture, strip in zip(pictures, strips, strict=True):
            picture[row.start : end] = finish(strip[: end - row.start])
        below = [strip[end - row.start :] for strip in strips]


def _lay(strip: Floats, tile: Floats, span: Span, start: int) -> None:
    """Put a tile into a strip at `start` of its first axis, mixed with what it shares."""
    own = start + span.shared
    strip[start:own] = _mixed(strip[start:own], tile[: span.shared], span)
    strip[own : span.stop] = tile[span.shared :]


def _mixed(under: Floats, over: Floats, span: Span) -> Floats:
    """What two tiles share, mixed; where they are equal the value stays exactly as it is."""
    weights = span.weights()[:, None, None]
    return np.where(weights == 1, over, under + weights * (over - under))
