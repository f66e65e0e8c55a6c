"""The memory planner: address and lifetime of each tensor in the arena.

Tensors of in-place operations share a block, which shrinks if the result is smaller. Blocks are
placed first-fit at the lowest address that is free during their lifetime, in several orders, of
which the best is kept. Every plan is checked for overlaps. Trained tensors, constants, labels and
the loss are stored outside the arena.
"""

from __future__ import annotations

import re
from bisect import insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter

import numpy as np

from kinoloom.errors import BudgetError, UsageError
from kinoloom.tiny.ir.program import Op, Program, Tensor
from kinoloom.tiny.ir.stream_ops import Stream, find_in_place_groups

ALIGNMENT = 4
MAX_TRIALS = 100
PEAK_TOLERANCE = 1.005
"""The search ends when the peak is within this factor of the lower bound."""


@dataclass(frozen=True)
class Block:
    """A range of the arena with a lifetime.

    Attributes:
        names: tensors stored in the block, one after the other in time.
        bytes: initial size, a multiple of `ALIGNMENT`.
        start, end: first and last operation of its lifetime, both inclusive.
        offset: address in the arena.
        steps: (operation, bytes) of each reduction of its size, in order of time.
    """

    names: tuple[str, ...]
    bytes: int
    start: int
    end: int
    offset: int = 0
    steps: tuple[tuple[int, int], ...] = ()

    def bytes_at(self, time: int) -> int:
        """Return its size during operation number `time`."""
        return next((size for start, size in reversed(self.steps) if start <= time), self.bytes)

    def spans(self) -> list[tuple[int, int, int]]:
        """Return (first operation, last operation, bytes) of each period of constant size."""
        starts = [self.start, *(start for start, _ in self.steps)]
        ends = [*(start - 1 for start in starts[1:]), self.end]
        sizes = [self.bytes, *(size for _, size in self.steps)]
        return list(zip(starts, ends, sizes, strict=True))

    def overlaps_in_time(self, other: Block) -> bool:
        """Return whether the lifetimes overlap."""
        return self.start <= other.end and other.start <= self.end

    def sizes_when_both_live(self, other: Block) -> tuple[int, int]:
        """Return the sizes of both when they are first live together, which are the largest."""
        if not (self.steps or other.steps):
            return self.bytes, other.bytes
        time = max(self.start, other.start)
        return self.bytes_at(time), other.bytes_at(time)


@dataclass(frozen=True)
class Plan:
    """A memory plan.

    Attributes:
        blocks: the placed blocks.
        length: number of operations of the program.
    """

    blocks: tuple[Block, ...]
    length: int

    @property
    def peak(self) -> int:
        """Size of the arena in bytes."""
        return max((block.offset + block.bytes for block in self.blocks), default=0)

    @property
    def live_bytes(self) -> list[int]:
        """Bytes in use during each operation."""
        change = np.zeros(self.length + 1, np.int64)
        for block in self.blocks:
            for start, end, size in block.spans():
                change[start] += size
                change[end + 1] -= size
        return [int(n) for n in np.cumsum(change)[: self.length]]

    @property
    def lower_bound(self) -> int:
        """Lower bound of the peak of any placement: the maximum of the live bytes."""
        return max(self.live_bytes, default=0)

    @property
    def topmost(self) -> set[tuple[str, ...]]:
        """Names of the blocks at the end of the arena."""
        return {block.names for block in self.blocks if block.offset + block.bytes == self.peak}

    def offset(self, name: str) -> int:
        """Return the address of a tensor, or of scratch memory by "scratch:<operation number>"."""
        return next(block.offset for block in self.blocks if name in block.names)


def plan_memory(program: Program) -> Plan:
    """Plan the arena of a program; the plan is checked for overlaps."""
    plan = place_blocks(build_blocks(program), len(program.ops))
    check_in_place_streams(program, plan)
    return plan


def lower_bound_bytes(program: Program) -> int:
    """Return the lower bound of the arena size of a program."""
    return Plan(tuple(build_blocks(program)), len(program.ops)).lower_bound


def build_blocks(program: Program) -> list[Block]:
    """Return the blocks of a program, not yet placed."""
    last: dict[str, int] = {}
    for i, op in enumerate(program.ops):
        last.update(dict.fromkeys((*op.inputs(), *op.outputs()), i))
    builder = _BlockBuilder(program, last)
    builder.start_block(program.input, program.tensors[program.input].bytes, 0)
    for i, op in enumerate(program.ops):
        builder.add_op(i, op)
    return list(builder.blocks.values())


@dataclass
class _BlockBuilder:
    """Blocks by the name of their first tensor; `root` maps each tensor to that name."""

    program: Program
    last: dict[str, int]
    blocks: dict[str, Block] = field(default_factory=dict)
    root: dict[str, str] = field(default_factory=dict)

    def start_block(self, name: str, size: int, start: int) -> None:
        self.blocks[name] = Block((name,), _aligned(size), start, self.last.get(name, start))
        self.root[name] = name

    def add_op(self, i: int, op: Op) -> None:
        if op.scratch_bytes():
            self.start_block(f"scratch:{i}", op.scratch_bytes(), i)
        over = self._in_place(i, op)
        for name in op.outputs():
            tensor = self.program.tensors[name]
            if name in over:
                root = self.root[name] = self.root[over[name]]
                self.blocks[root] = _extend(self.blocks[root], tensor, i + 1, self.last[name])
            elif tensor.role == "work":
                self.start_block(name, tensor.bytes, i)

    def _in_place(self, i: int, op: Op) -> dict[str, str]:
        """Map the outputs of operation i to the inputs that they overwrite."""
        over: dict[str, str] = {}
        for output, source in op.aliases():
            is_dead = source in self.root and self.last[source] == i
            fits = self.program.tensors[output].bytes <= self.program.tensors[source].bytes
            if is_dead and fits and output not in over and source not in over.values():
                over[output] = source
        return over


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _extend(block: Block, tensor: Tensor, start: int, end: int) -> Block:
    """Return the block extended by a tensor that replaces the previous one from `start` on."""
    size, steps = _aligned(tensor.bytes), block.steps
    if size < block.bytes_at(block.end) and start <= end:
        steps = (*steps, (start, size))
    return replace(block, names=(*block.names, tensor.name), end=end, steps=steps)


