"""Join convolutions into streams where that lowers the peak of memory.

A chain of convolutions whose inner results nobody else reads can run row by row (`Stream`): an
inverted bottleneck then needs its narrow input and output and a few rows of the wide middle. The
chain is cut where it costs least: first the peak, then the number of convolutions that are joined,
as whole pictures run faster. Where the chain's input is not needed later, the result may take its
place row by row. The result is the same bit by bit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from kinoloom.tiny.ir.forward_ops import Conv
from kinoloom.tiny.ir.program import Op, Program
from kinoloom.tiny.ir.stream_ops import Stream, find_in_place_groups, ring_bytes
from kinoloom.tiny.planning.arena import Block, build_blocks

MAX_STAGES = 16

Segment = tuple[int, int]
"""The first convolution of a chain that is joined, and the one after the last."""


def stream_convs(program: Program) -> Program:
    """The same program with chains of convolutions joined."""
    blocks = build_blocks(program)
    readers = Counter(name for op in program.ops for name in op.inputs())
    chains = [_Chain(program, blocks, readers, *ends) for ends in _chains(program, readers)]
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
            ops.append(chain.joined(first, last))
        at = chain.end
    ops += program.ops[at:]
    changed = len(program.ops) - len(ops)
    inference = program.inference - changed
    return replace(program, ops=tuple(ops), inference=inference)


def _chains(program: Program, readers: Counter[str]) -> list[Segment]:
    """Runs of convolutions to int8, each the only reader of the one before."""
    runs: list[Segment] = []
    start = 0
    for i in range(program.inference + 1):
        op = program.ops[i] if i < program.inference else None
        before = program.ops[i - 1] if i > start else None
        joins = (
            isinstance(op, Conv)
            and not op.factors
            and (before is None or (op.x == before.outputs()[0] and readers[op.x] == 1))
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
    readers: Counter[str]
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
                for first in range(max(self.start, last - MAX_STAGES), last)
            )
        return found[self.end]

    def joined(self, first: int, last: int) -> Op:
        """The convolutions first .. last as one operation."""
        convs = self._convs(first, last)
        if len(convs) == 1:
            return convs[0]
        params = tuple(name for op in convs for name in op.params)
        masks = tuple(op.mask for op in convs if op.mask)
        in_place_groups = self._over_x(convs)
        return Stream(convs, in_place_groups, convs[0].x, params, (convs[-1].y, *masks))

    def _convs(self, first: int, last: int) -> tuple[Conv, ...]:
        return tuple(op for op in self.program.ops[first:last] if isinstance(op, Conv))

    def _over_x(self, convs: Sequence[Conv]) -> int:
        x = convs[0].x
        dies = self.readers[x] == 1 and self.program.tensors[x].role != "constant"
        return find_in_place_groups(convs) if dies and len(convs) > 1 else 0

    def _peak(self, first: int, last: int) -> int:
        """The most bytes in use while first..last run as one."""
        convs = self._convs(first, last)
        own = {convs[0].x, *(op.y for op in convs)}
        ends = [convs[0].x] if self._over_x(convs) else [convs[0].x, convs[-1].y]
        others = max(_live(self.blocks, i, own) for i in range(first, last))
        return sum(self.program.tensors[name].bytes for name in ends) + ring_bytes(convs) + others
