"""Warnings about calibration, gains and test sets that do not support a conclusion."""

import json
import logging
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_networks import SHAPES, Series, build_model, random_inputs
from torch import nn

from kinoloom import tiny
from kinoloom.cli.main import main as command
from kinoloom.errors import ArrayError
from kinoloom.tiny.evaluation.clipping import measure_clipping
from kinoloom.tiny.evaluation.quality_warnings import warn_about_clipping, warn_about_test_set
from kinoloom.tiny.front.read import read_module
from kinoloom.tiny.quantisation.quantise import quantise


class Line(nn.Module):
    """Two layers whose values are easy to predict: x, then 10 x, then a constant output."""

    def __init__(self) -> None:
        super().__init__()
        self.gain, self.head = nn.Conv1d(1, 1, 1, bias=False), nn.Linear(100, 2)
        nn.init.constant_(self.gain.weight, 10.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(torch.relu(self.gain(x)).flatten(1))


def ramp(top: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return an input with the values 0.01 * top to top."""
    return np.linspace(0.01, 1, 100, dtype=np.float32).reshape(1, 1, 100) * np.float32(top)


@pytest.mark.parametrize("scale", [0.0, 1e-9])
def test_calibration_without_range_is_rejected(scale: float) -> None:
    with pytest.raises(ArrayError, match="calibration inputs have no range") as raised:
        tiny.compile(Line().eval(), ramp(1), data=[ramp(scale)])
    assert "typical inputs" in str(raised.value.hint)


def test_layer_without_range_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    for sign, expected in ((1, 0), (-1, 1)):
        caplog.clear()
        tiny.compile(Line().eval(), ramp(1), data=[ramp(sign)])
        warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
        assert len(warnings) == expected
        assert all("'gain' is 0 for all calibration inputs" in text for text in warnings)


def test_share_of_clipped_values_is_measured() -> None:
    network = read_module(Line().eval(), ramp(1), [ramp(0.5)])
    program = quantise(network, "net")  # headroom: the input reaches 0.5, the layer 2 * 5
    shares = measure_clipping(program, network, ramp(2.5)[None])
    assert shares == pytest.approx({program.input: 0.8, "gain": 0.6}, abs=0.015)
    assert set(measure_clipping(program, network, ramp(0.5)[None]).values()) == {0.0}
    assert measure_clipping(program, None, ramp(2.5)[None]) == {program.input: shares["x"]}


def test_relu_is_not_clipping() -> None:
    both = np.concatenate([ramp(1)[..., :50], -ramp(1)[..., :50]], axis=-1)
    network = read_module(Line().eval(), both, [both])
    assert set(measure_clipping(quantise(network, "net"), network, both[None]).values()) == {0.0}


def test_narrow_calibration_is_reported_with_the_worst_tensor() -> None:
    assert warn_about_clipping({"x": 0.01, "a": 0.0}, "e.npz") == []
    (text,) = warn_about_clipping({"x": 0.25, "a": 0.0}, "e.npz")
    assert "too narrow for e.npz: 25.0 % of the values of the input are clipped." in text
    (text,) = warn_about_clipping({"x": 0.25, "a": 0.5}, "e.npz")
    assert "50.0 % of the values of 'a' are clipped; 2 of 2 tensors are affected." in text


SIZES = [
    ({"int8": 0.875, "float32": 0.9375}, 16, r"16 test examples are too few to compare float32"),
    ({"int8": 0.875, "float32": 0.9375}, 1000, None),
    ({"int8": 0.0, "float32": 1.0}, 16, None),
    ({"int8": 1.0, "float32": 1.0}, 5, "5 test examples are too few for a conclusion"),
    ({"int8": 1.0, "float32": 1.0}, 100, None),
    ({"last layer": 0.5, "scheme": 0.88, "all layers": 0.9}, 200, r"with scheme \(88.0 %\)"),
]


@pytest.mark.parametrize(("accuracies", "count", "why"), SIZES)
def test_small_test_set_is_reported(
    accuracies: dict[str, float], count: int, why: str | None
) -> None:
    warnings = warn_about_test_set(accuracies, count)
    assert len(warnings) == (why is not None)
    if why is not None:
        assert re.search(why, warnings[0])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create an exported network with calibration inputs, and inputs of another scale."""
    folder = tmp_path_factory.mktemp("warnings")
    exported = torch.export.export(build_model(Series), (torch.zeros(SHAPES[Series]),))
    torch.export.save(exported, folder / "series.pt2")
    data = np.concatenate(random_inputs(SHAPES[Series], 16))
    np.save(folder / "inputs.npy", data)
    labels = np.random.default_rng(5).integers(0, 4, 16)
    np.savez(folder / "scaled.npz", x=data * 5, y=labels, x_test=data * 5, y_test=labels)
    more = np.concatenate(random_inputs(SHAPES[Series], 60, seed=1))
    noise = np.random.default_rng(6).integers(0, 4, 60)
    np.savez(folder / "noise.npz", x=data, y=labels, x_test=more, y_test=noise)
    return folder


def run(folder: Path, name: str, examples: str, *more: str) -> int:
    """Run a command on the network of the folder and return its exit code."""
    files = ["series.pt2", "--calibration", "inputs.npy", "--examples", examples]
    paths = [str(folder / word) if "." in word else word for word in files]
    with pytest.raises(SystemExit) as left:
        command(["tiny", name, *paths, *more, "--json"])
    return int(left.value.code or 0)


def test_report_warns_of_clipping_and_of_a_small_test_set(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    assert run(folder, "report", "scaled.npz", "--scheme", "last:2", "-o", str(page)) == 0
    out, err = capsys.readouterr()
    results = json.loads(out)
    clipped, *small = results["warnings"]
    assert "too narrow for scaled.npz" in clipped
    assert any("16 test examples are too few" in text for text in small)
    assert "too narrow for scaled.npz" in err
    assert "too narrow for scaled.npz" in page.read_text()
    low, high = results["fidelity"]["int8_accuracy_interval"]
    assert 0 <= low < results["fidelity"]["int8_accuracy"] < high <= 1


def test_search_selects_the_head_alone_where_gains_are_noise(
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")  # the simulator: quicker than eleven compilations
    page, scheme = tmp_path / "page.html", tmp_path / "scheme.txt"
    more = ["--scheme-file", str(scheme), "--repeats", "2", "--learning-rate", "0.2"]
    more += ["-o", str(page)]
    assert run(folder, "search", "noise.npz", *more) == 0
    results = json.loads(capsys.readouterr().out)
    assert max(results["gains_of_biases"] + list(results["gains_of_weights"].values())) > 0
    assert results["repeats"] == 2
    assert list(results["scheme"]) == ["head"]
    assert [one["is_distinguishable"] for one in results["finalists"]] == [True, False]
    assert "not distinguishable from noise, so the cheaper scheme is selected" in page.read_text()
    assert f"{results['ram_bytes']} bytes of RAM, score" in scheme.read_text()
