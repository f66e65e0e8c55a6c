"""Reading torch modules: what is refused and how, and the commands."""

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_networks import SHAPES, Painter, Series, inputs, made
from torch import nn

from kinoloom import tiny
from kinoloom.cli.main import main as command
from kinoloom.errors import ArrayError, InputNotFoundError, UnreadableMediaError, UsageError
from kinoloom.tiny.front.names import identifier
from kinoloom.tiny.front.read import read_archive, read_module
from kinoloom.tiny.host import Host
from kinoloom.tiny.pretrained import read_pretrained
from kinoloom.tiny.quantise import Room, quant_of
from kinoloom.tiny.scheme import convs

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


REFUSED = [
    (nn.Sequential(nn.Conv2d(1, 2, 3), Sine()), r"aten.sin.default is not supported.*1 \(Sine\)"),
    (Branches(), "torch.export could not read the model"),
    (Two(), "one result, not 2"),
    (nn.AvgPool2d(3, 2, 1, count_include_pad=False), "divisor that leaves out padding"),
    (nn.Sequential(nn.ZeroPad2d(1), nn.MaxPool2d(2)), "right before a convolution only"),
    (nn.AdaptiveAvgPool2d(4), "its windows differ: 6x6 to 4x4"),
    (nn.Sequential(nn.Flatten(0), nn.Unflatten(0, (2, 18)), nn.BatchNorm1d(18)), "its shape is"),
]


