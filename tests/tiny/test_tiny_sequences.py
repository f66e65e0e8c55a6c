"""Recurrent cells, attention, gates, activations and views: against torch and the generated C."""

import ctypes
import struct
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gated_networks import KINDS as GATED
from gated_networks import SqueezeExcite
from sequence_networks import KINDS, Attentive, Listener, Recurrent, Temporal, Transformer
from tiny_networks import has_learned, random_inputs
from torch import nn
from torch.nn import functional as f
from torch_twin import Twin, assert_gradients

from kinoloom.tiny import arithmetic
from kinoloom.tiny.api import CompiledProgram, compile_program
from kinoloom.tiny.codegen.host import WARNING_FLAGS, HostProgram, find_compiler
from kinoloom.tiny.codegen.model import format_constants
from kinoloom.tiny.codegen.project import make_example_input, make_example_label
from kinoloom.tiny.codegen.text import collect_kernels
from kinoloom.tiny.front.read import read_module, run_module
from kinoloom.tiny.ir.program import Program
from kinoloom.tiny.ir.sequence_ops import Gru, MatMul, MatMulGrad
from kinoloom.tiny.quantisation.quantise import quantise
from kinoloom.tiny.simulate.simulator import Simulator
from kinoloom.tiny.training.autodiff import build_training_program
from kinoloom.tiny.training.options import TrainingOptions
from kinoloom.tiny.training.scheme import Scheme, Update, collect_convs, full_update, last_layers


def model_of(kind: Any) -> nn.Module:
    torch.manual_seed(3)
    model: nn.Module = kind()
    return model.eval()


@cache
def inference_of(kind: Any) -> Program:
    data = random_inputs(kind.shape, 16)
    return quantise(read_module(model_of(kind), data[0], data), "net")


def sparse_scheme(program: Program) -> Scheme:
    """Train parts of the weights and freeze one layer."""
    ratios = [0.5, 0.0, 1.0]
    names = [op.layer for op in collect_convs(program)]
    return {n: Update(bias=i % 2 == 0, ratio=ratios[i % 3]) for i, n in enumerate(names) if i != 1}


@pytest.mark.parametrize("kind", [*KINDS, *GATED])
def test_gradients_match_torch(kind: Any) -> None:
    inference = inference_of(kind)
    program = build_training_program(inference, full_update(inference), TrainingOptions())
    device, twin = Simulator(program), Twin(inference)
    x = device.quantise(random_inputs(kind.shape, 1, 9)[0])
    real = twin.forward(x)
    loss = f.cross_entropy(real.reshape(1, -1), torch.tensor([1]))
    loss.backward()
    assert device.train_step(x, 1, 0.0) == pytest.approx(loss.item(), rel=0.02)
    # the device rounds gates and probabilities
    assert_gradients(device, twin, 0.02, 0.02)


@pytest.mark.parametrize("kind", [*KINDS, *GATED])
def test_quantised_output_is_close_to_float(kind: Any) -> None:
    device, data = Simulator(inference_of(kind)), random_inputs(kind.shape, 16)
    want = np.array(run_module(model_of(kind), data)).reshape(16, -1)
    got = np.array([device.forward(device.quantise(x)).ravel() for x in data])
    assert np.abs(got - want).max() < 0.06 * (want.max() - want.min())


def train_and_compare(compiled: CompiledProgram, folder: Path, steps: int = 8) -> None:
    device, host = (
        compiled.simulator(7),
        HostProgram(compiled.program, compiled.plan, folder, ("-O1",)),
    )
    host.init(7)
    for step in range(steps):
        x, label = (
            make_example_input(compiled.program, step),
            make_example_label(compiled.program, step),
        )
        np.testing.assert_array_equal(device.forward(x), host.forward(x))
        assert device.train_step(x, label, 0.05) == host.train_step(x, label, 0.05)
    assert device.export() == host.export()
    assert has_learned(device)


@pytest.mark.system_package("cc")
@pytest.mark.parametrize("kind", [*KINDS, *GATED])
@pytest.mark.parametrize("scheme", [full_update, sparse_scheme])
def test_training_is_bit_identical(kind: Any, scheme: Any, tmp_path: Path) -> None:
    train_and_compare(compile_program(inference_of(kind), scheme=scheme), tmp_path)


@pytest.mark.system_package("cc")
@pytest.mark.parametrize("kind", [Recurrent, Listener])
def test_training_with_a_frozen_recurrent_cell_is_bit_identical(kind: Any, tmp_path: Path) -> None:
    program = inference_of(kind)
    train_and_compare(compile_program(program, scheme=last_layers(program, 1)), tmp_path)


