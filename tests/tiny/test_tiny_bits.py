"""Bit-identity of the generated C and the simulator: fixed and random networks, sanitizers."""

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
from test_tiny_golden import NetworkBuilder
from tiny_networks import (
    SHAPES,
    Bottleneck,
    Everything,
    build_inference,
    has_learned,
    loss_of,
    random_inputs,
)
from torch import nn

from kinoloom.errors import UsageError
from kinoloom.tiny.api import CompiledProgram, compile_program
from kinoloom.tiny.codegen.host import HostProgram
from kinoloom.tiny.codegen.project import make_example_input, make_example_label
from kinoloom.tiny.ir.backward_ops import (
    Accumulate,
    AveragePoolGrad,
    BiasStep,
    GradStream,
    MaskGrad,
    WeightStep,
)
from kinoloom.tiny.ir.program import Program, Quant
from kinoloom.tiny.planning.arena import lower_bound_bytes, plan_memory
from kinoloom.tiny.planning.schedule import schedule_updates
from kinoloom.tiny.planning.stream_backward import stream_gradients
from kinoloom.tiny.planning.stream_forward import stream_convs
from kinoloom.tiny.quantisation.lower import OutputSpec
from kinoloom.tiny.training.autodiff import build_training_program
from kinoloom.tiny.training.options import TrainingOptions
from kinoloom.tiny.training.scheme import Scheme, Update, collect_convs, full_update, last_layers

SANITIZERS = ("-O1", "-g", "-fsanitize=undefined,address", "-fno-sanitize-recover=all")
OPTIONS = TrainingOptions()


def sparse_scheme(program: Program) -> Scheme:
    """Freeze the first layer; train a part of the weights of some layers, and the bias of some."""
    ratios = [0.5, 0.0, 1.0, 0.25]
    layers = [op.layer for op in collect_convs(program)]
    layers = layers[1:] or layers
    return {name: Update(bias=i % 3 > 0, ratio=ratios[i % 4]) for i, name in enumerate(layers)}


def compile_network(
    kind: type[nn.Module], scheme: Any = full_update, rounding: Any = "stochastic"
) -> Any:
    options = TrainingOptions(rounding=rounding)
    return compile_program(build_inference(kind), loss_of(kind), scheme=scheme, options=options)


def train_and_compare(
    compiled: CompiledProgram, folder: Path, steps: int, lr: float, *flags: str
) -> bool:
    """Train simulator and C, compare all results, and return whether the weights changed."""
    device, host = (
        compiled.simulator(7),
        HostProgram(compiled.program, compiled.plan, folder, flags or ("-O2",)),
    )
    host.init(7)
    for step in range(steps):
        x, label = (
            make_example_input(compiled.program, step),
            make_example_label(compiled.program, step),
        )
        np.testing.assert_array_equal(device.forward(x), host.forward(x))
        assert device.train_step(x, label, lr) == host.train_step(x, label, lr)
    assert device.export() == host.export()
    return has_learned(device)


@pytest.mark.system_package("cc")
@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize(
    ("rounding", "scheme"), [("stochastic", full_update), ("residual", sparse_scheme)]
)
def test_training_is_bit_identical(
    kind: type[nn.Module], rounding: str, scheme: Any, tmp_path: Path
) -> None:
    assert train_and_compare(compile_network(kind, scheme, rounding), tmp_path, 12, 0.03)


@pytest.mark.system_package("cc")
def test_huge_learning_rate_saturates(tmp_path: Path) -> None:
    compiled = compile_network(Everything)
    assert train_and_compare(compiled, tmp_path, 5, 1e30)
    device = compiled.simulator()
    device.train_step(make_example_input(compiled.program, 0), 0, 1e30)
    weights = device.memory.params["head_w"].astype(int)
    before = compiled.program.initial["head_w"].astype(int)
    moved = device.memory.params["head_w"] != compiled.program.initial["head_w"]
    assert set(np.abs(weights[moved]).tolist()) == {127}
    assert moved.sum() > before.size / 2


