"""The published int8 networks and schemes, where their files are at hand."""

from pathlib import Path

import numpy as np
import pytest

from kinoloom.tiny.api import compile_program
from kinoloom.tiny.codegen.model import image_of
from kinoloom.tiny.codegen.project import example_input
from kinoloom.tiny.host import Host
from kinoloom.tiny.ops_backward import GradStream
from kinoloom.tiny.ops_stream import Stream
from kinoloom.tiny.pretrained import PRESETS, preset_scheme, read_pretrained
from kinoloom.tiny.scheme import convs

LAYERS = {"mcunet-5fps": 43, "mbv2-w0.35": 52, "proxyless-w0.3": 61}

MOST_KB = {
    "mcunet-49kb": 82.2,
    "mcunet-99kb": 122.9,
    "mcunet-148kb": 168.0,
    "mbv2-138kb": 152.0,
    "proxyless-148kb": 159.2,
}


def archive(shared_data: Path, model: str) -> Path:
    path = shared_data / "tiny" / f"{model}.npz"
    if not path.is_file():
        pytest.skip(f"no {path.name}: put it under data/tiny of the folder of conformance data")
    return path


@pytest.mark.parametrize("name", PRESETS)
def test_published_schemes_fit_256_kilobytes(shared_data: Path, name: str) -> None:
    preset = PRESETS[name]
    inference = read_pretrained(archive(shared_data, preset.model), "net", 10)
    assert len(convs(inference)) == LAYERS[preset.model]
    made = compile_program(inference, scheme=preset_scheme(inference, name))
    assert made.ram_bytes <= 256 * 1024
    assert made.program.constant_bytes < 2**20
    assert made.plan.peak <= 1.05 * made.plan.bound
    assert made.ram_bytes <= MOST_KB[name] * 1024
    assert {Stream, GradStream} <= {type(op) for op in made.program.ops}


@pytest.mark.system_package("cc")
def test_a_step_of_mcunet_is_equal_in_c(shared_data: Path, tmp_path: Path) -> None:
    inference = read_pretrained(archive(shared_data, "mcunet-5fps"), "net", 10)
    made = compile_program(inference, scheme=preset_scheme(inference, "mcunet-49kb"))
    device, host = made.simulator(), Host(made.program, made.plan, tmp_path, ("-O1",))
    x = example_input(made.program, 0)
    assert device.train_step(x, 3, 0.05) == host.train_step(x, 3, 0.05)
    assert image_of(made.program, device.memory.params) == host.export()
    np.testing.assert_array_equal(device.forward(x), host.forward(x))