@pytest.mark.system_package("arm-none-eabi-gcc", "qemu-system-arm")
@pytest.mark.parametrize("kind", [Listener, Transformer, SqueezeExcite])
def test_emulated_cortex_m4_is_bit_identical(kind: Any, tmp_path: Path) -> None:
    compiled = compile_program(inference_of(kind))
    compiled.write(tmp_path)
    line = ["make", "-s", "run-m4", "STEPS=30"]
    result = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    device, loss = compiled.simulator(), 0.0
    for step in range(30):
        x, label = (
            make_example_input(compiled.program, step),
            make_example_label(compiled.program, step),
        )
        loss = device.train_step(x, label, 0.01)
    crc = struct.unpack("<I", device.export()[-4:])[0]
    (bits,) = struct.unpack("<I", struct.pack("<f", loss))
    assert result.stderr == f"loss {bits:08x}\ncrc {crc:08x}\n"


@pytest.mark.parametrize("kind", [Recurrent, Attentive, Temporal, SqueezeExcite])
def test_training_lowers_the_loss(kind: Any) -> None:
    device = compile_program(inference_of(kind)).simulator()
    examples = [(device.quantise(x), i % 4) for i, x in enumerate(random_inputs(kind.shape, 8, 5))]
    losses = [
        np.mean([device.train_step(x, label, 0.1) for x, label in examples]) for _ in range(40)
    ]
    assert losses[-1] < 0.5 * losses[0]


def test_attention_needs_no_copies_and_chomp_is_folded() -> None:
    ops = inference_of(Attentive).ops
    names = [type(op).__name__ for op in ops]
    first = names.index("MatMul")
    assert names[first : first + 3] == ["MatMul", "Softmax", "MatMul"]
    assert names.count("Copy") == 1  # to store features first
    assert [op.heads for op in ops if isinstance(op, MatMul)] == [2, 2]
    temporal = inference_of(Temporal)
    assert {op.geometry.ow for op in collect_convs(temporal)} == {10, 1}


def test_gates_are_in_place_products() -> None:
    inference = inference_of(SqueezeExcite)
    (product,) = (op for op in inference.ops if isinstance(op, MatMul))
    assert (product.heads, product.m, product.n, product.terms) == (6, 42, 1, 1)
    assert not any(type(op).__name__ == "Copy" for op in inference.ops)
    alone = compile_program(inference, None).plan.blocks
    assert any({product.y, product.a} <= set(block.names) for block in alone)
    trained = compile_program(inference)
    grads = [op for op in trained.program.unfused_ops if isinstance(op, MatMulGrad)]
    assert [op.x for op in grads] == [product.a, product.b]
    blocks = trained.plan.blocks
    assert any({grads[1].y, grads[1].g} <= set(block.names) for block in blocks)
    assert not any({product.y, product.a} <= set(block.names) for block in blocks)


def test_recurrent_cell_is_two_layers_of_a_scheme() -> None:
    program = inference_of(Listener)
    names = [op.layer for op in collect_convs(program)]
    assert names == ["front", "cell_in", "cell_state", "head"]
    (cell,) = (op for op in program.ops if isinstance(op, Gru))
    assert cell.state_gates.x == cell.y


def test_gate_tables_approximate_sigmoid_and_tanh() -> None:
    x = np.arange(-40000, 40000, 7)
    real = x / 2048
    assert np.abs(arithmetic.sigmoid(x) / 32768 - 1 / (1 + np.exp(-real))).max() < 4e-4
    assert np.abs(arithmetic.tanh(x) / 32768 - np.tanh(real)).max() < 8e-4


def test_sqrt_is_accurate() -> None:
    x = np.geomspace(1e-6, 1e15, 4001).astype(np.float32)
    np.testing.assert_allclose(arithmetic.sqrt(x), np.sqrt(x), rtol=2.5e-7)


HARNESS = """
#include <stdint.h>
#include <float.h>
%s
%s
int32_t gate(int32_t v) { return kl_gate(v); }
int32_t nearest(float v) { return kl_nearest(v, 1024.0f); }
float root(float v) { return kl_root(v); }
"""


@pytest.mark.system_package("cc")
def test_gates_and_sqrt_are_equal_in_c(tmp_path: Path) -> None:
    needed = "\n".join(collect_kernels(["gru", "root"], HARNESS))
    (tmp_path / "model.c").write_text(HARNESS % (format_constants(), needed))
    line = [find_compiler(), *WARNING_FLAGS, "-O2", "-shared", "-fPIC", "model.c", "-o", "model.so"]
    subprocess.run(line, cwd=tmp_path, check=True)
    c = ctypes.CDLL(str(tmp_path / "model.so"))
    c.root.restype = ctypes.c_float
    whole = np.arange(-16500, 16500)
    assert [c.gate(int(v)) for v in whole] == arithmetic.sigmoid(whole).tolist()
    random = np.random.default_rng(0)
    positive = np.exp(random.uniform(-14, 40, 5000)).astype(np.float32)
    results = [c.root(ctypes.c_float(v)) for v in positive]
    assert results == arithmetic.sqrt(positive).tolist()
    steps = np.concatenate([random.normal(0, 400, 5000), np.arange(-20, 20) / 2])
    expected = arithmetic.round_half_away(steps.astype(np.float32), np.float32(1024)).tolist()
    assert [c.nearest(ctypes.c_float(v)) for v in steps] == expected