@pytest.mark.system_package("cc")
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6))
@example(20)
@example(77)
def test_random_networks_are_bit_identical(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    inference, options = random_program(seed), random_options(seed)
    scheme = random_scheme(inference, seed)
    compiled = compile_program(inference, options.loss, scheme=scheme, options=options)
    variant = ["-DKL_PORTABLE"] if seed % 2 else []
    train_and_compare(compiled, tmp_path_factory.mktemp("random"), 3, 0.1, "-O1", *variant)


@pytest.mark.system_package("cc")
@pytest.mark.parametrize("kind", [Everything, Bottleneck])
def test_framework_order_is_bit_identical_and_needs_more_memory(
    kind: type[nn.Module], tmp_path: Path
) -> None:
    compiled = compile_network(kind)
    program = build_training_program(
        compiled.inference, full_update(compiled.inference), TrainingOptions()
    )
    plain = CompiledProgram(compiled.inference, program, plan_memory(program))
    assert plain.plan.peak > compiled.plan.peak
    assert train_and_compare(plain, tmp_path, 10, 0.05)
    first, second = compiled.simulator(), plain.simulator()
    for step in range(10):
        x, label = make_example_input(program, step), make_example_label(program, step)
        assert first.train_step(x, label, 0.05) == second.train_step(x, label, 0.05)
    for name, values in first.memory.params.items():
        np.testing.assert_array_equal(values, second.memory.params[name])


@pytest.mark.system_package("cc")
def test_bottleneck_gradients_are_streamed_by_channel(
    tmp_path: Path,
) -> None:
    compiled = compile_network(Bottleneck, sparse_scheme)
    program = schedule_updates(
        build_training_program(compiled.inference, sparse_scheme(compiled.inference), OPTIONS)
    )
    alone = CompiledProgram(compiled.inference, program, plan_memory(program))
    joined = CompiledProgram(
        compiled.inference, stream_gradients(program), plan_memory(stream_gradients(program))
    )
    streams = [op for op in joined.program.ops if isinstance(op, GradStream)]
    assert len(streams) == 2
    for op in streams:
        assert {"ConvGradX", "MaskGrad", "BiasStep"} < {type(one).__name__ for one in op.ops}
    assert joined.program.unfused_ops != program.unfused_ops  # updates of the first layer moved
    assert set(joined.program.unfused_ops) == set(program.ops)
    assert joined.plan.peak < 0.7 * alone.plan.peak
    for number, variant in enumerate((alone, joined)):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert train_and_compare(variant, folder, 8, 0.05)


@pytest.mark.system_package("cc")
def test_residual_gradient_is_accumulated_in_place(tmp_path: Path) -> None:
    compiled = compile_network(Bottleneck)
    (stream,) = (op for op in compiled.program.ops if isinstance(op, GradStream) and op.onto)
    assert compiled.plan.offset(stream.onto) == compiled.plan.offset(stream.ys[0])
    assert not any(isinstance(op, Accumulate) for op in compiled.program.unfused_ops)
    program = build_training_program(compiled.inference, full_update(compiled.inference), OPTIONS)
    after = replace(
        program, ops=(*program.ops, Accumulate(1, stream.onto, stream.onto, "loss"))
    )  # with a later reader the sum needs its own memory
    apart = plan_memory(after)
    assert apart.offset(stream.onto) != apart.offset(stream.ys[0])
    plan = replace(apart, length=len(program.ops))
    assert train_and_compare(CompiledProgram(compiled.inference, program, plan), tmp_path, 6, 0.05)


@pytest.mark.system_package("cc")
def test_average_pool_gradient_is_recomputed_by_plane(tmp_path: Path) -> None:
    builder = NetworkBuilder("net", (2, 8, 8))
    builder.add_conv("first", 4, size=3)
    builder.add_conv("second", 8, size=3, stride=2)
    inference = builder.build(3)
    for number, count in enumerate((2, 3)):  # updates of one layer, then also of the previous one
        compiled = compile_program(inference, scheme=last_layers(inference, count))
        *chain, own = (op for op in compiled.program.ops if isinstance(op, GradStream))
        assert len(chain) == number
        assert {AveragePoolGrad, MaskGrad} == {type(op) for op in own.source}
        assert not {"d_second__0", "d_second__0_in"} & {
            n for b in compiled.plan.blocks for n in b.names
        }
        program = schedule_updates(
            build_training_program(inference, last_layers(inference, count), OPTIONS)
        )
        plain = stream_convs(stream_gradients(program))
        assert compiled.plan.peak < lower_bound_bytes(plain)
        for folder, variant in (
            ("compiled", compiled),
            ("plain", CompiledProgram(inference, plain, plan_memory(plain))),
        ):
            (tmp_path / f"{folder}{count}").mkdir()
            assert train_and_compare(variant, tmp_path / f"{folder}{count}", 5, 0.05)


@pytest.mark.system_package("cc")
def test_separate_clamp_is_part_of_a_chain(tmp_path: Path) -> None:
    builder = NetworkBuilder("net", (2, 5, 5))
    builder.add_conv("first", 3, size=3)
    builder.program_builder.add_rescale(
        "clip", "first", (3, 5, 5), OutputSpec(Quant(2.0**-5, -128), -128, 60)
    )
    builder.last = "clip"
    builder.add_conv("second", 4)
    compiled = compile_program(builder.build(3))
    chain, own = (op for op in compiled.program.ops if isinstance(op, GradStream))
    assert [isinstance(op, MaskGrad) for op in chain.ops].count(True) == 2
    assert [type(op) for op in own.ops] == [BiasStep, WeightStep]
    flags = ("-O1", "-fsanitize=undefined", "-fno-sanitize-recover=all")
    assert train_and_compare(compiled, tmp_path, 6, 0.05, *flags)


@pytest.mark.system_package("cc")
@pytest.mark.parametrize("kind", SHAPES)
def test_sanitizers_report_nothing(kind: type[nn.Module], tmp_path: Path) -> None:
    compiled = compile_network(kind, sparse_scheme)
    compiled.write(tmp_path)
    line = ["make", "-s", "run-host", "STEPS=10", f"OPTIMISE={' '.join(SANITIZERS)}"]
    result = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout == expected_output(compiled, 10)
    assert result.stderr == ""


def expected_output(compiled: CompiledProgram, steps: int) -> str:
    """Return the output of the example main."""
    device, loss = compiled.simulator(), 0.0
    for step in range(steps):
        x, label = (
            make_example_input(compiled.program, step),
            make_example_label(compiled.program, step),
        )
        loss = device.train_step(x, label, 0.01)
    crc = struct.unpack("<I", device.export()[-4:])[0]
    (bits,) = struct.unpack("<I", struct.pack("<f", loss))
    return f"loss {bits:08x}\ncrc {crc:08x}\n"


BOARDS = [
    ("m3", Everything, ""),
    ("m4", Everything, ""),
    ("m4", Bottleneck, ""),
    ("m4", Bottleneck, "-DKL_PORTABLE"),
    ("m4", Bottleneck, "-std=gnu11 -O3"),  # gcc would contract to fused multiply-adds
    ("m7", Bottleneck, ""),
    ("m33", Everything, ""),
]


@pytest.mark.system_package("arm-none-eabi-gcc", "qemu-system-arm")
@pytest.mark.parametrize(("core", "kind", "defines"), BOARDS)
def test_emulated_cortex_m_is_bit_identical(
    core: str, kind: type[nn.Module], defines: str, tmp_path: Path
) -> None:
    compiled = compile_network(kind, sparse_scheme)
    compiled.write(tmp_path)
    line = ["make", "-s", f"run-{core}", f"DEFINES={defines}"]
    result = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    assert result.stderr == expected_output(compiled, 100)  # semihosting writes to standard error
    text, data, bss = linked_sizes(tmp_path, core)
    generator, alignment = 8, 4 * len(compiled.program.params) + 4
    assert data == 0
    assert compiled.ram_bytes <= bss <= compiled.ram_bytes + generator + alignment
    assert text > compiled.program.constant_bytes
    code = run_tool(tmp_path, "objdump", "-d", f"{core}.elf")
    assert ("smlad" in code) == (core != "m3" and "PORTABLE" not in defines)
    assert "vfma" not in code


def linked_sizes(folder: Path, core: str) -> tuple[int, ...]:
    """Return the bytes of text, data and bss of an executable."""
    sizes = run_tool(folder, "size", f"{core}.elf")
    return tuple(int(word) for word in sizes.splitlines()[1].split()[:3])


def run_tool(folder: Path, tool: str, *arguments: str) -> str:
    line = [f"arm-none-eabi-{tool}", *arguments]
    return subprocess.run(line, cwd=folder, capture_output=True, text=True, check=True).stdout


@pytest.mark.system_package("cc")
@pytest.mark.parametrize("kind", SHAPES)
def test_portable_kernels_are_bit_identical(kind: type[nn.Module], tmp_path: Path) -> None:
    assert train_and_compare(
        compile_network(kind, sparse_scheme), tmp_path, 4, 0.05, "-O2", "-DKL_PORTABLE"
    )


@pytest.mark.system_package("cc")
def test_inference_program_is_bit_identical(tmp_path: Path) -> None:
    compiled = compile_program(replace(build_inference(Everything), name="only"), None)
    host, device = HostProgram(compiled.program, compiled.plan, tmp_path), compiled.simulator()
    for x in random_inputs(SHAPES[Everything], 4):
        x8 = device.quantise(x)
        np.testing.assert_array_equal(host.forward(x8), device.forward(x8))
    with pytest.raises(UsageError, match="inference only"):
        device.train_step(x8, 0, 0.1)
