"""The published int8 networks and schemes; tests are skipped without their files."""

from pathlib import Path

import numpy as np
import pytest

from kinoloom.tiny.api import compile_program
from kinoloom.tiny.codegen.host import HostProgram
from kinoloom.tiny.codegen.project import make_example_input
from kinoloom.tiny.front.pretrained import PRESETS, preset_scheme, read_pretrained
from kinoloom.tiny.ir.backward_ops import GradStream
from kinoloom.tiny.ir.stream_ops import Stream
from kinoloom.tiny.training.scheme import collect_convs

LAYERS = {"mcunet-5fps": 43, "mbv2-w0.35": 52, "proxyless-w0.3": 61}

MAX_KB = {
    "mcunet-49kb": 82.2,
    "mcunet-99kb": 122.9,
    "mcunet-148kb": 168.0,
    "mbv2-138kb": 152.0,
    "proxyless-148kb": 159.2,
}


def archive(shared_data: Path, model: str) -> Path:
    path = shared_data / "tiny" / f"{model}.npz"
    if not path.is_file():
        pytest.skip(f"{path.name} is missing from data/tiny in the conformance data folder")
    return path


@pytest.mark.parametrize("name", PRESETS)
def test_published_schemes_fit_256_kib(shared_data: Path, name: str) -> None:
    preset = PRESETS[name]
    inference = read_pretrained(archive(shared_data, preset.model), "net", 10)
    assert len(collect_convs(inference)) == LAYERS[preset.model]
    compiled = compile_program(inference, scheme=preset_scheme(inference, name))
    assert compiled.ram_bytes <= 256 * 1024
    assert compiled.program.constant_bytes < 2**20
    assert compiled.plan.peak <= 1.05 * compiled.plan.lower_bound
    assert compiled.ram_bytes <= MAX_KB[name] * 1024
    assert {Stream, GradStream} <= {type(op) for op in compiled.program.ops}


@pytest.mark.system_package("cc")
def test_mcunet_step_is_bit_identical_in_c(shared_data: Path, tmp_path: Path) -> None:
    inference = read_pretrained(archive(shared_data, "mcunet-5fps"), "net", 10)
    compiled = compile_program(inference, scheme=preset_scheme(inference, "mcunet-49kb"))
    device, host = (
        compiled.simulator(),
        HostProgram(compiled.program, compiled.plan, tmp_path, ("-O1",)),
    )
    x = make_example_input(compiled.program, 0)
    assert device.train_step(x, 3, 0.05) == host.train_step(x, 3, 0.05)
    assert device.export() == host.export()
    np.testing.assert_array_equal(device.forward(x), host.forward(x))
