"""Invalid models, data, labels, learning rates and images, with their error messages."""

import ctypes
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_networks import (
    SHAPES,
    Bottleneck,
    Everything,
    Painter,
    Series,
    build_inference,
    build_model,
    random_inputs,
)

from kinoloom import tiny
from kinoloom.errors import ArrayError, BudgetError, ExecutionError, UsageError
from kinoloom.tiny.api import CompiledProgram, compile_program
from kinoloom.tiny.codegen.board import measure_linked_size
from kinoloom.tiny.codegen.host import HostProgram, compile_c
from kinoloom.tiny.codegen.project import make_example_input
from kinoloom.tiny.front.read import read_exported
from kinoloom.tiny.ir.program import Geometry, Quant
from kinoloom.tiny.quantisation.lower import Builder, ConvValues


def series(scheme: Any = tiny.full_update) -> CompiledProgram:
    return compile_program(build_inference(Series), scheme=scheme)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> HostProgram:
    compiled = series()
    return HostProgram(compiled.program, compiled.plan, tmp_path_factory.mktemp("host"), ("-O1",))


BAD = [(-1, 0.1), (4, 0.1), (2**31 - 1, 0.1), (0, -0.1), (0, float("nan")), (0, float("inf"))]


@pytest.mark.system_package("cc")
@pytest.mark.parametrize(("label", "lr"), BAD)
def test_invalid_labels_and_learning_rates_change_nothing(
    host: HostProgram, label: int, lr: float
) -> None:
    device = series().simulator()
    x = make_example_input(device.program, 0)
    host.init(1)
    fresh = host.export()
    with pytest.raises(UsageError, match=r"Invalid label .*expected 0 to 3|Invalid learning rate"):
        device.train_step(x, label, lr)
    with pytest.raises(UsageError, match="returned code"):
        host.train_step(x, label, lr)
    assert host.export() == fresh == device.export()


@pytest.mark.system_package("cc")
def test_zero_learning_rate_changes_no_weights(host: HostProgram) -> None:
    host.init(1)
    fresh = host.export()
    for step in range(5):
        assert host.train_step(make_example_input(host.program, step), step % 4, 0.0) > 0
    head = 16  # with the number of steps
    assert host.export()[head:-4] == fresh[head:-4]


@pytest.mark.system_package("cc")
def test_null_target_is_rejected(tmp_path: Path) -> None:
    compiled = compile_program(build_inference(Painter), "mse")
    host = HostProgram(compiled.program, compiled.plan, tmp_path, ("-O1",))
    x, fresh = make_example_input(compiled.program, 0), host.export()
    bad_label = 1
    arguments = (x.ctypes.data_as(ctypes.c_void_p), None, ctypes.c_float(0.1), None)
    assert host.library.net_train_step(*arguments) == bad_label
    assert host.export() == fresh


@pytest.mark.system_package("cc")
def test_damaged_image_changes_nothing(host: HostProgram) -> None:
    host.init(1)
    fresh = host.export()
    for step in range(20):
        host.train_step(make_example_input(host.program, step), step % 4, 0.1)
    learned = host.export()
    assert learned != fresh
    assert host.library.net_import(bytes(len(learned))) != 0
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
def test_image_of_another_program_is_rejected(host: HostProgram, tmp_path: Path) -> None:
    other = series(lambda program: tiny.last_layers(program, 1))
    image = other.simulator().export()
    fresh = host.export()
    padded = image + bytes(len(fresh) - len(image))
    for wrong in (image, padded):
        with pytest.raises(UsageError, match="another program"):
            host.load(wrong)
    assert host.export() == fresh


def test_dynamic_shapes_are_rejected() -> None:
    example = torch.zeros(SHAPES[Painter])
    sizes = ({2: torch.export.Dim("height", min=4, max=64)},)
    exported = torch.export.export(build_model(Painter), (example,), dynamic_shapes=sizes)
    with pytest.raises(UsageError, match=r"static.*s\d+|s\d+.*static"):
        read_exported(exported, random_inputs(SHAPES[Painter], 1))


def test_calibration_with_nan_is_rejected() -> None:
    data = random_inputs(SHAPES[Series], 3)
    for bad in (np.nan, np.inf):
        data[2] = np.full(SHAPES[Series], bad, np.float32)
        with pytest.raises(ArrayError, match=r"input 2 gives infinite values or NaN"):
            tiny.compile(build_model(Series), data[0], data=data)


def test_weights_with_nan_are_rejected() -> None:
    model = build_model(Series)
    with torch.no_grad():
        model.head.weight[0, 0] = torch.nan
    data = random_inputs(SHAPES[Series], 3)
    with pytest.raises(ArrayError, match="NaN"):
        tiny.compile(model, data[0], data=data)


def test_budget_error_names_the_layer_and_the_bytes_needed() -> None:
    inference = build_inference(Bottleneck)
    least = compile_program(inference).ram_bytes
    with pytest.raises(
        BudgetError, match=rf"needs {least} bytes.* Peak memory is in \w+ of"
    ) as caught:
        compile_program(inference, budget=1000)
    assert f"at least {least} bytes" in caught.value.hint
    layers = {op.layer for op in inference.ops if hasattr(op, "layer")}
    named = str(caught.value).partition("Peak memory")[2].partition(", with")[0]
    assert set(named.rpartition(" of ")[2].split(", ")) <= layers


def test_budget_error_describes_gradients() -> None:
    with pytest.raises(BudgetError, match=r"the gradient of \w+ \(\d+ bytes\)") as caught:
        compile_program(build_inference(Everything), budget=1000)
    assert " d_" not in str(caught.value)


def test_max_pooling_of_padding_only_is_rejected() -> None:
    builder = Builder("net")
    builder.add_input("x", (2, 3, 1), Quant(0.1, 0))
    window = Geometry(2, 3, 1, 2, 3, 1, 1, 2, px=1, dx=2)
    with pytest.raises(UsageError, match="'top' contains padding only"):
        builder.add_max_pool("top", "x", window)


@pytest.mark.system_package("arm-none-eabi-gcc")
def test_overflow_of_a_board_reports_the_excess(tmp_path: Path) -> None:
    builder = Builder("net")
    builder.add_input("x", (2, 512, 300), Quant(0.1, 0))
    values = ConvValues(np.ones((1, 2, 1, 1)), np.zeros(1), np.full(1, 0.01))
    builder.add_conv("y", "x", Geometry(2, 512, 300, 1, 512, 300, 1, 1), values, None)
    compiled = compile_program(builder.build("x", "y"), "mse", budget=2**62)
    compiled.write(tmp_path)
    with pytest.raises(ExecutionError, match=r"exceeds the RAM of the m4 board by \d+ bytes"):
        measure_linked_size(tmp_path, "m4")


@pytest.mark.system_package("cc")
def test_fast_math_is_rejected(tmp_path: Path) -> None:
    series().write(tmp_path)
    with pytest.raises(ExecutionError, match="plain IEEE 754"):
        compile_c(tmp_path, ["-c", "-ffast-math"], tmp_path / "model.o")


def test_inference_program_does_not_train() -> None:
    device = compile_program(build_inference(Series), None).simulator()
    with pytest.raises(UsageError, match="inference only"):
        device.train_step(make_example_input(device.program, 0), 0, 0.1)
