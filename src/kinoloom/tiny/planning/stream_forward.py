"""Fuse chains of convolutions into row-by-row streams where that lowers peak memory.

A chain whose intermediate results have no other readers can run row by row (`Stream`): an inverted
bottleneck then needs its narrow input and output and a few rows of its wide middle. Segments of a
chain are chosen to minimise peak memory, then the number of fused convolutions, as unfused ones run
faster. If the input of a stream is not needed later, the result may overwrite it row by row. The
result is bit-identical to that of the separate operations.
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
"""Half-open range (start, end) of operations that are fused."""


def stream_convs(program: Program) -> Program:
    """Return the program with chains of convolutions fused."""
    blocks = build_blocks(program)
    readers = Counter(name for op in program.ops for name in op.inputs())
    chains = [_Chain(program, blocks, readers, *ends) for ends in _find_chains(program, readers)]
    inside = {i for chain in chains for i in range(chain.start, chain.end)}
    target = max(
        (_count_live_bytes(blocks, i, set()) for i in range(len(program.ops)) if i not in inside),
        default=0,
    )
    target = max([target, *(chain.choose_segments(0)[0] for chain in chains)])
    ops: list[Op] = []
    position = 0
    for chain in chains:
        ops += program.ops[position : chain.start]
        for first, last in chain.choose_segments(target)[2]:
            ops.append(chain.fuse(first, last))
        position = chain.end
    ops += program.ops[position:]
    removed = len(program.ops) - len(ops)
    inference = program.inference - removed
    return replace(program, ops=tuple(ops), inference=inference)


def _find_chains(program: Program, readers: Counter[str]) -> list[Segment]:
    """Return the runs of int8 convolutions, each the only reader of the previous one."""
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
        starts_chain = isinstance(op, Conv) and not op.factors
        start = i if starts_chain else i + 1
    return runs


def _count_live_bytes(blocks: Sequence[Block], time: int, without: set[str]) -> int:
    return sum(
        block.bytes
        for block in blocks
        if block.start <= time <= block.end and not without & set(block.names)
    )


@dataclass(frozen=True)
class _Chain:
    """Operations start..end of a program that may be fused."""

    program: Program
    blocks: Sequence[Block]
    readers: Counter[str]
    start: int
    end: int

    def choose_segments(self, target: int) -> tuple[int, int, list[Segment]]:
        """Choose segments with minimal peak memory, then a minimal number of fused convolutions.

        Returns:
            (max of peak and target, fused convolutions, segments).
        """
        best: dict[int, tuple[int, int, list[Segment]]] = {self.start: (target, 0, [])}
        for last in range(self.start + 1, self.end + 1):
            best[last] = min(
                (
                    max(best[first][0], self._peak_bytes(first, last)),
                    best[first][1] + (last - first if last - first > 1 else 0),
                    [*best[first][2], (first, last)],
                )
                for first in range(max(self.start, last - MAX_STAGES), last)
            )
        return best[self.end]

    def fuse(self, first: int, last: int) -> Op:
        """Return the convolutions first..last as one operation."""
        convs = self._get_convs(first, last)
        if len(convs) == 1:
            return convs[0]
        params = tuple(name for op in convs for name in op.params)
        masks = tuple(op.mask for op in convs if op.mask)
        in_place_groups = self._in_place_groups(convs)
        return Stream(convs, in_place_groups, convs[0].x, params, (convs[-1].y, *masks))

    def _get_convs(self, first: int, last: int) -> tuple[Conv, ...]:
        return tuple(op for op in self.program.ops[first:last] if isinstance(op, Conv))

    def _in_place_groups(self, convs: Sequence[Conv]) -> int:
        x = convs[0].x
        is_dead = self.readers[x] == 1 and self.program.tensors[x].role != "constant"
        return find_in_place_groups(convs) if is_dead and len(convs) > 1 else 0

    def _peak_bytes(self, first: int, last: int) -> int:
        """Return the peak memory in bytes of first..last as one operation."""
        convs = self._get_convs(first, last)
        streamed = {convs[0].x, *(op.y for op in convs)}
        ends = [convs[0].x] if self._in_place_groups(convs) else [convs[0].x, convs[-1].y]
        others = max(_count_live_bytes(self.blocks, i, streamed) for i in range(first, last))
        return sum(self.program.tensors[name].bytes for name in ends) + ring_bytes(convs) + others
