"""Join convolutions into streams where that lowers the peak of memory.

A chain of convolutions whose inner results nobody else reads can run row by row (`Stream`): an
inverted bottleneck then needs its narrow input and output and a few rows of the wide middle. The
chain is cut where it costs least: first the peak, then the number of convolutions that are joined,
as whole pictures run faster. The result is the same bit by bit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from kinoloom.tiny.ir import Op, Program
from kinoloom.tiny.ops_forward import Conv, Stream, ring_bytes
from kinoloom.tiny.plan import Block, blocks_of

MOST_JOINED = 16

Segment = tuple[int, int]
"""The first convolution of a chain that is joined, and the one after the last."""


def stream(program: Program) -> Program:
    """The same program with chains of convolutions joined."""
    blocks = blocks_of(program)
    chains = [_Chain(program, blocks, start, end) for start, end in _chains(program)]
    inside = {i for chain in chains for i in range(chain.start, chain.end)}
    target = max(
        (_live(blocks, i, set()) for i in range(len(program.ops)) if i not in inside), default=0
    )
    target = max([target, *(chain.best(0)[0] for chain in chains)])
    ops: list[Op] = []
    at = 0
    for chain in chains:
        ops += program.ops[at : chain.start]
        for first, last in chain.best(target)[2]:
            ops.append(_joined(program.ops[first:last]))
        at = chain.end
    ops += program.ops[at:]
    changed = len(program.ops) - len(ops)
    inference = program.inference - changed
    return replace(program, ops=tuple(ops), inference=inference)


def _chains(program: Program) -> list[Segment]:
    """Runs of convolutions to int8, each the only reader of the one before."""
    readers = Counter(name for op in program.ops for name in op.reads())
    runs: list[Segment] = []
    start = 0
    for i in range(program.inference + 1):
        op = program.ops[i] if i < program.inference else None
        before = program.ops[i - 1] if i > start else None
        joins = (
            isinstance(op, Conv)
            and not op.factors
            and (before is None or (op.x == before.writes()[0] and readers[op.x] == 1))
        )
        if joins:
            continue
        if i - start > 1:
            runs.append((start, i))
        starts_anew = isinstance(op, Conv) and not op.factors
        start = i if starts_anew else i + 1
    return runs


def _live(blocks: Sequence[Block], moment: int, without: set[str]) -> int:
    return sum(
        block.bytes
        for block in blocks
        if block.start <= moment <= block.end and not without & set(block.names)
    )


@dataclass(frozen=True)
class _Chain:
    """Operations start..end of a program, which may be joined."""

    program: Program
    blocks: Sequence[Block]
    start: int
    end: int

    def best(self, target: int) -> tuple[int, int, list[Segment]]:
        """(peak but at least target, convolutions joined, segments): the least of the first two."""
        found: dict[int, tuple[int, int, list[Segment]]] = {self.start: (target, 0, [])}
        for last in range(self.start + 1, self.end + 1):
            found[last] = min(
                (
                    max(found[first][0], self._peak(first, last)),
                    found[first][1] + (last - first if last - first > 1 else 0),
                    [*found[first][2], (first, last)],
                )
                for first in range(max(self.start, last - MOST_JOINED), last)
            )
        return found[self.end]

    def _peak(self, first: int, last: int) -> int:
        """The most bytes in use while first..last run as one."""
        convs = [op for op in self.program.ops[first:last] if isinstance(op, Conv)]
        own = {convs[0].x, *(op.y for op in convs)}
        ends = [self.program.tensors[name].bytes for name in (convs[0].x, convs[-1].y)]
        rings = sum(ring_bytes(a, b) for a, b in pairwise(convs))
        others = max(_live(self.blocks, i, own) for i in range(first, last))
        return sum(ends) + rings + others


def _joined(ops: Sequence[Op]) -> Op:
    convs = tuple(op for op in ops if isinstance(op, Conv))
    if len(convs) == 1:
        return convs[0]
    params = tuple(name for op in convs for name in op.params)
    masks = tuple(op.mask for op in convs if op.mask)
    return Stream(convs, convs[0].x, params, (convs[-1].y, *masks))
