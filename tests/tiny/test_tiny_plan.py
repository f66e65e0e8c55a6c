"""The memory planner: no overlaps, close to the lower bound, budgets."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_networks import Everything, build_inference

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
def random_blocks(draw: st.DrawFn) -> list[Block]:
    """Draw blocks over 12 operations, many of equal lifetime or size, some that shrink."""
    spans = st.tuples(st.integers(0, 11), st.integers(0, 11)).map(sorted)
    sizes = st.integers(1, 12).map(lambda n: n * ALIGNMENT)
    steps = st.dictionaries(st.integers(1, 11), sizes, max_size=2)
    items = draw(st.lists(st.tuples(sizes, spans, steps), min_size=1, max_size=14))
    return [
        Block((f"t{i}",), size, *span, steps=_shrink(size, span, given))
        for i, (size, span, given) in enumerate(items)
    ]


def _shrink(size: int, span: list[int], given: dict[int, int]) -> tuple[tuple[int, int], ...]:
    """Return reductions within the lifetime of a block, each to fewer bytes than before."""
    reductions = []
    for time, smaller in sorted(given.items()):
        if span[0] < time <= span[1] and smaller < size:
            reductions.append((time, smaller))
            size = smaller
    return tuple(reductions)


def count_uses(blocks: Iterable[Block], size: int) -> Array:
    """Count the blocks that use each byte during each operation."""
    used = np.zeros((12, size), int)
    for block in blocks:
        now, steps = block.bytes, dict(block.steps)
        for time in range(block.start, block.end + 1):
            now = steps.get(time, now)
            used[time, block.offset : block.offset + now] += 1
    return used


@given(random_blocks())
def test_live_blocks_never_share_bytes(blocks: list[Block]) -> None:
    plan = place_blocks(blocks, 12)
    used = count_uses(plan.blocks, plan.peak)
    assert used.max() == 1
    assert used.sum(axis=1).tolist() == plan.live_bytes
    assert used.sum(axis=1).max() == plan.lower_bound <= plan.peak
    assert {b.names for b in plan.blocks} == {b.names for b in blocks}


@settings(max_examples=300)
@given(random_blocks(), st.data())
def test_check_finds_exactly_the_overlaps(blocks: list[Block], data: st.DataObject) -> None:
    offsets = st.integers(0, 20).map(lambda n: n * ALIGNMENT)
    placed = [replace(block, offset=data.draw(offsets)) for block in blocks[:4]]
    if count_uses(placed, 200).max() > 1:
        with pytest.raises(UsageError, match="overlap"):
            check_overlaps(placed)
    else:
        check_overlaps(placed)


def test_blocks_of_equal_lifetime_are_disjoint() -> None:
    plan = place_blocks([Block(("a",), 8, 0, 5), Block(("b",), 8, 0, 5)], 6)
    assert sorted(b.offset for b in plan.blocks) == [0, 8]


def test_overlap_is_reported() -> None:
    with pytest.raises(UsageError, match=r"'a'.*'b'.*overlap"):
        check_overlaps([Block(("a",), 8, 0, 5), Block(("b",), 8, 5, 6, offset=4)])
    check_overlaps([Block(("a",), 8, 0, 4), Block(("b",), 8, 5, 6, offset=4)])
    check_overlaps([Block(("a",), 8, 0, 5, steps=((5, 4),)), Block(("b",), 8, 5, 6, offset=4)])


def test_in_place_results_overwrite_only_dead_tensors() -> None:
    program = compile_program(build_inference(Everything)).program
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


def test_plan_is_close_to_the_lower_bound() -> None:
    plan = plan_memory(compile_program(build_inference(Everything)).program)
    assert plan.lower_bound <= plan.peak <= 1.05 * plan.lower_bound


def test_budget_error_gives_the_bytes_needed() -> None:
    inference = build_inference(Everything)
    least = compile_program(inference).ram_bytes
    assert compile_program(inference, budget=least).ram_bytes == least
    with pytest.raises(BudgetError, match=rf"needs {least} bytes.*Peak memory is in \w+") as caught:
        compile_program(inference, budget=least - 1)
    assert f"at least {least} bytes" in caught.value.hint
