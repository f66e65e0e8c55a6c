"""Views of stored values: an index array that locates each element of a node's value.

Operators that only move elements (views, permutations, slices) are applied to the index, so they
cost nothing on the device. A layer that needs another order reads a copy, made by strided loops.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kinoloom.tiny.ir.program import Array

MAX_LOOPS = 4

Loops = tuple[tuple[int, int], ...]
"""(count, stride) of nested loops, outermost first."""


@dataclass(frozen=True)
class View:
    """A value as a rearrangement of a stored value.

    Attributes:
        name: name of the stored value.
        index: index of each element in the stored value, int64 of the node's shape.
        size: number of elements of the stored value.
    """

    name: str
    index: Array
    size: int

    @property
    def is_whole(self) -> bool:
        """Whether it contains each element of the stored value exactly once."""
        return self.index.size == self.size and bool(
            (np.sort(self.index, axis=None) == np.arange(self.size)).all()
        )

    def is_stored_as(self, order: Sequence[int]) -> bool:
        """Return whether the stored value is the view with its axes in `order`."""
        flat = self.index.transpose(order).ravel()
        return flat.size == self.size and bool((flat == np.arange(self.size)).all())


def contiguous_view(name: str, shape: Sequence[int]) -> View:
    """Return the view of a value that is stored in its own order."""
    size = int(np.prod(shape))
    return View(name, np.arange(size, dtype=np.int64).reshape(tuple(shape)), size)


def find_loops(indices: Array) -> Loops | None:
    """Return nested loops that visit indices in order, relative to the first; None if over four.

    The innermost loop is the longest run of constant stride; the outer loops visit the starts of
    the runs.
    """
    loops: list[tuple[int, int]] = []
    rest = np.asarray(indices).ravel()
    while rest.size > 1:
        stride = int(rest[1] - rest[0])
        steps = np.flatnonzero(np.diff(rest) != stride)
        run = int(steps[0]) + 1 if steps.size else rest.size
        if rest.size % run or len(loops) == MAX_LOOPS:
            return None
        rows = rest.reshape(-1, run)
        if not (rows == rows[:, :1] + np.arange(run) * stride).all():
            return None
        loops.insert(0, (run, stride))
        rest = rows[:, 0]
    return tuple(loops)


def find_strides(index: Array) -> tuple[int, ...] | None:
    """Return the stride of each axis of an index array; None if an axis has no single stride."""
    strides = tuple(
        int(np.take(index, 1, axis).flat[0] - index.flat[0]) if count > 1 else 0
        for axis, count in enumerate(index.shape)
    )
    strided = np.full(index.shape, int(index.flat[0]), np.int64)
    for axis, stride in enumerate(strides):
        steps = np.arange(index.shape[axis]) * stride
        strided += steps.reshape([-1 if a == axis else 1 for a in range(index.ndim)])
    return strides if (strided == index).all() else None
