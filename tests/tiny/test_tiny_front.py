"""Reading of torch modules, unsupported models, and the commands."""

import json
import logging
import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_networks import SHAPES, Painter, Series, build_model, random_inputs
from torch import nn

from kinoloom import tiny
from kinoloom.base.provenance import InputFiles
from kinoloom.cli.main import main as command
from kinoloom.errors import (
    ArrayError,
    InputChangedError,
    InputNotFoundError,
    UnreadableMediaError,
    UsageError,
)
from kinoloom.tiny import commands
from kinoloom.tiny.codegen.host import HostProgram
from kinoloom.tiny.front.names import make_identifier
from kinoloom.tiny.front.pretrained import read_pretrained
from kinoloom.tiny.front.read import read_archive, read_module
from kinoloom.tiny.options import CompileOptions
from kinoloom.tiny.quantisation.quantise import Headroom, quantise_range
from kinoloom.tiny.training.scheme import collect_convs

X = np.zeros((1, 1, 6, 6), np.float32)


class Sine(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sin(x)


class Branches(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x if bool(x.sum() > 0) else x + x


class Two(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.relu(x), x + x


UNSUPPORTED = [
    (
        nn.Sequential(nn.Conv2d(1, 2, 3), Sine()),
        r"aten.sin.default in 1 \(Sine\).* is not supported",
    ),
    (Branches(), "torch.export failed"),
    (Two(), "has 2 outputs: expected 1"),
    (nn.AvgPool2d(3, 2, 1, count_include_pad=False), "padding must count in the average"),
    (nn.Sequential(nn.ZeroPad2d(1), nn.MaxPool2d(2)), "only directly before a convolution"),
    (nn.AdaptiveAvgPool2d(4), "windows have different sizes: 6x6 to 4x4"),
    (nn.Sequential(nn.Flatten(0), nn.Unflatten(0, (2, 18)), nn.BatchNorm1d(18)), "its shape is"),
]


@pytest.mark.parametrize(("model", "why"), UNSUPPORTED, ids=[why[:20] for _, why in UNSUPPORTED])
def test_unsupported_models_are_rejected_by_name(model: nn.Module, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        read_module(model.eval(), X, [X])


def test_invalid_example_and_calibration_are_rejected() -> None:
    model = nn.Conv2d(1, 2, 3)
    with pytest.raises(UsageError, match="training mode"):
        read_module(model.train(), X, [X])
    model.eval()
    with pytest.raises(ArrayError, match="batch size of 2: expected 1"):
        read_module(model, np.zeros((2, 1, 6, 6), np.float32), [X])
    with pytest.raises(ArrayError, match="at least one input"):
        read_module(model, X, [])
    with pytest.raises(ArrayError, match=r"input 1 gives infinite values or NaN"):
        read_module(model, X, [X, X * np.nan])
    with pytest.raises(UsageError, match="prefix of C names"):
        tiny.compile(model, X, "mse", data=[X + 1], name="Net-1")


def test_zero_is_exact_and_headroom_is_bounded() -> None:
    for low, high in [(-1.0, 3.0), (0.5, 2.0), (-3.0, -1.0), (0.0, 0.0)]:
        quant = quantise_range(low, high)
        assert -128 <= quant.zero <= 127
        ends = [quant.scale * (q - quant.zero) for q in (-128, 127)]
        assert ends[0] <= min(low, 0) + quant.scale
        assert ends[1] >= max(high, 0) - quant.scale
    with pytest.raises(UsageError, match=r"1\.\.16"):
        Headroom(0.5, 1.0)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a folder with an exported network, calibration inputs and labelled examples."""
    folder = tmp_path_factory.mktemp("archive")
    example = torch.zeros(SHAPES[Series])
    torch.export.save(torch.export.export(build_model(Series), (example,)), folder / "series.pt2")
    data = np.concatenate(random_inputs(SHAPES[Series], 16))
    np.save(folder / "inputs.npy", data)
    labels = np.arange(16) % 4
    np.savez(folder / "examples.npz", x=data, y=labels, x_test=data, y_test=labels)
    return folder


def main(arguments: list[str]) -> int:
    """Run a command and return its exit code."""
    with pytest.raises(SystemExit) as left:
        command(arguments)
    return int(left.value.code or 0)


def arguments(archive: Path, command: str, *more: str) -> list[str]:
    files = [str(archive / "series.pt2"), "--calibration", str(archive / "inputs.npy")]
    return ["tiny", command, *files, *more, "--json"]


@pytest.mark.system_package("cc")
def test_project_prints_the_result_of_simulate(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "device"
    assert main(arguments(archive, "compile", "--out", str(folder))) == 0
    facts = json.loads(capsys.readouterr().out)
    assert {Path(f).name for f in facts["files"]} >= {"model.c", "model.h", "main.c", "Makefile"}
    assert main(arguments(archive, "simulate", "--steps", "5")) == 0
    simulated = json.loads(capsys.readouterr().out)
    line = ["make", "-s", "-C", str(folder), "run-host", "STEPS=5", "OPTIMISE=-O1"]
    result = subprocess.run(line, capture_output=True, text=True, check=True)
    assert result.stdout == f"loss {simulated['loss']}\ncrc {simulated['crc']}\n"
    header = (folder / "model.h").read_text()
    assert f"NET_ARENA_BYTES {facts['arena_bytes']}" in header
    assert main(arguments(archive, "compile", "--out", str(folder))) == 2
    assert "already exists" in capsys.readouterr().err


def test_report_shows_the_memory_ladder_and_the_arena(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    assert main(arguments(archive, "report", "--scheme", "last:2", "-o", str(page))) == 0
    results = json.loads(capsys.readouterr().out)
    ram = [row["RAM"] for row in results["ladder"]]
    assert ram[-1] == results["ram_bytes"] == min(ram)
    for rungs in (ram[:2], ram[2:]):
        assert rungs == sorted(rungs, reverse=True)
    assert results["fidelity"]["sqnr_db"] > 20
    assert "float_accuracy" not in results["fidelity"]
    text = page.read_text()
    assert "Fidelity to float32 on 16 inputs" in text
    assert "data:image/svg+xml;base64," in text
    assert "second" in text


def test_search_writes_a_scheme_that_compiles(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scheme = tmp_path / "scheme.txt"
    more = ["--examples", str(archive / "examples.npz"), "--budget", "3000"]
    assert main(arguments(archive, "search", *more, "--scheme-file", str(scheme))) == 0
    results = json.loads(capsys.readouterr().out)
    assert results["ram_bytes"] <= 3000
    assert len(results["gains_of_biases"]) == 3
    assert {name.split()[1] for name in results["gains_of_weights"]} == {
        "0.125",
        "0.25",
        "0.5",
        "1",
    }
    assert main(arguments(archive, "report", "--scheme", str(scheme))) == 0
    assert json.loads(capsys.readouterr().out)["ram_bytes"] == results["ram_bytes"]


def test_report_measures_accuracy_on_examples(
    archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(archive, "report", "--examples", str(archive / "examples.npz"))) == 0
    results = json.loads(capsys.readouterr().out)["fidelity"]
    assert results["inputs"] == 16
    assert (
        abs(results["float_accuracy"] - results["int8_accuracy"]) <= 1 - results["top1_agreement"]
    )


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (["--examples", "absent.npz"], "absent.npz does not exist"),
        (["--scheme", "some"], "Unknown scheme 'some': expected full, head"),
        (["--scheme", "mcunet-49kb"], "net has only 3 layers"),
        (["--budget", "100"], "budget of at least [0-9]+ bytes"),
        (["--calibration", "absent.npy"], "absent.npy does not exist"),
        (["--calibration", "short.npy"], r"input 0 has the shape \(1, 3, 11\): expected"),
        (["--calibration", "arguments.npy"], "must contain one array"),
        (["--classes", "4"], "series.pt2 has a head of its own"),
        (["--data", "absent.npz"], "positional argument"),
        (["--inputs-file", "inputs.npy"], "--calibration"),
        (["--rate", "0.1"], "--learning-rate"),
        (["--loss", "square"], "one of cross-entropy, mse, not 'square'"),
    ],
)
def test_invalid_arguments_are_reported(
    archive: Path,
    more: list[str],
    why: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(archive)
    np.save("short.npy", np.zeros((2, 3, 11)))
    np.save("arguments.npy", np.array([["a"], ["b"]]))
    assert main(arguments(archive, "report", *more)) != 0
    assert re.search(why, capsys.readouterr().err)


def test_search_does_not_overwrite_a_scheme(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scheme = tmp_path / "scheme.txt"
    scheme.write_text("mine")
    more = ["--examples", str(archive / "examples.npz"), "--scheme-file", str(scheme)]
    assert main(arguments(archive, "search", *more)) == 2
    assert "already exists" in capsys.readouterr().err
    assert scheme.read_text() == "mine"


def test_project_of_a_changed_model_is_not_created(archive: Path, tmp_path: Path) -> None:
    files = InputFiles([archive / "series.pt2"])
    os.utime(archive / "series.pt2")
    options = CompileOptions(calibration=archive / "inputs.npy", out=tmp_path / "device")
    with files.as_inputs_of_job(), pytest.raises(InputChangedError, match=r"series.pt2 was mod"):
        commands.compile_model(archive / "series.pt2", options)
    assert not (tmp_path / "device").exists()


def test_scheme_of_changed_examples_is_kept_under_another_name(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Change(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            os.utime(archive / "examples.npz")

    change = Change()
    logging.getLogger("kinoloom").addHandler(change)
    more = ["--examples", str(archive / "examples.npz"), "--budget", "3000"]
    scheme = tmp_path / "scheme.txt"
    try:
        assert main(arguments(archive, "search", *more, "--scheme-file", str(scheme))) == 4
    finally:
        logging.getLogger("kinoloom").removeHandler(change)
    kept = tmp_path / "scheme.partial.txt"
    assert f"The scheme that was found is kept as {kept}" in capsys.readouterr().err
    assert not scheme.exists()
    assert main(arguments(archive, "report", "--scheme", str(kept))) == 0


def test_calibration_of_a_quantised_network_is_rejected(
    archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [str(archive / "examples.npz"), "--calibration", str(archive / "inputs.npy")]
    assert main(["tiny", "report", *files]) == 2
    assert "quantised already" in capsys.readouterr().err


def test_invalid_archives_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError):
        read_pretrained(tmp_path / "absent.npz", "net")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(UnreadableMediaError, match=r"is not an int8 network.*Missing"):
        read_pretrained(tmp_path / "other.npz", "net")
    (tmp_path / "text.npz").write_text("text")
    with pytest.raises(UnreadableMediaError, match="is not an int8 network"):
        read_pretrained(tmp_path / "text.npz", "net")
    (tmp_path / "text.pt2").write_text("text")
    with pytest.raises(UnreadableMediaError, match=r"is not a torch\.export archive"):
        read_archive(tmp_path / "text.pt2", [])


def test_targets_must_have_the_size_of_the_output() -> None:
    data = random_inputs(SHAPES[Painter], 4)
    device = tiny.compile(build_model(Painter), data[0], "mse", data=data).simulator()
    first = device.train_step(device.quantise(data[0]), np.zeros((1, 6, 7)), 0.01)
    assert first > 0
    with pytest.raises(ArrayError, match="41 values: expected 42"):
        device.train_step(device.quantise(data[0]), np.zeros(41), 0.01)
    with pytest.raises(ArrayError, match="expected int8"):
        device.forward(data[0])


class Awkward(nn.Module):
    """Modules whose names conflict with tensors of other layers or are not C identifiers."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.fc_w = nn.Linear(4, 4), nn.Linear(4, 4)
        self.label = nn.Linear(4, 4)
        self.layers = nn.ModuleDict({"Größe": nn.Linear(4, 4), "0": nn.Linear(4, 4)})
        self.weight = nn.Parameter(torch.eye(4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for layer in (self.fc, self.fc_w, self.label, *self.layers.values(), self.fc):
            x = torch.relu(layer(x))
        return nn.functional.linear(x, self.weight)


@pytest.mark.system_package("cc")
def test_layers_take_unambiguous_names_of_their_modules(tmp_path: Path) -> None:
    torch.manual_seed(0)
    data = random_inputs((1, 4), 8)
    compiled = tiny.compile(Awkward().eval(), data[0], data=data)
    names = [op.layer for op in collect_convs(compiled.inference)]
    assert names == ["fc", "relu_1", "label_2", "layers_gr_e", "layers_0", "fc_2", "linear_6"]
    host, device = HostProgram(compiled.program, compiled.plan, tmp_path), compiled.simulator()
    x = device.quantise(data[0])
    assert [device.train_step(x, 1, 0.1) for _ in range(5)] == [
        host.train_step(x, 1, 0.1) for _ in range(5)
    ]
    assert make_identifier("0.conv-1") == "layer0_conv_1"
