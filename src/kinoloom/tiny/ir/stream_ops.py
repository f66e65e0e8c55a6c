"""Fused convolutions, computed row by row: line buffers and the order of execution.

A row of the last result is computed as soon as its input rows are available. Each intermediate
result has a ring buffer of rows. A convolution and the depthwise convolution after it are computed
channel by channel: the ring buffer then holds only the rows that the next depthwise row reads
again, and the others are in a working ring that the channels share.
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
"""Number of channels that use the working ring at a time."""


@dataclass(frozen=True)
class Stream(Op):
    """A chain of convolutions computed row by row, with line buffers for intermediate results.

    Attributes:
        convs: in order; each reads the result of the previous one.
        in_place_groups: number of channel groups of a result that is stored over x; 0 if it has
            memory of its own. A group is first stored as (rows, channels, columns), over rows of x
            that are no longer needed, and transposed at the end.
        x: the input.
        params: the params of all convolutions.
        ys: the last result, then the masks.
    """

    convs: tuple[Conv, ...]
    in_place_groups: int
    x: str = input_field()
    params: tuple[str, ...] = input_field()
    ys: tuple[str, ...] = output_field()

    def fused_ops(self) -> tuple[Op, ...]:
        """Return the convolutions."""
        return self.convs

    def aliases(self) -> tuple[tuple[str, str], ...]:
        """Return the result paired with x, if it is computed in place."""
        return ((self.ys[0], self.x),) if self.in_place_groups else ()

    def scratch_bytes(self) -> int:
        """Return the total size of the ring buffers in bytes."""
        return ring_bytes(self.convs)


def ring_bytes(convs: Sequence[Conv]) -> int:
    """Return the bytes of the ring buffers between convolutions, with the working ring."""
    g = [conv.geometry for conv in convs]
    rings = (o.cout * o.ow * rows for o, rows in zip(g[:-1], ring_rows(convs), strict=True))
    working = (CHANNELS_PER_PASS * o.ow * rows for o, rows in zip(g, work_rows(convs), strict=True))
    return sum(rings) + max(working)


def ring_rows(convs: Sequence[Conv]) -> tuple[int, ...]:
    """Return the rows of the ring buffer of each result but the last."""
    work = work_rows(convs)
    rings = []
    for i, (producer, consumer) in enumerate(pairwise(convs)):
        g = consumer.geometry
        rows = _window_rows(g) - g.sy
        if not work[i]:
            new = convs[i + 2].geometry.sy if work[i + 1] else 1
            rows = _window_rows(g) + (new - 1) * g.sy
        rings.append(min(producer.geometry.oh, max(rows, 0)))
    return tuple(rings)


def work_rows(convs: Sequence[Conv]) -> tuple[int, ...]:
    """Return the rows of the working ring of each result; 0 if it is not computed by channel.

    A convolution is paired with the depthwise convolution after it if that saves memory and it is
    not the second of another pair.
    """
    rows: list[int] = []
    for producer, consumer in pairwise(convs):
        g, window = producer.geometry, min(producer.geometry.oh, _window_rows(consumer.geometry))
        rings = max(_window_rows(consumer.geometry) - consumer.geometry.sy, 0)
        saves_memory = g.cout * rings + CHANNELS_PER_PASS * window < g.cout * window
        is_unpaired = not (rows and rows[-1])
        rows.append(
            window if consumer.geometry.is_depthwise and is_unpaired and saves_memory else 0
        )
    return (*rows, 0)


def _window_rows(g: Geometry) -> int:
    """Return the number of input rows that an output row spans."""
    return (g.kh - 1) * g.dy + 1


def _rows_needed(g: Geometry, rows: int) -> int:
    """Return the number of leading input rows needed for the first `rows` output rows."""
    return min(max((rows - 1) * g.sy - g.py + _window_rows(g), 0), g.ih) if rows else 0


def schedule_passes(g: Sequence[Geometry], work: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Yield the passes of `kl_stream` in order: (convolution, rows before, rows after).

    A pair that is computed by channel yields two consecutive items.

    Args:
        g: geometry of each convolution.
        work: the result of `work_rows`.
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
        is_complete = work[i] and rows >= _rows_needed(g[i + 1], done[i + 1] + 1)
        yield i, done[i], rows
        done[i] = rows
        if is_complete:
            yield i + 1, done[i + 1], done[i + 1] + 1
            done[i + 1] += 1


def find_in_place_groups(convs: Sequence[Conv]) -> int:
    """Return the smallest number of channel groups that allows an in-place result; 0 for none.

    A row of the result may only overwrite rows of x that no later pass reads; every byte is
    checked. A group has the same size in both layouts, so groups do not overlap.
    """
    return _find_groups(tuple(conv.geometry for conv in convs), work_rows(convs))


@cache
def _find_groups(g: tuple[Geometry, ...], work: tuple[int, ...]) -> int:
    first, last = g[0], g[-1]
    plane, size = first.ih * first.iw, last.cout * last.oh * last.ow
    if size > first.cin * plane or work[-2]:
        return 0
    counts = [n for n in range(1, last.cout + 1) if last.cout % n == 0]
    counts = [n for n in counts if last.cout // n * last.ow * (last.oh - 1) <= plane]
    if not counts:
        return 0
    dead = np.array(_dead_rows(g, work))[:, None]
    for groups in counts:
        position = np.arange(size).reshape(groups, last.oh, -1)
        if (position % plane // first.iw < dead).all():
            return groups
    return 0


def _dead_rows(g: Sequence[Geometry], work: Sequence[int]) -> list[int]:
    """Return the number of dead leading rows of x at the time each output row is stored."""
    read, dead = 0, []
    for i, _, rows in schedule_passes(g, work):
        if i == 0:
            read = rows
        elif i == len(g) - 1:
            dead.append(g[0].ih if read == g[0].oh else max(read * g[0].sy - g[0].py, 0))
    return dead
