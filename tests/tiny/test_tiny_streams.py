"""Convolutions row by row: rings, channels in turn, results over inputs; random chains as C."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from random_networks import random_chain
from test_tiny_golden import Maker

from kinoloom.errors import UsageError
from kinoloom.tiny.api import compile_program
from kinoloom.tiny.codegen.project import example_input
from kinoloom.tiny.host import Host
from kinoloom.tiny.ir import Program
from kinoloom.tiny.ops_forward import Conv
from kinoloom.tiny.ops_stream import Stream, groups_over_x, kept_rows, passes, work_rows
from kinoloom.tiny.plan import blocks_of, check_streams, place, plan
from kinoloom.tiny.simulate.simulator import Simulator

FLAGS = ("-O1", "-fsanitize=undefined", "-fno-sanitize-recover=all")


def chain_of(program: Program) -> tuple[Conv, ...]:
    """The convolutions before the mean and the head."""
    return tuple(op for op in program.ops[:-2] if isinstance(op, Conv))


def streamed(program: Program, groups: int) -> Program:
    """The same program with all of the chain as one stream."""
    convs = chain_of(program)
    joined = Stream(convs, groups, convs[0].x, (), (convs[-1].y,))
    ops = (joined, *program.ops[len(convs) :])
    return replace(program, ops=ops, inference=len(ops))


def picture_chain() -> Program:
    """As published networks begin: a picture of three planes, and a result of more bytes a row."""
    maker = Maker("net", (3, 16, 16))
    maker.conv("first", 8, size=3, stride=2)
    maker.conv("depthwise", 8, size=3, groups=8)
    maker.conv("narrow", 8)
    return maker.program(2)


@pytest.mark.system_package("cc")
@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
@example(4, True)  # a result over its input in four groups
@example(33, False)  # a pair of stride two
@example(81, False)  # the first row of a pair takes two rows of what comes before
def test_a_random_chain_row_by_row_gives_the_same_bits(
    tmp_path_factory: pytest.TempPathFactory, seed: int, over: bool
) -> None:
    program = random_chain(seed)
    groups = groups_over_x(chain_of(program)) if over else 0
    assume(groups or not over)
    made = streamed(program, groups)
    host = Host(made, plan(made), tmp_path_factory.mktemp("chain"), FLAGS)
    device = Simulator(program)
    for step in range(2):
        x = example_input(program, step)
        np.testing.assert_array_equal(host.forward(x), device.forward(x))


def overwritten(convs: tuple[Conv, ...], groups: int) -> bool:
    """Whether a byte of x is read after a result was stored on it: each byte as it is touched."""
    g, last = convs[0].geometry, convs[-1].geometry
    gone = np.zeros((g.cin, g.ih, g.iw), bool)
    order = np.arange(last.cout * last.oh * last.ow).reshape(groups, last.oh, -1)
    for i, before, rows in passes([c.geometry for c in convs], work_rows(convs)):
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
def test_a_result_over_its_input_never_lies_on_what_is_still_read(seed: int) -> None:
    convs = chain_of(random_chain(seed))
    groups = groups_over_x(convs)
    assume(groups)
    assert not overwritten(convs, groups)


@pytest.mark.system_package("cc")
def test_a_published_beginning_takes_little_more_than_the_picture(tmp_path: Path) -> None:
    program = picture_chain()
    (stream, *_) = compile_program(program, None).program.ops
    assert isinstance(stream, Stream)
    assert stream.over_x == 2
    assert kept_rows(stream.convs) == (2, 1)
    assert work_rows(stream.convs) == (3, 0, 0)
    assert overwritten(stream.convs, 1)
    rings = 8 * 8 * 2 + 8 * 8 * 1 + 2 * 8 * 3
    made = compile_program(program, None)
    assert stream.scratch() == rings
    assert made.plan.peak == made.plan.bound == 3 * 16 * 16 + rings
    host, device = Host(made.program, made.plan, tmp_path, FLAGS), Simulator(program)
    x = example_input(program, 0)
    np.testing.assert_array_equal(host.forward(x), device.forward(x))


def test_a_stream_over_what_is_still_needed_is_refused() -> None:
    program = streamed(picture_chain(), 2)
    made = plan(program)
    for groups in (1, 8):
        wrong = replace(program, ops=(replace(program.ops[0], over_x=groups), *program.ops[1:]))  # type: ignore[call-arg]
        with pytest.raises(UsageError, match=r"'narrow' is written over 'x'.*still needed"):
            check_streams(wrong, made)
    later = replace(program, ops=(*program.ops, chain_of(picture_chain())[0]))
    with pytest.raises(UsageError, match="still needed"):
        plan(later)
    apart = place(blocks_of(streamed(picture_chain(), 0)), len(program.ops))
    with pytest.raises(UsageError, match="still needed"):
        check_streams(program, apart)


def test_an_input_that_is_read_later_is_not_written_over() -> None:
    """The weights of the first convolution are trained: its input is needed for their gradient."""
    made = compile_program(picture_chain())
    assert not any(isinstance(op, Stream) and op.over_x for op in made.program.ops)
