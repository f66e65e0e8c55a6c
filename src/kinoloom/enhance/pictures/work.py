"""PictureWork: everything that happens to one picture, in tiles.

Two passes, each over tiles that overlap by at least its reach, so that the result is that of the
whole picture: the stages at the source's size, up to the networks that enlarge; then, after
resizing to the requested size, the filters at that size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from kinoloom.base.arrays import Picture, from_float, to_float
from kinoloom.base.units import format_bytes
from kinoloom.enhance.filters.filter import TILE_STEP_PX, Context, Filter
from kinoloom.enhance.networks.network import Floats
from kinoloom.enhance.pictures.resizing import resize
from kinoloom.enhance.pictures.stages import FilterStage, Stage
from kinoloom.errors import BudgetError
from kinoloom.runtime.tiles import Tiling, largest_tile, plan_spans, run_tiled

_FEATHER_PX = 1
_MOST_TILE_PIXELS = 1 << 20
"""Larger tiles are no faster."""
_COPY_BYTES = 4 * 3 * 3
"""Memory of a tile for each pixel besides its stages: input, result, and a row of results."""


@dataclass(frozen=True)
class PictureWork:
    """The work on a picture.

    Attributes:
        stages: at the size of the source, in order; those that enlarge are the last ones.
        size: returns (width, height) of the result for those of a source.
        filters: at the size of the result, in order.
        memory_bytes: the most memory of the tiles.
    """

    stages: tuple[Stage, ...]
    size: Callable[[int, int], tuple[int, int]]
    filters: tuple[Filter, ...]
    memory_bytes: int

    @property
    def scale(self) -> int:
        """Factor of all networks together."""
        factor = 1
        for stage in self.stages:
            factor *= stage.scale
        return factor

    @property
    def is_empty(self) -> bool:
        """Whether nothing but the size may change."""
        return not self.stages and not self.filters

    def count_held_bytes(self, width: int, height: int, itemsize: int) -> int:
        """Return the memory of the results of all passes.

        Args:
            width, height: of the source.
            itemsize: bytes of a sample of the result.
        """
        enlarged = 3 * width * height * self.scale**2
        wide, high = self.size(width, height)
        if (wide, high) == (width * self.scale, height * self.scale) and not self.filters:
            return enlarged * itemsize
        between = max(itemsize, 2)
        return enlarged * between + 3 * wide * high * (between + itemsize)

    def run(self, picture: Picture, context: Context, dtype: np.dtype[Any]) -> Picture:
        """Return the enhanced picture.

        Args:
            picture: (H, W, 3) uint8, uint16, or float32 in 0..1.
            context: what is known about it.
            dtype: of the result.

        Returns:
            (H', W', 3) of the type.

        Raises:
            BudgetError: the smallest possible tile needs more than `memory_bytes`.
        """
        height, width = picture.shape[:2]
        size = self.size(width, height)
        same = size == (width * self.scale, height * self.scale)
        between = dtype if same and not self.filters else _widen(picture.dtype, dtype)
        enlarged = self._run_stages(self.stages, picture, context, between)
        resized = resize(enlarged, *size)
        last = tuple(FilterStage(one) for one in self.filters)
        result = self._run_stages(last, resized, context, dtype)
        return result if result.dtype == dtype else from_float(to_float(result), dtype)

    def _run_stages(
        self, stages: Sequence[Stage], picture: Picture, context: Context, dtype: np.dtype[Any]
    ) -> Picture:
        if not stages:
            return picture
        tiling, scale = plan_tiles(stages, picture.shape, self.memory_bytes), 1
        for stage in stages:
            scale *= stage.scale
        result = np.empty((picture.shape[0] * scale, picture.shape[1] * scale, 3), dtype)

        def work(rows: slice, columns: slice) -> list[Floats]:
            tile = to_float(np.ascontiguousarray(picture[rows, columns]))
            origin, factor = (rows.start, columns.start), 1
            for stage in stages:
                local = (origin[0] * factor, origin[1] * factor)
                tile = stage(tile, replace(context, origin=local))
                factor *= stage.scale
            return [tile]

        run_tiled(tiling, [result], work, lambda rows: from_float(rows, dtype), scale)
        return result


def plan_tiles(stages: Sequence[Stage], shape: tuple[int, ...], memory_bytes: int) -> Tiling:
    """Return the tiles of a picture, as large as the memory allows.

    Args:
        stages: in order.
        shape: (H, W, 3) of the picture.
        memory_bytes: the most memory of a tile and its stages.

    Raises:
        BudgetError: the smallest tile does not fit; the message says what is sufficient.
    """
    height, width = shape[:2]
    reach, cost = _combine(stages)
    least = _smallest_side(reach, height, width)
    pixels = min(memory_bytes // cost, max(_MOST_TILE_PIXELS, least * least))
    tile = largest_tile(height, width, pixels, multiple=TILE_STEP_PX, least=least)
    if tile is None:
        needed = least_bytes(stages, width, height)
        raise BudgetError(
            f"The smallest tile needs {format_bytes(needed)}, but "
            f"{format_bytes(memory_bytes)} are left for it.",
            hint="Raise --memory, or choose a smaller --tier.",
        )
    rows, columns = (
        plan_spans(length, side, context=reach or 0, feather=_FEATHER_PX, multiple=TILE_STEP_PX)
        for length, side in zip((height, width), tile, strict=True)
    )
    return Tiling(rows, columns)


def least_bytes(stages: Sequence[Stage], width: int, height: int) -> int:
    """Return the memory of the smallest tile of a picture, in bytes."""
    reach, cost = _combine(stages)
    side = _smallest_side(reach, height, width)
    return min(side, _round_up(width)) * min(side, _round_up(height)) * cost


def _smallest_side(reach: int | None, height: int, width: int) -> int:
    """Return the least side of a tile; without a reach, that of the whole picture."""
    if reach is None:
        return _round_up(max(height, width))
    return _round_up(2 * (2 * reach + _FEATHER_PX + TILE_STEP_PX))


def _round_up(side: int) -> int:
    return -(-side // TILE_STEP_PX) * TILE_STEP_PX


def _combine(stages: Sequence[Stage]) -> tuple[int | None, int]:
    """Return the reach of stages in order in pixels of the source, and the bytes per pixel."""
    reach: int | None = 0
    cost, factor = _COPY_BYTES, 1
    for stage in stages:
        own = stage.reach_px
        reach = None if own is None or reach is None else reach + -(-own // factor)
        cost = max(cost, _COPY_BYTES + stage.bytes_per_pixel * factor**2)
        factor *= stage.scale
    return reach, cost + _COPY_BYTES * factor**2


def _widen(source: np.dtype[Any], target: np.dtype[Any]) -> np.dtype[Any]:
    """Return a type between two passes: 16 bits for whole numbers, so that nothing is rounded."""
    is_whole = np.dtype(np.float32) not in (source, target)
    return np.dtype(np.uint16 if is_whole else np.float32)


def reduce_for_estimates(picture: Picture, side_px: int = 1024) -> Floats:
    """Return a picture as float32, reduced to a longer side of at most `side_px`."""
    factor = side_px / max(picture.shape[:2])
    if factor >= 1:
        return to_float(picture)
    height, width = (max(1, round(side * factor)) for side in picture.shape[:2])
    return to_float(np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)))
