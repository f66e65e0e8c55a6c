"""Bad input, each with the message that tells what to do: models, data, labels, rates, images."""

import ctypes
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_networks import SHAPES, Bottleneck, Everything, Painter, Series, inputs, made, quantised

from kinoloom import tiny
from kinoloom.errors import ArrayError, BudgetError, ExecutionError, UsageError
from kinoloom.tiny.api import Compiled, compile_program
from kinoloom.tiny.build import Builder, ConvValues
from kinoloom.tiny.codegen.model import image_of
from kinoloom.tiny.codegen.project import example_input
from kinoloom.tiny.commands import sizes
from kinoloom.tiny.front.read import read_exported
from kinoloom.tiny.host import Host, compile_c
from kinoloom.tiny.ir import Geometry, Quant


def series(scheme: Any = tiny.full_update) -> Compiled:
    return compile_program(quantised(Series), scheme=scheme)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Host:
    made = series()
    return Host(made.program, made.plan, tmp_path_factory.mktemp("host"), ("-O1",))


BAD = [(-1, 0.1), (4, 0.1), (2**31 - 1, 0.1), (0, -0.1), (0, float("nan")), (0, float("inf"))]


@pytest.mark.system_package("cc")
@pytest.mark.parametrize(("label", "lr"), BAD)
def test_labels_and_rates_out_of_range_change_nothing(host: Host, label: int, lr: float) -> None:
    device = series().simulator()
    x = example_input(device.program, 0)
    host.init(1)
    fresh = host.export()
    with pytest.raises(UsageError, match=r"label must be from 0 to 3|rate must be a number from 0"):
        device.train_step(x, label, lr)
    with pytest.raises(UsageError, match="refuses"):
        host.train_step(x, label, lr)
    assert host.export() == fresh == image_of(device.program, device.memory.params)


@pytest.mark.system_package("cc")
def test_a_rate_of_zero_changes_nothing(host: Host) -> None:
    host.init(1)
    fresh = host.export()
    for step in range(5):
        assert host.train_step(example_input(host.program, step), step % 4, 0.0) > 0
    assert host.export() == fresh


@pytest.mark.system_package("cc")
def test_a_null_target_is_refused(tmp_path: Path) -> None:
    made = compile_program(quantised(Painter), "square")
    host = Host(made.program, made.plan, tmp_path, ("-O1",))
    x, fresh = example_input(made.program, 0), host.export()
    bad_label = 1
    arguments = (x.ctypes.data_as(ctypes.c_void_p), None, ctypes.c_float(0.1), None)
    assert host.library.net_train_step(*arguments) == bad_label
    assert host.export() == fresh


@pytest.mark.system_package("cc")
def test_a_damaged_image_changes_nothing(host: Host) -> None:
    host.init(1)
    fresh = host.export()
    for step in range(20):
        host.train_step(example_input(host.program, step), step % 4, 0.1)
    learned = host.export()
    assert learned != fresh
    crc = host.library.net_export(None) & 0xFFFFFFFF
    assert crc == int.from_bytes(learned[-4:], "little") == zlib.crc32(learned[:-4])
    host.load(fresh)
    assert host.export() == fresh
    for place in range(0, len(learned), 7):
        damaged = bytearray(learned)
        damaged[place] ^= 1 << place % 8
        with pytest.raises(UsageError, match="nothing was changed"):
            host.load(bytes(damaged))
        assert host.export() == fresh
    for image in (learned[:-1], b"", learned + b"\0", bytes(len(learned))):
        with pytest.raises(UsageError, match="nothing was changed"):
            host.load(image)
    assert host.export() == fresh
    host.load(learned)
    assert host.export() == learned


@pytest.mark.system_package("cc")
def test_an_image_of_another_program_is_refused(host: Host, tmp_path: Path) -> None:
    other = series(lambda program: tiny.last_layers(program, 1))
    image = image_of(other.program, other.program.initial)
    fresh = host.export()
    padded = image + bytes(len(fresh) - len(image))
    for wrong in (image, padded):
        with pytest.raises(UsageError, match="another program"):
            host.load(wrong)
    assert host.export() == fresh


