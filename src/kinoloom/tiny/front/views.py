"""Where the elements of a node's value lie in a stored one: an index array of the node's shape.

Whatever only moves elements (views, permutations, slices) is run on the index, so it costs nothing
on the device. A layer that needs another order gets a copy, as loops of constant stride.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kinoloom.tiny.ir.program import Array

MAX_LOOPS = 4

Loops = tuple[tuple[int, int], ...]
"""(count, stride) of nested loops, the outermost first."""


@dataclass(frozen=True)
class View:
    """A value as a rearrangement of a stored one.

    Attributes:
        name: of the stored value.
        index: int64 of the node's shape: the place of each element in the stored value.
        size: how many elements the stored value has.
    """

    name: str
    index: Array
    size: int

    @property
    def is_whole(self) -> bool:
        """Whether it has each element of the stored value once."""
        return self.index.size == self.size and bool(
            (np.sort(self.index, axis=None) == np.arange(self.size)).all()
        )

    def is_stored_as(self, order: Sequence[int]) -> bool:
        """Whether the stored value is this one with its axes in another order."""
        flat = self.index.transpose(order).ravel()
        return flat.size == self.size and bool((flat == np.arange(self.size)).all())


def contiguous_view(name: str, shape: Sequence[int]) -> View:
    """The view of a value that is stored as it is."""
    size = int(np.prod(shape))
    return View(name, np.arange(size, dtype=np.int64).reshape(tuple(shape)), size)


def find_loops(places: Array) -> Loops | None:
    """Nested loops that visit these places in order from the first; None if over four are needed.

    The innermost loop is the longest run of one stride; the starts of its runs are the places of
    the loops around it.
    """
    found: list[tuple[int, int]] = []
    rest = np.asarray(places).ravel()
    while rest.size > 1:
        stride = int(rest[1] - rest[0])
        steps = np.flatnonzero(np.diff(rest) != stride)
        run = int(steps[0]) + 1 if steps.size else rest.size
        if rest.size % run or len(found) == MAX_LOOPS:
            return None
        rows = rest.reshape(-1, run)
        if not (rows == rows[:, :1] + np.arange(run) * stride).all():
            return None
        found.insert(0, (run, stride))
        rest = rows[:, 0]
    return tuple(found)


def find_strides(index: Array) -> tuple[int, ...] | None:
    """The stride of each axis of an index; None if an axis has none."""
    strides = tuple(
        int(np.take(index, 1, axis).flat[0] - index.flat[0]) if count > 1 else 0
        for axis, count in enumerate(index.shape)
    )
    made = np.full(index.shape, int(index.flat[0]), np.int64)
    for axis, stride in enumerate(strides):
        steps = np.arange(index.shape[axis]) * stride
        made += steps.reshape([-1 if a == axis else 1 for a in range(index.ndim)])
    return strides if (made == index).all() else None
