"""The compiled C gives the bits of the simulator: fixed networks, random ones, with sanitizers."""

import struct
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from random_networks import random_options, random_program, random_scheme
from test_tiny_golden import Maker
from tiny_networks import SHAPES, Bottleneck, Everything, inputs, loss_of, quantised
from torch import nn

from kinoloom.errors import UsageError
from kinoloom.tiny.api import Compiled, compile_program
from kinoloom.tiny.autodiff import TrainingOptions, training_program
from kinoloom.tiny.build import Result
from kinoloom.tiny.codegen.model import image_of
from kinoloom.tiny.codegen.project import example_input, example_label
from kinoloom.tiny.grad_stream import join_gradients
from kinoloom.tiny.host import Host
from kinoloom.tiny.ir import Program, Quant
from kinoloom.tiny.ops_backward import (
    Accumulate,
    AveragePoolGrad,
    BiasStep,
    GradStream,
    MaskGrad,
    WeightStep,
)
from kinoloom.tiny.plan import least_bytes, plan
from kinoloom.tiny.schedule import reorder
from kinoloom.tiny.scheme import Scheme, Update, convs, full_update, last_layers
from kinoloom.tiny.stream import stream

SANITIZERS = ("-O1", "-g", "-fsanitize=undefined,address", "-fno-sanitize-recover=all")
OPTIONS = TrainingOptions()


def some_weights(program: Program) -> Scheme:
    """The first of many frozen, some with a part of their weights, some with a bias only."""
    ratios = [0.5, 0.0, 1.0, 0.25]
    layers = [op.layer for op in convs(program)]
    layers = layers[1:] or layers
    return {name: Update(bias=i % 3 > 0, ratio=ratios[i % 4]) for i, name in enumerate(layers)}


def compiled(kind: type[nn.Module], scheme: Any = full_update, rounding: Any = "stochastic") -> Any:
    options = TrainingOptions(rounding=rounding)
    return compile_program(quantised(kind), loss_of(kind), scheme=scheme, options=options)


def same_bits(made: Compiled, folder: Path, steps: int, lr: float, *flags: str) -> bool:
    """Train both for some steps and compare all that can be seen; whether something was learned."""
    device, host = made.simulator(7), Host(made.program, made.plan, folder, flags or ("-O2",))
    host.init(7)
    for step in range(steps):
        x, label = example_input(made.program, step), example_label(made.program, step)
        np.testing.assert_array_equal(device.forward(x), host.forward(x))
        assert device.train_step(x, label, lr) == host.train_step(x, label, lr)
    image = image_of(made.program, device.memory.params)
    assert image == host.export()
    return image != image_of(made.program, made.program.initial)


@pytest.mark.system_package("cc")
@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize(
    ("rounding", "scheme"), [("stochastic", full_update), ("residual", some_weights)]
)
def test_steps_are_equal(kind: type[nn.Module], rounding: str, scheme: Any, tmp_path: Path) -> None:
    assert same_bits(compiled(kind, scheme, rounding), tmp_path, 12, 0.03)


@pytest.mark.system_package("cc")
def test_a_huge_rate_saturates_and_never_wraps(tmp_path: Path) -> None:
    made = compiled(Everything)
    assert same_bits(made, tmp_path, 5, 1e30)
    device = made.simulator()
    device.train_step(example_input(made.program, 0), 0, 1e30)
    weights = device.memory.params["head_w"].astype(int)
    before = made.program.initial["head_w"].astype(int)
    moved = device.memory.params["head_w"] != made.program.initial["head_w"]
    assert set(np.abs(weights[moved]).tolist()) == {127}
    assert moved.sum() > before.size / 2


