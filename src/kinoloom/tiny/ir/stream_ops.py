"""Convolutions one behind the other, row by row: what is kept of each result, and in which order.

A row of the last result is made as soon as the rows that it needs are there. Each inner result has
a ring of its rows. Where a depthwise convolution follows another one, both go channel by channel:
of a channel only those rows are kept that the next row of the depthwise result needs again, and
the rest lives in a working ring that all channels take in turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

from kinoloom.tiny.ir.forward_ops import Conv
from kinoloom.tiny.ir.program import Geometry, Op, input_field, output_field

CHANNELS_PER_PASS = 2
"""Channels that take a working ring at a time."""


@dataclass(frozen=True)
class Stream(Op):
    """Convolutions one behind the other; what is between them never exists whole.

    Attributes:
        convs: in order; each reads the result of the one before.
        over_x: how many groups of channels the result has that lies where x does; 0 where it does
            not. Rows of a group are gathered there as (rows, channels, columns), on rows of x that
            no later row needs, and brought in order last.
        x, params, ys: what they read from and write to the outside: the last result, and masks.
    """

    convs: tuple[Conv, ...]
    in_place_groups: int
    x: str = input_field()
    params: tuple[str, ...] = input_field()
    ys: tuple[str, ...] = output_field()

    def fused_ops(self) -> tuple[Op, ...]:
        """The convolutions."""
        return self.convs

    def aliases(self) -> tuple[tuple[str, str], ...]:
        """The result over x, if it is made so."""
        return ((self.ys[0], self.x),) if self.in_place_groups else ()

    def scratch_bytes(self) -> int:
        """Bytes of all rings."""
        return ring_bytes(self.convs)


def ring_bytes(convs: Sequence[Conv]) -> int:
    """Bytes of the rings between convolutions, the working ring with them."""
    g = [conv.geometry for conv in convs]
    kept = (o.cout * o.ow * rows for o, rows in zip(g[:-1], ring_rows(convs), strict=True))
    turns = (CHANNELS_PER_PASS * o.ow * rows for o, rows in zip(g, work_rows(convs), strict=True))
    return sum(kept) + max(turns)


def ring_rows(convs: Sequence[Conv]) -> tuple[int, ...]:
    """Rows that are kept of each result but the last."""
    work = work_rows(convs)
    kept = []
    for i, (one, after) in enumerate(pairwise(convs)):
        g = after.geometry
        rows = _window_rows(g) - g.sy
        if not work[i]:
            new = convs[i + 2].geometry.sy if work[i + 1] else 1
            rows = _window_rows(g) + (new - 1) * g.sy
        kept.append(min(one.geometry.oh, max(rows, 0)))
    return tuple(kept)


def work_rows(convs: Sequence[Conv]) -> tuple[int, ...]:
    """Rows of the working ring of each result that goes channel by channel; else 0.

    It does where a depthwise convolution follows that is not taken yet, and fewer bytes are kept.
    """
    rows: list[int] = []
    for one, after in pairwise(convs):
        g, seen = one.geometry, min(one.geometry.oh, _window_rows(after.geometry))
        kept = max(_window_rows(after.geometry) - after.geometry.sy, 0)
        less = g.cout * kept + CHANNELS_PER_PASS * seen < g.cout * seen
        free = not (rows and rows[-1])
        rows.append(seen if after.geometry.is_depthwise and free and less else 0)
    return (*rows, 0)


def _window_rows(g: Geometry) -> int:
    """Rows of the input that a row of the result spans."""
    return (g.kh - 1) * g.dy + 1


def _rows_needed(g: Geometry, rows: int) -> int:
    """How many rows of the input, from the first on, so many rows of the result need."""
    return min(max((rows - 1) * g.sy - g.py + _window_rows(g), 0), g.ih) if rows else 0


def schedule_passes(g: Sequence[Geometry], work: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """In order: (convolution, rows of its result before, rows after), as `kl_stream` makes them.

    Two that go channel by channel follow each other and are one pass. `work` is of `work_rows`.
    """
    done, last = [0] * len(g), len(g) - 1

    def head_of(i: int) -> int:
        return i - 1 if i and work[i - 1] else i

    def after(i: int) -> int:
        if not work[i]:
            return done[i] + 1
        return min(done[i] + g[i + 1].sy, _rows_needed(g[i + 1], done[i + 1] + 1))

    while done[last] < g[last].oh:
        i = head_of(last)
        while i and done[i - 1] < _rows_needed(g[i], after(i)):
            i = head_of(i - 1)
        rows = after(i)
        whole = work[i] and rows >= _rows_needed(g[i + 1], done[i + 1] + 1)
        yield i, done[i], rows
        done[i] = rows
        if whole:
            yield i + 1, done[i + 1], done[i + 1] + 1
            done[i + 1] += 1


def find_in_place_groups(convs: Sequence[Conv]) -> int:
    """The least groups of channels with which the result may lie where x does; 0 if it may not.

    Each row of the result must lie on rows of x that are read no more when it is stored; every byte
    is looked at. A group needs as many bytes at once as it has in the end, so groups stay apart.
    """
    return _find_groups(tuple(conv.geometry for conv in convs), work_rows(convs))


@cache
def _find_groups(g: tuple[Geometry, ...], work: tuple[int, ...]) -> int:
    first, last = g[0], g[-1]
    plane, whole = first.ih * first.iw, last.cout * last.oh * last.ow
    if whole > first.cin * plane or work[-2]:
        return 0
    counts = [n for n in range(1, last.cout + 1) if last.cout % n == 0]
    counts = [n for n in counts if last.cout // n * last.ow * (last.oh - 1) <= plane]
    if not counts:
        return 0
    dead = np.array(_dead_rows(g, work))[:, None]
    for groups in counts:
        place = np.arange(whole).reshape(groups, last.oh, -1)
        if (place % plane // first.iw < dead).all():
            return groups
    return 0


def _dead_rows(g: Sequence[Geometry], work: Sequence[int]) -> list[int]:
    """For each row of the result, how many rows of x nobody reads once it is being stored."""
    read, dead = 0, []
    for i, _, rows in schedule_passes(g, work):
        if i == 0:
            read = rows
        elif i == len(g) - 1:
            dead.append(g[0].ih if read == g[0].oh else max(read * g[0].sy - g[0].py, 0))
    return dead