def place_blocks(blocks: Sequence[Block], length: int) -> Plan:
    """Place blocks first-fit in several orders, then improve the best order by random trials.

    A trial moves a block at the end of the arena to an earlier position of the order.
    """
    live = Plan(tuple(blocks), length).live_bytes
    bound = max(live, default=0)
    orders = [
        sorted(blocks, key=lambda b: (-b.bytes, b.start)),
        sorted(blocks, key=lambda b: (-b.bytes * (b.end - b.start + 1), b.start)),
        sorted(blocks, key=lambda b: (b.start, -b.bytes)),
        sorted(blocks, key=lambda b: (-(b.end - b.start), -b.bytes)),
        sorted(blocks, key=lambda b: (-max(live[b.start : b.end + 1]), -b.bytes)),
        sorted(blocks, key=lambda b: (-max(live[b.start : b.end + 1]), b.start)),
        sorted(blocks, key=lambda b: (-max(live[b.start : b.end + 1]), b.start - b.end)),
    ]
    best, order = min(
        ((Plan(tuple(_first_fit(o)), length), o) for o in orders), key=lambda pair: pair[0].peak
    )
    random = np.random.default_rng(0)
    for _ in range(MAX_TRIALS if len(blocks) > 1 else 0):
        if best.peak <= PEAK_TOLERANCE * bound:
            break
        trial = list(order)
        i = next(k for k, b in enumerate(trial) if b.names in best.topmost)
        trial.insert(int(random.integers(i + 1)), trial.pop(i))
        candidate = Plan(tuple(_first_fit(trial)), length)
        if candidate.peak <= best.peak:
            best, order = candidate, trial
    check_overlaps(best.blocks)
    return best


def _first_fit(order: Iterable[Block]) -> list[Block]:
    placed: list[Block] = []
    for block in order:
        offset = _lowest(block, [other for other in placed if block.overlaps_in_time(other)])
        insort(placed, replace(block, offset=offset), key=attrgetter("offset"))
    return placed


def _lowest(block: Block, others: Sequence[Block]) -> int:
    """Return the lowest address that is free of `others`, which are sorted by address."""
    offset, before = 0, -1
    while offset != before:
        before = offset
        for other in others:
            own, size = block.sizes_when_both_live(other)
            if offset + own > other.offset:
                offset = max(offset, other.offset + size)
            elif not block.steps:
                return offset
    return offset  # a block with steps may conflict with a lower one after it moved


def check_overlaps(blocks: Sequence[Block]) -> None:
    """Check that no two blocks with overlapping lifetimes share a byte.

    Raises:
        UsageError: Two blocks overlap; the message names them.
    """
    for i, one in enumerate(blocks):
        for other in blocks[i + 1 :]:
            first, second = one.sizes_when_both_live(other)
            apart = one.offset + first <= other.offset or other.offset + second <= one.offset
            if one.overlaps_in_time(other) and not apart:
                raise UsageError(f"{one.names} and {other.names} overlap in the arena.")


def check_in_place_streams(program: Program, plan: Plan) -> None:
    """Check that in-place streams overwrite only bytes of their input that are no longer read.

    Raises:
        UsageError: A stream overwrites data that is still needed; the message names the tensors.
    """
    for op in program.ops:
        if not (isinstance(op, Stream) and op.in_place_groups):
            continue
        is_separate = plan.offset(op.x) != plan.offset(op.ys[0])
        if is_separate or op.in_place_groups != find_in_place_groups(op.convs):
            raise UsageError(f"'{op.ys[0]}' is written over '{op.x}', which is still needed.")


def check_budget(program: Program, plan: Plan, budget: int) -> None:
    """Check that the arena and the trained tensors fit a budget in bytes.

    Raises:
        BudgetError: They do not fit; the message gives the bytes needed and the largest tensors.
    """
    total = plan.peak + program.param_bytes
    if total <= budget:
        return
    time = int(np.argmax(plan.live_bytes))
    op = program.ops[time]
    live = ((b.bytes_at(time), b) for b in plan.blocks if b.start <= time <= b.end)
    largest = sorted(live, key=lambda pair: -pair[0])[:3]
    names = ", ".join(f"{_display_name(b.names[0])} ({size} bytes)" for size, b in largest)
    raise BudgetError(
        f"{program.name} needs {total} bytes of RAM ({plan.peak} arena, {program.param_bytes} "
        f"trained tensors); the budget is {budget}. Peak memory is in {type(op).__name__} of "
        f"{', '.join(op.layers() or map(_display_name, op.outputs()))}, with {names}.",
        hint=f"Set a budget of at least {total} bytes, or train fewer layers.",
    )


def _display_name(name: str) -> str:
    """Return the name of a tensor for messages."""
    if name.startswith("scratch:"):
        return "its buffers"
    gradient = re.fullmatch(r"d_(.+?)__\d+(?:_in)?", name)
    return f"the gradient of {gradient[1]}" if gradient else name
