"""The planner: no overlaps, ever; near the bound; the least budget is told."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_networks import Everything, quantised

from kinoloom.errors import BudgetError, UsageError
from kinoloom.tiny.api import compile_program
from kinoloom.tiny.ir.program import Array
from kinoloom.tiny.planning.arena import (
    ALIGNMENT,
    Block,
    build_blocks,
    check_overlaps,
    place_blocks,
    plan_memory,
)


@st.composite
def some_blocks(draw: st.DrawFn) -> list[Block]:
    """Blocks over 12 moments; many of equal lifetimes and sizes, some that get smaller."""
    spans = st.tuples(st.integers(0, 11), st.integers(0, 11)).map(sorted)
    sizes = st.integers(1, 12).map(lambda n: n * ALIGNMENT)
    steps = st.dictionaries(st.integers(1, 11), sizes, max_size=2)
    items = draw(st.lists(st.tuples(sizes, spans, steps), min_size=1, max_size=14))
    return [
        Block((f"t{i}",), size, *span, steps=_smaller(size, span, given))
        for i, (size, span, given) in enumerate(items)
    ]


def _smaller(size: int, span: list[int], given: dict[int, int]) -> tuple[tuple[int, int], ...]:
    """Steps within a block's time, each of fewer bytes than before."""
    made = []
    for moment, less in sorted(given.items()):
        if span[0] < moment <= span[1] and less < size:
            made.append((moment, less))
            size = less
    return tuple(made)


def used_bytes(blocks: Iterable[Block], size: int) -> Array:
    """How many blocks use each byte at each moment, counted byte by byte."""
    used = np.zeros((12, size), int)
    for block in blocks:
        now, steps = block.bytes, dict(block.steps)
        for moment in range(block.start, block.end + 1):
            now = steps.get(moment, now)
            used[moment, block.offset : block.offset + now] += 1
    return used


@given(some_blocks())
def test_blocks_never_share_bytes_at_one_time(blocks: list[Block]) -> None:
    made = place_blocks(blocks, 12)
    used = used_bytes(made.blocks, made.peak)
    assert used.max() == 1
    assert used.sum(axis=1).tolist() == made.live_bytes
    assert used.sum(axis=1).max() == made.lower_bound <= made.peak
    assert {b.names for b in made.blocks} == {b.names for b in blocks}


@settings(max_examples=300)
@given(some_blocks(), st.data())
def test_an_overlap_is_found_if_and_only_if_there_is_one(
    blocks: list[Block], data: st.DataObject
) -> None:
    offsets = st.integers(0, 20).map(lambda n: n * ALIGNMENT)
    placed = [replace(block, offset=data.draw(offsets)) for block in blocks[:4]]
    if used_bytes(placed, 200).max() > 1:
        with pytest.raises(UsageError, match="overlap"):
            check_overlaps(placed)
    else:
        check_overlaps(placed)


def test_two_of_one_lifetime_lie_apart() -> None:
    made = place_blocks([Block(("a",), 8, 0, 5), Block(("b",), 8, 0, 5)], 6)
    assert sorted(b.offset for b in made.blocks) == [0, 8]


def test_an_overlap_is_found() -> None:
    with pytest.raises(UsageError, match=r"'a'.*'b'.*overlap"):
        check_overlaps([Block(("a",), 8, 0, 5), Block(("b",), 8, 5, 6, offset=4)])
    check_overlaps([Block(("a",), 8, 0, 4), Block(("b",), 8, 5, 6, offset=4)])
    check_overlaps([Block(("a",), 8, 0, 5, steps=((5, 4),)), Block(("b",), 8, 5, 6, offset=4)])


def test_work_in_place_shares_a_block_and_nothing_read_later_is_written_over() -> None:
    program = compile_program(quantised(Everything)).program
    blocks = build_blocks(program)
    home = {name: block for block in blocks for name in block.names}
    assert any(len(block.names) > 1 for block in blocks)
    written = {name: i for i, op in enumerate(program.ops) for name in op.outputs()}
    for i, op in enumerate(program.ops):
        for name in op.inputs():
            if name not in home:
                continue
            later = [n for n in home[name].names if written.get(n, -1) > written.get(name, -1)]
            assert all(written[n] >= i for n in later), (name, later)


def test_the_plan_is_near_the_bound() -> None:
    made = plan_memory(compile_program(quantised(Everything)).program)
    assert made.lower_bound <= made.peak <= 1.05 * made.lower_bound


def test_a_small_budget_is_refused_with_the_least_that_would_do() -> None:
    inference = quantised(Everything)
    least = compile_program(inference).ram_bytes
    assert compile_program(inference, budget=least).ram_bytes == least
    with pytest.raises(BudgetError, match=rf"needs {least} bytes.*fullest in \w+") as caught:
        compile_program(inference, budget=least - 1)
    assert f"at least {least} bytes" in caught.value.hint
