"""The arena: where each tensor lies, from when to when. Every plan is checked for overlaps.

Tensors are joined into one block where an operation works in place; blocks are then placed one by
one at the lowest address that is free for as long as they live, in several orders, the best of
which is kept. Trained tensors, constants, labels and the loss are not in the arena.
"""

from __future__ import annotations

import re
from bisect import insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter

import numpy as np

from kinoloom.errors import BudgetError, UsageError
from kinoloom.tiny.ir import Op, Program

ALIGNMENT = 4
TRIES = 100
NEAR = 1.005
"""No better plan is sought once the peak is within this factor of the bound."""


@dataclass(frozen=True)
class Block:
    """A piece of the arena.

    Attributes:
        names: the tensors that lie in it, one after the other in time.
        bytes: its size, a multiple of `ALIGNMENT`.
        start, end: the first and the last operation during which it is in use.
        offset: its address in the arena.
    """

    names: tuple[str, ...]
    bytes: int
    start: int
    end: int
    offset: int = 0

    def meets(self, other: Block) -> bool:
        """Whether both are in use at some time."""
        return self.start <= other.end and other.start <= self.end


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
    def live(self) -> list[int]:
        """The bytes in use during each operation."""
        change = np.zeros(self.length + 1, np.int64)
        for block in self.blocks:
            change[block.start] += block.bytes
            change[block.end + 1] -= block.bytes
        return [int(n) for n in np.cumsum(change)[: self.length]]

    @property
    def bound(self) -> int:
        """No placement of these blocks can take less: the most bytes in use at once."""
        return max(self.live, default=0)

    def offset(self, name: str) -> int:
        """The address of a tensor; of scratch memory by "scratch:<number of the operation>"."""
        return next(block.offset for block in self.blocks if name in block.names)


def plan(program: Program) -> Plan:
    """The best plan found, checked."""
    return place(blocks_of(program), len(program.ops))


def blocks_of(program: Program) -> list[Block]:
    """The blocks of a program, not yet placed."""
    last: dict[str, int] = {}
    for i, op in enumerate(program.ops):
        last.update(dict.fromkeys((*op.reads(), *op.writes()), i))
    made = _Blocks(program, last)
    made.begin(program.input, program.tensors[program.input].bytes, 0)
    for i, op in enumerate(program.ops):
        made.take(i, op)
    return list(made.blocks.values())


@dataclass
class _Blocks:
    """Blocks as far as they are known, by their first tensor; `root` has that of each tensor."""

    program: Program
    last: dict[str, int]
    blocks: dict[str, Block] = field(default_factory=dict)
    root: dict[str, str] = field(default_factory=dict)

    def begin(self, name: str, size: int, start: int) -> None:
        rounded = -(-size // ALIGNMENT) * ALIGNMENT
        self.blocks[name] = Block((name,), rounded, start, self.last.get(name, start))
        self.root[name] = name

    def take(self, i: int, op: Op) -> None:
        if op.scratch():
            self.begin(f"scratch:{i}", op.scratch(), i)
        over = self._in_place(i, op)
        for name in op.writes():
            tensor = self.program.tensors[name]
            if name in over:
                root = self.root[name] = self.root[over[name]]
                old = self.blocks[root]
                self.blocks[root] = replace(old, names=(*old.names, name), end=self.last[name])
            elif tensor.role == "work":
                self.begin(name, tensor.bytes, i)

    def _in_place(self, i: int, op: Op) -> dict[str, str]:
        """What this operation writes over what it reads for the last time."""
        over: dict[str, str] = {}
        for made, read in op.overlays():
            dies = read in self.root and self.last[read] == i
            same = self.program.tensors[made].bytes == self.program.tensors[read].bytes
            if dies and same and made not in over and read not in over.values():
                over[made] = read
        return over


def place(blocks: Sequence[Block], length: int) -> Plan:
    """Place blocks; the order by size or by bytes times time, then random changes of it."""
    live = Plan(tuple(blocks), length).live
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
    for _ in range(TRIES if len(blocks) > 1 else 0):
        if best.peak <= NEAR * bound:
            break
        trial = list(order)
        i, j = random.integers(len(trial), size=2)
        trial.insert(int(j), trial.pop(int(i)))
        found = Plan(tuple(_first_fit(trial)), length)
        if found.peak <= best.peak:
            best, order = found, trial
    check(best.blocks)
    return best


def _first_fit(order: Iterable[Block]) -> list[Block]:
    placed: list[Block] = []
    for block in order:
        offset = 0
        for other in placed:  # kept sorted by offset
            if block.meets(other):
                if offset + block.bytes <= other.offset:
                    break
                offset = max(offset, other.offset + other.bytes)
        insort(placed, replace(block, offset=offset), key=attrgetter("offset"))
    return placed


def check(blocks: Sequence[Block]) -> None:
    """See that no two blocks that are in use at one time share a byte.

    Raises:
        UsageError: two do; they are named.
    """
    for i, one in enumerate(blocks):
        for other in blocks[i + 1 :]:
            apart = (
                one.offset + one.bytes <= other.offset or other.offset + other.bytes <= one.offset
            )
            if one.meets(other) and not apart:
                raise UsageError(f"{one.names} and {other.names} overlap in the arena.")


def check_budget(program: Program, made: Plan, budget: int) -> None:
    """See that arena and trained tensors fit.

    Raises:
        BudgetError: they do not; the message says the least that would do, and what holds it.
    """
    total = made.peak + program.param_bytes
    if total <= budget:
        return
    moment = int(np.argmax(made.live))
    op = program.ops[moment]
    held = sorted((b for b in made.blocks if b.start <= moment <= b.end), key=lambda b: -b.bytes)
    names = ", ".join(f"{_said(b.names[0])} ({b.bytes} bytes)" for b in held[:3])
    raise BudgetError(
        f"{program.name} needs {total} bytes of RAM ({made.peak} arena, {program.param_bytes} "
        f"trained tensors); the budget is {budget}. The arena is fullest in {type(op).__name__} of "
        f"{', '.join(op.layers() or map(_said, op.writes()))}, which holds {names}.",
        hint=f"Give at least {total} bytes, or train fewer layers.",
    )


def _said(name: str) -> str:
    """A tensor's name as a message tells it."""
    if name.startswith("scratch:"):
        return "its own buffers"
    gradient = re.fullmatch(r"d_(.+?)__\d+(?:_in)?", name)
    return f"the gradient by {gradient[1]}" if gradient else name