def test_shapes_that_vary_are_refused() -> None:
    example = torch.zeros(SHAPES[Painter])
    sizes = ({2: torch.export.Dim("height", min=4, max=64)},)
    exported = torch.export.export(made(Painter), (example,), dynamic_shapes=sizes)
    with pytest.raises(UsageError, match=r"static.*s\d+|s\d+.*static"):
        read_exported(exported, inputs(SHAPES[Painter], 1))


def test_calibration_without_numbers_is_refused() -> None:
    data = inputs(SHAPES[Series], 3)
    for bad in (np.nan, np.inf):
        data[2] = np.full(SHAPES[Series], bad, np.float32)
        with pytest.raises(ArrayError, match=r"input 2 makes .* infinite or not a number"):
            tiny.compile(made(Series), data[0], data=data)


def test_weights_without_numbers_are_refused() -> None:
    model = made(Series)
    with torch.no_grad():
        model.head.weight[0, 0] = torch.nan
    data = inputs(SHAPES[Series], 3)
    with pytest.raises(ArrayError, match="not a number"):
        tiny.compile(model, data[0], data=data)


def test_a_small_budget_names_the_layer_and_the_least_that_would_do() -> None:
    inference = quantised(Bottleneck)
    least = compile_program(inference).ram_bytes
    with pytest.raises(BudgetError, match=rf"needs {least} bytes.* fullest in \w+ of") as caught:
        compile_program(inference, budget=1000)
    assert f"at least {least} bytes" in caught.value.hint
    layers = {op.layer for op in inference.ops if hasattr(op, "layer")}
    named = str(caught.value).partition(" of ")[2].partition(", which")[0]
    assert set(named.rpartition(" of ")[2].split(", ")) <= layers


def test_a_small_budget_tells_of_gradients_in_words() -> None:
    with pytest.raises(BudgetError, match=r"the gradient by \w+ \(\d+ bytes\)") as caught:
        compile_program(quantised(Everything), budget=1000)
    assert " d_" not in str(caught.value)


def test_a_maximum_over_padding_alone_is_refused() -> None:
    builder = Builder("net")
    builder.input("x", (2, 3, 1), Quant(0.1, 0))
    window = Geometry(2, 3, 1, 2, 3, 1, 1, 2, px=1, dx=2)
    with pytest.raises(UsageError, match="'top' holds nothing but padding"):
        builder.max_pool("top", "x", window)


@pytest.mark.system_package("arm-none-eabi-gcc")
def test_a_program_that_is_too_large_for_a_board_says_by_how_much(tmp_path: Path) -> None:
    builder = Builder("net")
    builder.input("x", (2, 512, 300), Quant(0.1, 0))
    values = ConvValues(np.ones((1, 2, 1, 1)), np.zeros(1), np.full(1, 0.01))
    builder.conv("y", "x", Geometry(2, 512, 300, 1, 512, 300, 1, 1), values, None)
    made = compile_program(builder.program("x", "y"), "square", budget=2**62)
    made.write(tmp_path)
    with pytest.raises(ExecutionError, match=r"board of m4: \d+ bytes too much for its RAM"):
        sizes(tmp_path, "m4")


@pytest.mark.system_package("cc")
def test_fast_math_is_refused(tmp_path: Path) -> None:
    series().write(tmp_path)
    with pytest.raises(ExecutionError, match="plain IEEE 754"):
        compile_c(tmp_path, ["-c", "-ffast-math"], tmp_path / "model.o")


def test_a_model_for_inference_alone_does_not_train() -> None:
    device = compile_program(quantised(Series), None).simulator()
    with pytest.raises(UsageError, match="inference only"):
        device.train_step(example_input(device.program, 0), 0, 0.1)