@pytest.mark.parametrize(("model", "why"), REFUSED, ids=[why[:20] for _, why in REFUSED])
def test_what_is_not_supported_is_refused_by_name(model: nn.Module, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        read_module(model.eval(), X, [X])


def test_bad_examples_and_calibration_are_refused() -> None:
    model = nn.Conv2d(1, 2, 3)
    with pytest.raises(UsageError, match="training mode"):
        read_module(model.train(), X, [X])
    model.eval()
    with pytest.raises(ArrayError, match="not a batch of 2"):
        read_module(model, np.zeros((2, 1, 6, 6), np.float32), [X])
    with pytest.raises(ArrayError, match="at least one input"):
        read_module(model, X, [])
    with pytest.raises(ArrayError, match=r"input 1 makes .* not a number"):
        read_module(model, X, [X, X * np.nan])
    with pytest.raises(UsageError, match="C names"):
        tiny.compile(model, X, "square", data=[X], name="Net-1")


def test_zero_is_held_exactly_and_room_is_bounded() -> None:
    for low, high in [(-1.0, 3.0), (0.5, 2.0), (-3.0, -1.0), (0.0, 0.0)]:
        quant = quant_of(low, high)
        assert -128 <= quant.zero <= 127
        ends = [quant.scale * (q - quant.zero) for q in (-128, 127)]
        assert ends[0] <= min(low, 0) + quant.scale
        assert ends[1] >= max(high, 0) - quant.scale
    with pytest.raises(UsageError, match=r"1\.\.16"):
        Room(0.5, 1.0)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an exported network, inputs for it, and labelled examples."""
    folder = tmp_path_factory.mktemp("archive")
    example = torch.zeros(SHAPES[Series])
    torch.export.save(torch.export.export(made(Series), (example,)), folder / "series.pt2")
    data = np.concatenate(inputs(SHAPES[Series], 16))
    np.save(folder / "inputs.npy", data)
    labels = np.arange(16) % 4
    np.savez(folder / "examples.npz", x=data, y=labels, x_test=data, y_test=labels)
    return folder


def main(words: list[str]) -> int:
    """Run a command; its exit code."""
    with pytest.raises(SystemExit) as left:
        command(words)
    return int(left.value.code or 0)


def words(archive: Path, command: str, *more: str) -> list[str]:
    files = ["--data", str(archive / "series.pt2"), "--inputs-file", str(archive / "inputs.npy")]
    return ["tiny", command, *files, *more, "--json"]


def test_a_compiled_project_prints_what_simulate_says(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "device"
    assert main(words(archive, "compile", "--folder", str(folder))) == 0
    facts = json.loads(capsys.readouterr().out)
    assert {Path(f).name for f in facts["files"]} >= {"model.c", "model.h", "main.c", "Makefile"}
    assert main(words(archive, "simulate", "--steps", "5")) == 0
    told = json.loads(capsys.readouterr().out)
    line = ["make", "-s", "-C", str(folder), "run-host", "STEPS=5", "OPTIMISE=-O1"]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    assert done.stdout == f"loss {told['loss']}\ncrc {told['crc']}\n"
    header = (folder / "model.h").read_text()
    assert f"NET_ARENA_BYTES {facts['arena_bytes']}" in header
    assert main(words(archive, "compile", "--folder", str(folder))) == 2
    assert "already exists" in capsys.readouterr().err


def test_the_report_has_the_ladder_and_the_arena(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    assert main(words(archive, "report", "--scheme", "last:2", "-o", str(page))) == 0
    found = json.loads(capsys.readouterr().out)
    ram = [row["RAM"] for row in found["ladder"]]
    assert ram[-1] == found["ram_bytes"] == min(ram)
    for way in (ram[:2], ram[2:]):
        assert way == sorted(way, reverse=True)
    assert found["against_float32"]["noise_db"] > 20
    assert "real" not in found["against_float32"]
    text = page.read_text()
    assert "Against float32, on 16 inputs" in text
    assert "data:image/svg+xml;base64," in text
    assert "second" in text


def test_the_search_writes_a_scheme_that_compiles(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scheme = tmp_path / "scheme.txt"
    more = ["--examples", str(archive / "examples.npz"), "--budget", "3000"]
    assert main(words(archive, "search", *more, "--scheme-file", str(scheme))) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ram_bytes"] <= 3000
    assert len(found["gains_of_biases"]) == 3
    assert {name.split()[1] for name in found["gains_of_weights"]} == {"0.125", "0.25", "0.5", "1"}
    assert main(words(archive, "report", "--scheme", str(scheme))) == 0
    assert json.loads(capsys.readouterr().out)["ram_bytes"] == found["ram_bytes"]


def test_the_report_scores_labelled_examples(
    archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(archive, "report", "--examples", str(archive / "examples.npz"))) == 0
    found = json.loads(capsys.readouterr().out)["against_float32"]
    assert found["inputs"] == 16
    assert abs(found["real"] - found["quantised"]) <= 1 - found["same"]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (["--examples", "absent.npz"], "no file absent.npz"),
        (["--scheme", "some"], "no scheme and no file"),
        (["--scheme", "mcunet-49kb"], "has more layers"),
        (["--budget", "100"], "Give at least [0-9]+ bytes"),
        (["--inputs-file", "absent.npy"], "no file absent.npy"),
        (["--inputs-file", "short.npy"], r"input 0 has the shape \(1, 3, 11\); the model takes"),
        (["--inputs-file", "words.npy"], "must hold one array"),
        (["--classes", "4"], "series.pt2 has its own"),
        (["--data", "absent.npz"], "takes one --data"),
    ],
)
def test_bad_words_are_told(
    archive: Path,
    more: list[str],
    why: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(archive)
    np.save("short.npy", np.zeros((2, 3, 11)))
    np.save("words.npy", np.array([["a"], ["b"]]))
    assert main(words(archive, "report", *more)) != 0
    assert re.search(why, capsys.readouterr().err)


def test_a_search_replaces_no_scheme(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scheme = tmp_path / "scheme.txt"
    scheme.write_text("mine")
    more = ["--examples", str(archive / "examples.npz"), "--scheme-file", str(scheme)]
    assert main(words(archive, "search", *more)) == 2
    assert "already exists" in capsys.readouterr().err
    assert scheme.read_text() == "mine"


def test_a_network_that_is_quantised_is_not_calibrated(
    archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ["--data", str(archive / "examples.npz"), "--inputs-file", str(archive / "inputs.npy")]
    assert main(["tiny", "report", *files]) == 2
    assert "quantised already" in capsys.readouterr().err


def test_archives_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError):
        read_pretrained(tmp_path / "absent.npz", "net")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(UnreadableMediaError, match=r"is no int8 network.*lacks"):
        read_pretrained(tmp_path / "other.npz", "net")
    (tmp_path / "text.npz").write_text("text")
    with pytest.raises(UnreadableMediaError, match="is no int8 network"):
        read_pretrained(tmp_path / "text.npz", "net")
    (tmp_path / "text.pt2").write_text("text")
    with pytest.raises(UnreadableMediaError, match="holds no exported network"):
        read_archive(tmp_path / "text.pt2", [])


def test_targets_have_the_size_of_the_output() -> None:
    data = inputs(SHAPES[Painter], 4)
    device = tiny.compile(made(Painter), data[0], "square", data=data).simulator()
    first = device.train_step(device.quantise(data[0]), np.zeros((1, 6, 7)), 0.01)
    assert first > 0
    with pytest.raises(ArrayError, match="42 values, not 41"):
        device.train_step(device.quantise(data[0]), np.zeros(41), 0.01)
    with pytest.raises(ArrayError, match="must be int8"):
        device.forward(data[0])


class Awkward(nn.Module):
    """Modules whose names are those of parts of others, of a training step, or no C names."""

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


def test_layers_are_called_as_their_modules_where_that_is_safe(tmp_path: Path) -> None:
    torch.manual_seed(0)
    data = inputs((1, 4), 8)
    made_ = tiny.compile(Awkward().eval(), data[0], data=data)
    names = [op.layer for op in convs(made_.inference)]
    assert names == ["fc", "relu_1", "label_2", "layers_gr_e", "layers_0", "fc_2", "linear_6"]
    host, device = Host(made_.program, made_.plan, tmp_path), made_.simulator()
    x = device.quantise(data[0])
    assert [device.train_step(x, 1, 0.1) for _ in range(5)] == [
        host.train_step(x, 1, 0.1) for _ in range(5)
    ]
    assert identifier("0.conv-1") == "layer0_conv_1"