@pytest.mark.system_package("cc")
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
@example(20)
@example(77)
def test_random_networks_are_equal(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    inference, options = random_program(seed), random_options(seed)
    scheme = random_scheme(inference, seed)
    made = compile_program(inference, options.loss, scheme=scheme, options=options)
    way = ["-DKL_PORTABLE"] if seed % 2 else []
    same_bits(made, tmp_path_factory.mktemp("random"), 3, 0.1, "-O1", *way)


@pytest.mark.system_package("cc")
@pytest.mark.parametrize("kind", [Everything, Bottleneck])
def test_the_order_of_a_framework_gives_the_same_bits_and_takes_more(
    kind: type[nn.Module], tmp_path: Path
) -> None:
    made = compiled(kind)
    program = training_program(made.inference, full_update(made.inference), TrainingOptions())
    plain = Compiled(made.inference, program, plan(program))
    assert plain.plan.peak > made.plan.peak
    assert same_bits(plain, tmp_path, 10, 0.05)
    first, second = made.simulator(), plain.simulator()
    for step in range(10):
        x, label = example_input(program, step), example_label(program, step)
        assert first.train_step(x, label, 0.05) == second.train_step(x, label, 0.05)
    for name, values in first.memory.params.items():
        np.testing.assert_array_equal(values, second.memory.params[name])


@pytest.mark.system_package("cc")
def test_the_wide_middle_of_a_bottleneck_is_never_whole_in_the_backward_pass(
    tmp_path: Path,
) -> None:
    made = compiled(Bottleneck, some_weights)
    program = reorder(training_program(made.inference, some_weights(made.inference), OPTIONS))
    alone = Compiled(made.inference, program, plan(program))
    joined = Compiled(made.inference, join_gradients(program), plan(join_gradients(program)))
    streams = [op for op in joined.program.ops if isinstance(op, GradStream)]
    assert len(streams) == 2
    for op in streams:
        assert {"ConvGradX", "MaskGrad", "BiasStep"} < {type(one).__name__ for one in op.ops}
    assert joined.program.single_ops != program.single_ops  # own updates of the first wait
    assert set(joined.program.single_ops) == set(program.ops)
    assert joined.plan.peak < 0.7 * alone.plan.peak
    for number, way in enumerate((alone, joined)):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert same_bits(way, folder, 8, 0.05)


@pytest.mark.system_package("cc")
def test_the_gradient_of_a_residual_is_added_to_in_place(tmp_path: Path) -> None:
    made = compiled(Bottleneck)
    (stream,) = (op for op in made.program.ops if isinstance(op, GradStream) and op.onto)
    assert made.plan.offset(stream.onto) == made.plan.offset(stream.ys[0])
    assert not any(isinstance(op, Accumulate) for op in made.program.single_ops)
    program = training_program(made.inference, full_update(made.inference), OPTIONS)
    after = replace(
        program, ops=(*program.ops, Accumulate(1, stream.onto, stream.onto, "loss"))
    )  # a later reader, so that the sum needs memory of its own
    apart = plan(after)
    assert apart.offset(stream.onto) != apart.offset(stream.ys[0])
    assert same_bits(Compiled(made.inference, program, replace(apart, length=len(program.ops))),
                     tmp_path, 6, 0.05)  # fmt: skip


@pytest.mark.system_package("cc")
def test_the_gradient_of_an_average_never_exists_whole(tmp_path: Path) -> None:
    maker = Maker("net", (2, 8, 8))
    maker.conv("first", 4, size=3)
    maker.conv("second", 8, size=3, stride=2)
    inference = maker.program(3)
    for number, count in enumerate((2, 3)):  # its own updates alone; then those before as well
        made = compile_program(inference, scheme=last_layers(inference, count))
        *chain, own = (op for op in made.program.ops if isinstance(op, GradStream))
        assert len(chain) == number
        assert {AveragePoolGrad, MaskGrad} == {type(op) for op in own.source}
        assert not {"d_second__0", "d_second__0_in"} & {
            n for b in made.plan.blocks for n in b.names
        }
        program = reorder(training_program(inference, last_layers(inference, count), OPTIONS))
        plain = stream(join_gradients(program))
        assert made.plan.peak < least_bytes(plain)
        for folder, way in (("made", made), ("plain", Compiled(inference, plain, plan(plain)))):
            (tmp_path / f"{folder}{count}").mkdir()
            assert same_bits(way, tmp_path / f"{folder}{count}", 5, 0.05)


@pytest.mark.system_package("cc")
def test_a_clamp_of_its_own_may_stand_within_a_chain(tmp_path: Path) -> None:
    maker = Maker("net", (2, 5, 5))
    maker.conv("first", 3, size=3)
    maker.builder.rescale("clip", "first", (3, 5, 5), Result(Quant(2.0**-5, -128), -128, 60))
    maker.last = "clip"
    maker.conv("second", 4)
    made = compile_program(maker.program(3))
    chain, own = (op for op in made.program.ops if isinstance(op, GradStream))
    assert [isinstance(op, MaskGrad) for op in chain.ops].count(True) == 2
    assert [type(op) for op in own.ops] == [BiasStep, WeightStep]
    flags = ("-O1", "-fsanitize=undefined", "-fno-sanitize-recover=all")
    assert same_bits(made, tmp_path, 6, 0.05, *flags)


@pytest.mark.system_package("cc")
@pytest.mark.parametrize("kind", SHAPES)
def test_the_sanitizers_find_nothing(kind: type[nn.Module], tmp_path: Path) -> None:
    made = compiled(kind, some_weights)
    made.write(tmp_path)
    line = ["make", "-s", "run-host", "STEPS=10", f"OPTIMISE={' '.join(SANITIZERS)}"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == expected(made, 10)
    assert done.stderr == ""


def expected(made: Compiled, steps: int) -> str:
    """What the example main must print."""
    device, loss = made.simulator(), 0.0
    for step in range(steps):
        x, label = example_input(made.program, step), example_label(made.program, step)
        loss = device.train_step(x, label, 0.01)
    crc = struct.unpack("<I", image_of(made.program, device.memory.params)[-4:])[0]
    (bits,) = struct.unpack("<I", struct.pack("<f", loss))
    return f"loss {bits:08x}\ncrc {crc:08x}\n"


BOARDS = [
    ("m3", Everything, ""),
    ("m4", Everything, ""),
    ("m4", Bottleneck, ""),
    ("m4", Bottleneck, "-DKL_PORTABLE"),
    ("m4", Bottleneck, "-std=gnu11 -O3"),  # where gcc would fuse products and sums, if it were let
    ("m7", Bottleneck, ""),
    ("m33", Everything, ""),
]


@pytest.mark.system_package("arm-none-eabi-gcc", "qemu-system-arm")
@pytest.mark.parametrize(("core", "kind", "defines"), BOARDS)
def test_an_emulated_cortex_m_gives_the_same_bits(
    core: str, kind: type[nn.Module], defines: str, tmp_path: Path
) -> None:
    made = compiled(kind, some_weights)
    made.write(tmp_path)
    line = ["make", "-s", f"run-{core}", f"DEFINES={defines}"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stderr == expected(made, 100)  # semihosting's text goes to standard error
    text, data, bss = linked(tmp_path, core)
    generator, alignment = 8, 4 * len(made.program.params) + 4
    assert data == 0
    assert made.ram_bytes <= bss <= made.ram_bytes + generator + alignment
    assert text > made.program.constant_bytes
    code = tool_says(tmp_path, "objdump", "-d", f"{core}.elf")
    assert ("smlad" in code) == (core != "m3" and "PORTABLE" not in defines)
    assert "vfma" not in code


def linked(folder: Path, core: str) -> tuple[int, ...]:
    """Bytes of text, data and bss of an image."""
    told = tool_says(folder, "size", f"{core}.elf")
    return tuple(int(word) for word in told.splitlines()[1].split()[:3])


def tool_says(folder: Path, tool: str, *words: str) -> str:
    line = [f"arm-none-eabi-{tool}", *words]
    return subprocess.run(line, cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.mark.system_package("cc")
@pytest.mark.parametrize("kind", SHAPES)
def test_the_way_without_vector_instructions_gives_the_same_bits(
    kind: type[nn.Module], tmp_path: Path
) -> None:
    assert same_bits(compiled(kind, some_weights), tmp_path, 4, 0.05, "-O2", "-DKL_PORTABLE")


@pytest.mark.system_package("cc")
def test_inference_alone_is_compiled_too(tmp_path: Path) -> None:
    made = compile_program(replace(quantised(Everything), name="only"), None)
    host, device = Host(made.program, made.plan, tmp_path), made.simulator()
    for x in inputs(SHAPES[Everything], 4):
        x8 = device.quantise(x)
        np.testing.assert_array_equal(host.forward(x8), device.forward(x8))
    with pytest.raises(UsageError, match="inference only"):
        device.train_step(x8, 0, 0.1)
