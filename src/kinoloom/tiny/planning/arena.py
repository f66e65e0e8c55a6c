"""The arena: where each tensor lies, from when to when. Every plan is checked for overlaps.

Tensors are joined into one block where an operation works in place; a block gets smaller where the
result is. Blocks are then placed one by one at the lowest address that is free for as long as they
live, in several orders, the best of which is kept. Trained tensors, constants, labels and the loss
are not in the arena.
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
"""No better plan is sought once the peak is within this factor of the bound."""


@dataclass(frozen=True)
class Block:
    """A piece of the arena.

    Attributes:
        names: the tensors that lie in it, one after the other in time.
        bytes: its size at first, a multiple of `ALIGNMENT`.
        start, end: the first and the last operation during which it is in use.
        offset: its address in the arena.
        steps: (operation, bytes) from which on it is smaller, in order of time.
    """

    names: tuple[str, ...]
    bytes: int
    start: int
    end: int
    offset: int = 0
    steps: tuple[tuple[int, int], ...] = ()

    def bytes_at(self, moment: int) -> int:
        """Its size during an operation of its time."""
        return next((size for start, size in reversed(self.steps) if start <= moment), self.bytes)

    def spans(self) -> list[tuple[int, int, int]]:
        """(first operation, last operation, bytes) while its size stays the same."""
        starts = [self.start, *(start for start, _ in self.steps)]
        ends = [*(start - 1 for start in starts[1:]), self.end]
        sizes = [self.bytes, *(size for _, size in self.steps)]
        return list(zip(starts, ends, sizes, strict=True))

    def overlaps_in_time(self, other: Block) -> bool:
        """Whether both are in use at some time."""
        return self.start <= other.end and other.start <= self.end

    def sizes_when_both_live(self, other: Block) -> tuple[int, int]:
        """The sizes of both when they meet first; later neither is larger."""
        if not (self.steps or other.steps):
            return self.bytes, other.bytes
        moment = max(self.start, other.start)
        return self.bytes_at(moment), other.bytes_at(moment)


@dataclass(frozen=True)
class Plan:
    """A placement of blocks.

    Attributes:
        blocks: all, placed.
        length: how many operations there are.
    """

    blocks: tuple[Block, ...]
    length: int

    @property
    def peak(self) -> int:
        """The bytes of the arena."""
        return max((block.offset + block.bytes for block in self.blocks), default=0)

    @property
    def live_bytes(self) -> list[int]:
        """The bytes in use during each operation."""
        change = np.zeros(self.length + 1, np.int64)
        for block in self.blocks:
            for start, end, size in block.spans():
                change[start] += size
                change[end + 1] -= size
        return [int(n) for n in np.cumsum(change)[: self.length]]

    @property
    def lower_bound(self) -> int:
        """No placement of these blocks can take less: the most bytes in use at once."""
        return max(self.live_bytes, default=0)

    @property
    def topmost(self) -> set[tuple[str, ...]]:
        """The names of the blocks that end where the arena ends."""
        return {block.names for block in self.blocks if block.offset + block.bytes == self.peak}

    def offset(self, name: str) -> int:
        """The address of a tensor; of scratch memory by "scratch:<number of the operation>"."""
        return next(block.offset for block in self.blocks if name in block.names)


def plan_memory(program: Program) -> Plan:
    """The best plan found, checked."""
    made = place_blocks(build_blocks(program), len(program.ops))
    check_in_place_streams(program, made)
    return made


def lower_bound_bytes(program: Program) -> int:
    """What no plan of the program can go below."""
    return Plan(tuple(build_blocks(program)), len(program.ops)).lower_bound


def build_blocks(program: Program) -> list[Block]:
    """The blocks of a program, not yet placed."""
    last: dict[str, int] = {}
    for i, op in enumerate(program.ops):
        last.update(dict.fromkeys((*op.inputs(), *op.outputs()), i))
    made = _Blocks(program, last)
    made.start_block(program.input, program.tensors[program.input].bytes, 0)
    for i, op in enumerate(program.ops):
        made.add_op(i, op)
    return list(made.blocks.values())


@dataclass
class _Blocks:
    """Blocks as far as they are known, by their first tensor; `root` has that of each tensor."""

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
        """What this operation writes over what it reads for the last time."""
        over: dict[str, str] = {}
        for made, read in op.aliases():
            dies = read in self.root and self.last[read] == i
            fits = self.program.tensors[made].bytes <= self.program.tensors[read].bytes
            if dies and fits and made not in over and read not in over.values():
                over[made] = read
        return over


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _extend(block: Block, tensor: Tensor, start: int, end: int) -> Block:
    """The block with a tensor that takes the place of the one before, alone from `start` on."""
    size, steps = _aligned(tensor.bytes), block.steps
    if size < block.bytes_at(block.end) and start <= end:
        steps = (*steps, (start, size))
    return replace(block, names=(*block.names, tensor.name), end=end, steps=steps)


def place_blocks(blocks: Sequence[Block], length: int) -> Plan:
    """Place blocks: by size, by bytes times time and so on, then what ends highest earlier."""
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
        found = Plan(tuple(_first_fit(trial)), length)
        if found.peak <= best.peak:
            best, order = found, trial
    check_overlaps(best.blocks)
    return best


def _first_fit(order: Iterable[Block]) -> list[Block]:
    placed: list[Block] = []
    for block in order:
        offset = _lowest(block, [other for other in placed if block.overlaps_in_time(other)])
        insort(placed, replace(block, offset=offset), key=attrgetter("offset"))
    return placed


def _lowest(block: Block, others: Sequence[Block]) -> int:
    """The lowest address that is free beside others, which are sorted by address."""
    offset, before = 0, -1
    while offset != before:
        before = offset
        for other in others:
            own, size = block.sizes_when_both_live(other)
            if offset + own > other.offset:
                offset = max(offset, other.offset + size)
            elif not block.steps:
                return offset
    return offset  # a block with steps may have met one at a lower address again


def check_overlaps(blocks: Sequence[Block]) -> None:
    """See that no two blocks that are in use at one time share a byte.

    Raises:
        UsageError: two do; they are named.
    """
    for i, one in enumerate(blocks):
        for other in blocks[i + 1 :]:
            first, second = one.sizes_when_both_live(other)
            apart = one.offset + first <= other.offset or other.offset + second <= one.offset
            if one.overlaps_in_time(other) and not apart:
                raise UsageError(f"{one.names} and {other.names} overlap in the arena.")


def check_in_place_streams(program: Program, made: Plan) -> None:
    """See that what a stream writes over its input lies there, on bytes that nobody reads later.

    Raises:
        UsageError: it does not; the tensors are named.
    """
    for op in program.ops:
        if not (isinstance(op, Stream) and op.in_place_groups):
            continue
        apart = made.offset(op.x) != made.offset(op.ys[0])
        if apart or op.in_place_groups != find_in_place_groups(op.convs):
            raise UsageError(f"'{op.ys[0]}' is written over '{op.x}', which is still needed.")


def check_budget(program: Program, made: Plan, budget: int) -> None:
    """See that arena and trained tensors fit.

    Raises:
        BudgetError: they do not; the message says the least that would do, and what holds it.
    """
    total = made.peak + program.param_bytes
    if total <= budget:
        return
    moment = int(np.argmax(made.live_bytes))
    op = program.ops[moment]
    here = ((b.bytes_at(moment), b) for b in made.blocks if b.start <= moment <= b.end)
    held = sorted(here, key=lambda pair: -pair[0])
    names = ", ".join(f"{_display_name(b.names[0])} ({size} bytes)" for size, b in held[:3])
    raise BudgetError(
        f"{program.name} needs {total} bytes of RAM ({made.peak} arena, {program.param_bytes} "
        f"trained tensors); the budget is {budget}. The arena is fullest in {type(op).__name__} of "
        f"{', '.join(op.layers() or map(_display_name, op.outputs()))}, which holds {names}.",
        hint=f"Give at least {total} bytes, or train fewer layers.",
    )


def _display_name(name: str) -> str:
    """A tensor's name as a message tells it."""
    if name.startswith("scratch:"):
        return "its own buffers"
    gradient = re.fullmatch(r"d_(.+?)__\d+(?:_in)?", name)
    return f"the gradient by {gradient[1]}" if gradient else name
