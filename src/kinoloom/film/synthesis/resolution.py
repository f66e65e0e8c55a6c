"""Where the flow network gains from pictures at full size: on fine texture that moves little.

The network runs at half size by default. Fine texture disappears there; on the other hand, large
motion is beyond its reach at full size. So it also runs on those tiles of the full-size pictures
that need it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.film.synthesis.warping import Box
from kinoloom.motion.flow import Field
from kinoloom.motion.flow_network import SIZE_MULTIPLE, FlowNetwork, MidpointFlow, resize_motion

_MIN_DETAIL_LEVELS = 4.0
_MAX_MOTION_PX = 24.0
_CELL_PX = 64
_TILE_CELLS = 10
"""Cells along the longer side of a tile: 640 px, so that memory is bounded."""
_CONTEXT_PX = 32
"""Pixels around a tile that the network sees, too; over them, both motions are blended."""


def measure_detail(picture: Field) -> Field:
    """Return the detail that half the size cannot represent, per cell of 64x64 pixels.

    Args:
        picture: (H, W, 3), colours in 0..255.

    Returns:
        The root mean square difference between the picture and its copy that was halved by area
        and doubled by cubic interpolation.
    """
    height, width = picture.shape[:2]
    half = max(1, width // 2), max(1, height // 2)
    small = cv2.resize(picture, half, interpolation=cv2.INTER_AREA)
    again = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    squared = np.square(picture - again).mean(axis=2)
    return np.sqrt(_reduce_cells(squared, np.mean))


def find_fine_cells(first: Field, second: Field, coarse: MidpointFlow) -> NDArray[np.bool_]:
    """Return the cells of 64x64 pixels on which the network gains from full size.

    Args:
        first, second: (H, W, 3), colours in 0..255.
        coarse: the motion at half size.
    """
    detail = np.minimum(measure_detail(first), measure_detail(second))
    height, width = first.shape[:2]
    motion = resize_motion(coarse, height, width)
    speed = np.hypot(*np.moveaxis(motion.before + motion.after, 2, 0)) / 2
    calm = _reduce_cells(speed, np.median) < _MAX_MOTION_PX
    return (detail > _MIN_DETAIL_LEVELS) & calm


def plan_tiles(is_fine: NDArray[np.bool_], height: int, width: int) -> list[Box]:
    """Return the boxes in pixels that cover all fine cells: at most one per tile of 640 px."""
    boxes = []
    for rows in _split(is_fine.shape[0]):
        for columns in _split(is_fine.shape[1]):
            inside = np.argwhere(is_fine[rows, columns])
            if not len(inside):
                continue
            (top, left), (bottom, right) = inside.min(axis=0), inside.max(axis=0) + 1
            boxes.append(
                (
                    _scale(rows.start + top, rows.start + bottom, height),
                    _scale(columns.start + left, columns.start + right, width),
                )
            )
    return boxes


def refine_motion(
    network: FlowNetwork, first: Field, second: Field, coarse: MidpointFlow, boxes: list[Box]
) -> tuple[MidpointFlow, Field]:
    """Return the motion at full size: the network's own inside the boxes, elsewhere the coarse one.

    Args:
        network: the flow network.
        first, second: (H, W, 3), colours in 0..255.
        coarse: the motion at half size.
        boxes: from `plan_tiles`.

    Returns:
        The motion; and (H, W) in 0..1, where it is the network's own.
    """
    height, width = first.shape[:2]
    result = resize_motion(coarse, height, width)
    presence = np.zeros((height, width), np.float32)
    for box in boxes:
        seen = _extend(box, height, width)
        fine = _run_padded(network, first[seen], second[seen])
        weight = _ramp(box, seen)
        for whole, part in (
            (result.before, fine.before),
            (result.after, fine.after),
            (result.share, fine.share),
        ):
            inside = weight if whole.ndim == 2 else weight[..., None]
            whole[seen] += inside * (part - whole[seen])
        presence[seen] = np.maximum(presence[seen], weight)
    return result, presence


def _run_padded(network: FlowNetwork, first: Field, second: Field) -> MidpointFlow:
    height, width = first.shape[:2]
    padding = [
        (0, max(-side % SIZE_MULTIPLE, 2 * SIZE_MULTIPLE - side)) for side in (height, width)
    ]
    one, other = (
        np.pad(picture, [*padding, (0, 0)], mode="edge") / np.float32(255)
        for picture in (first, second)
    )
    found = network(one, other)
    inside = np.s_[:height, :width]
    return MidpointFlow(found.before[inside], found.after[inside], found.share[inside])


def _extend(box: Box, height: int, width: int) -> Box:
    rows, columns = (
        slice(max(0, each.start - _CONTEXT_PX), min(side, each.stop + _CONTEXT_PX))
        for each, side in zip(box, (height, width), strict=True)
    )
    return rows, columns


def _ramp(box: Box, seen: Box) -> Field:
    """Return weights that are 1 in the box and fall to 0 over the context around it."""
    sides = []
    for own, all_ in zip(box, seen, strict=True):
        place = np.arange(all_.start, all_.stop, dtype=np.float32)
        distance = np.maximum(own.start - place, place - (own.stop - 1))
        sides.append(np.clip(1 - distance / (_CONTEXT_PX + 1), 0, 1))
    return np.asarray(np.outer(*sides), np.float32)


def _split(cells: int) -> Iterator[slice]:
    parts = -(-cells // _TILE_CELLS)
    edges = [round(k * cells / parts) for k in range(parts + 1)]
    yield from (slice(begin, end) for begin, end in pairwise(edges))


def _scale(begin: int, end: int, side: int) -> slice:
    return slice(int(begin) * _CELL_PX, min(int(end) * _CELL_PX, side))


def _reduce_cells(values: Field, reduce: object) -> Field:
    """Reduce each cell of 64x64 pixels to one value."""
    height, width = values.shape
    return np.array(
        [
            [
                reduce(values[top : top + _CELL_PX, left : left + _CELL_PX])  # type: ignore[operator]
                for left in range(0, width, _CELL_PX)
            ]
            for top in range(0, height, _CELL_PX)
        ],
        np.float32,
    )
