"""Tiled processing of pictures: bounded memory, no visible seams.

Along each axis neighbouring tiles overlap by at least 2 * context + feather pixels. Output within
`context` of a tile's inner border is discarded; over the remaining overlap one tile is blended
linearly into the next. A function whose receptive field is at most `context` gives exactly the
result of the whole picture, and the identity returns its input exactly.

Pictures are (H, W, C); a function may return several outputs at once.
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
    """The extent of a tile along one axis, in pixels.

    Attributes:
        start, stop: its first pixel, and the one after its last.
        shared: overlap with the previous tile; 0 for the first.
        context: pixels at each end of the overlap that come from the other tile alone.
    """

    start: int
    stop: int
    shared: int = 0
    context: int = 0

    @property
    def slice(self) -> slice:
        """The slice of the picture's axis."""
        return slice(self.start, self.stop)

    def scaled(self, factor: int) -> Span:
        """Return the same extent in a picture that is larger by a factor."""
        return Span(*(factor * n for n in (self.start, self.stop, self.shared, self.context)))

    def weights(self) -> Floats:
        """Return the blending weights of this tile in the overlap, (shared,) from 0 to 1."""
        feather = self.shared - 2 * self.context
        rise = (np.arange(self.shared) - self.context + 1) / (feather + 1)
        return np.clip(rise, 0, 1).astype(np.float32)


@dataclass(frozen=True)
class Tiling:
    """A grid of tiles that covers a picture.

    Attributes:
        rows, columns: in order; the first starts at 0, the last stops at the picture's border.
    """

    rows: tuple[Span, ...]
    columns: tuple[Span, ...]

    @property
    def count(self) -> int:
        """Number of tiles."""
        return len(self.rows) * len(self.columns)


def plan_spans(
    length: int, side: int, *, context: int, feather: int, multiple: int = 1
) -> tuple[Span, ...]:
    """Cover an axis with the fewest tiles of one length, evenly spaced.

    Args:
        length: of the axis, in pixels.
        side: of the tiles; a shorter axis gets one tile of `length`.
        context: pixels at a tile's inner border that are discarded, at least 0.
        feather: minimum width of the blend between two tiles, at least 1.
        multiple: tiles start at multiples of it; the last one may be longer by less than it.

    Raises:
        UsageError: tiles would overlap by more than half, or by less than 1 pixel.
    """
    if length <= side:
        return (Span(0, length),)
    shared = 2 * context + feather + multiple - 1
    if context < 0 or feather < 1 or 2 * shared > side:
        raise UsageError(f"Tiles of {side} px can overlap by 1 to {side // 2} px, not {shared}.")
    count = ceil((length - shared) / (side - shared))
    starts = [(length - side) * n // (count - 1) // multiple * multiple for n in range(count)]
    stops = [*(start + side for start in starts[:-1]), length]
    spans = [Span(0, side)]
    for start, stop in zip(starts[1:], stops[1:], strict=True):
        spans.append(Span(start, stop, spans[-1].stop - start, context))
    return tuple(spans)


def largest_tile(
    height: int, width: int, pixels: int, *, multiple: int, least: int
) -> tuple[int, int] | None:
    """Return the largest tile of a picture within a number of pixels.

    Args:
        height, width: of the picture.
        pixels: maximum number of pixels of the tile.
        multiple: the tile's sides are multiples of it; padding may make it exceed the picture.
        least: minimum side, unless the picture itself is smaller.

    Returns:
        Height and width, as nearly square as the picture allows; None if no tile fits.
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
    scale: int = 1,
) -> None:
    """Compute pictures tile by tile.

    Memory holds the pictures and one row of tiles of each in float32.

    Args:
        tiling: of their height and width, divided by `scale`.
        pictures: (H, W, C) each; filled in place.
        work: called with the rows and columns of each tile; returns the tile of each picture,
            (scale h, scale w, C) float32.
        finish: converts complete rows (n, W, C) float32 to the pictures' dtype.
        scale: how much larger than the tiling's their sides are.
    """
    rows = [row.scaled(scale) for row in tiling.rows]
    columns = [column.scaled(scale) for column in tiling.columns]
    ends = [*(row.start for row in rows[1:]), rows[-1].stop]
    below: list[Floats] = []
    for source_rows, row, end in zip(tiling.rows, rows, ends, strict=True):
        strips = [np.empty((row.stop - row.start, *p.shape[1:]), np.float32) for p in pictures]
        for source_columns, column in zip(tiling.columns, columns, strict=True):
            tiles = work(source_rows.slice, source_columns.slice)
            for strip, tile in zip(strips, tiles, strict=True):
                _write_tile(strip.swapaxes(0, 1), tile.swapaxes(0, 1), column, column.start)
        if row.shared:
            for strip, under in zip(strips, below, strict=True):
                strip[: row.shared] = _blend(under, strip[: row.shared], row)
        for picture, strip in zip(pictures, strips, strict=True):
            picture[row.start : end] = finish(strip[: end - row.start])
        below = [strip[end - row.start :] for strip in strips]


def _write_tile(strip: Floats, tile: Floats, span: Span, start: int) -> None:
    """Write a tile into a strip at `start` of its first axis, blended over the overlap."""
    own = start + span.shared
    strip[start:own] = _blend(strip[start:own], tile[: span.shared], span)
    strip[own : span.stop] = tile[span.shared :]


def _blend(under: Floats, over: Floats, span: Span) -> Floats:
    """Blend the overlap of two tiles; equal values stay exactly equal."""
    weights = span.weights()[:, None, None]
    return np.where(weights == 1, over, under + weights * (over - under))
