"""Convolutions by row: ring buffers, pairs by channel, in-place results; random chains in C."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from random_networks import random_chain
from test_tiny_golden import NetworkBuilder

from kinoloom.errors import UsageError
from kinoloom.tiny.api import compile_program
from kinoloom.tiny.codegen.host import HostProgram
from kinoloom.tiny.codegen.project import make_example_input
from kinoloom.tiny.ir.forward_ops import Conv
from kinoloom.tiny.ir.program import Program
from kinoloom.tiny.ir.stream_ops import (
    Stream,
    find_in_place_groups,
    ring_rows,
    schedule_passes,
    work_rows,
)
from kinoloom.tiny.planning.arena import (
    build_blocks,
    check_in_place_streams,
    place_blocks,
    plan_memory,
)
from kinoloom.tiny.simulate.simulator import Simulator

FLAGS = ("-O1", "-fsanitize=undefined", "-fno-sanitize-recover=all")


def get_chain(program: Program) -> tuple[Conv, ...]:
    """Return the convolutions before the pooling and the head."""
    return tuple(op for op in program.ops[:-2] if isinstance(op, Conv))


def fuse_chain(program: Program, groups: int) -> Program:
    """Return the program with the whole chain as one stream."""
    convs = get_chain(program)
    joined = Stream(convs, groups, convs[0].x, (), (convs[-1].y,))
    ops = (joined, *program.ops[len(convs) :])
    return replace(program, ops=ops, inference=len(ops))


def image_chain() -> Program:
    """Build the first block of a published network: an RGB image, then more bytes per row."""
    builder = NetworkBuilder("net", (3, 16, 16))
    builder.add_conv("first", 8, size=3, stride=2)
    builder.add_conv("depthwise", 8, size=3, groups=8)
    builder.add_conv("narrow", 8)
    return builder.build(2)


@pytest.mark.system_package("cc")
@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
@example(4, True)  # an in-place result in four groups
@example(33, False)  # a pair of stride two
@example(81, False)  # the first row of a pair reads two input rows
def test_random_chain_by_row_is_bit_identical(
    tmp_path_factory: pytest.TempPathFactory, seed: int, over: bool
) -> None:
    program = random_chain(seed)
    groups = find_in_place_groups(get_chain(program)) if over else 0
    assume(groups or not over)
    compiled = fuse_chain(program, groups)
    host = HostProgram(compiled, plan_memory(compiled), tmp_path_factory.mktemp("chain"), FLAGS)
    device = Simulator(program)
    for step in range(2):
        x = make_example_input(program, step)
        np.testing.assert_array_equal(host.forward(x), device.forward(x))


def overwrites_live_input(convs: tuple[Conv, ...], groups: int) -> bool:
    """Return whether a byte of x is read after a result was stored there, byte by byte."""
    g, last = convs[0].geometry, convs[-1].geometry
    gone = np.zeros((g.cin, g.ih, g.iw), bool)
    order = np.arange(last.cout * last.oh * last.ow).reshape(groups, last.oh, -1)
    for i, before, rows in schedule_passes([c.geometry for c in convs], work_rows(convs)):
        for row in range(before, rows):
            if i == 0:
                taps = row * g.sy - g.py + np.arange(g.kh) * g.dy
                if gone[:, taps[(taps >= 0) & (taps < g.ih)]].any():
                    return True
            if i == len(convs) - 1:
                gone.reshape(-1)[order[:, row]] = True
    return False


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**6))
def test_in_place_result_never_overwrites_live_input(seed: int) -> None:
    convs = get_chain(random_chain(seed))
    groups = find_in_place_groups(convs)
    assume(groups)
    assert not overwrites_live_input(convs, groups)


@pytest.mark.system_package("cc")
def test_first_block_needs_little_more_than_the_image(tmp_path: Path) -> None:
    program = image_chain()
    (stream, *_) = compile_program(program, None).program.ops
    assert isinstance(stream, Stream)
    assert stream.in_place_groups == 2
    assert ring_rows(stream.convs) == (2, 1)
    assert work_rows(stream.convs) == (3, 0, 0)
    assert overwrites_live_input(stream.convs, 1)
    rings = 8 * 8 * 2 + 8 * 8 * 1 + 2 * 8 * 3
    compiled = compile_program(program, None)
    assert stream.scratch_bytes() == rings
    assert compiled.plan.peak == compiled.plan.lower_bound == 3 * 16 * 16 + rings
    host, device = HostProgram(compiled.program, compiled.plan, tmp_path, FLAGS), Simulator(program)
    x = make_example_input(program, 0)
    np.testing.assert_array_equal(host.forward(x), device.forward(x))


def test_in_place_stream_over_live_input_is_rejected() -> None:
    program = fuse_chain(image_chain(), 2)
    compiled = plan_memory(program)
    for groups in (1, 8):
        wrong = replace(
            program, ops=(replace(program.ops[0], in_place_groups=groups), *program.ops[1:])
        )  # type: ignore[call-arg]
        with pytest.raises(UsageError, match=r"'narrow' is written over 'x'.*still needed"):
            check_in_place_streams(wrong, compiled)
    later = replace(program, ops=(*program.ops, get_chain(image_chain())[0]))
    with pytest.raises(UsageError, match="still needed"):
        plan_memory(later)
    apart = place_blocks(build_blocks(fuse_chain(image_chain(), 0)), len(program.ops))
    with pytest.raises(UsageError, match="still needed"):
        check_in_place_streams(program, apart)


def test_input_with_later_readers_is_not_overwritten() -> None:
    """The weight gradient of the first convolution reads its input."""
    compiled = compile_program(image_chain())
    assert not any(isinstance(op, Stream) and op.in_place_groups for op in compiled.program.ops)
