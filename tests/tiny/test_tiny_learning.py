"""Examples from files, learning curves, and the report that shows them."""

import json
import re
from base64 import b64decode
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from tiny_networks import SHAPES, Painter, Series, build_inference, build_model, random_inputs

from kinoloom.cli.main import main as command
from kinoloom.errors import ArrayError, InputNotFoundError, UnreadableMediaError, UsageError
from kinoloom.tiny.api import compile_program
from kinoloom.tiny.charts import draw_lines
from kinoloom.tiny.evaluation.examples import Examples, read_examples
from kinoloom.tiny.evaluation.learning_curves import (
    CURVE_POINTS,
    TrainingRun,
    evaluate,
    open_learner,
    trace_curve,
)
from kinoloom.tiny.simulate.simulator import Simulator

CLASSES = 4


def make_examples(count: int = 24) -> dict[str, Any]:
    """Make series whose class determines their offset."""
    labels = np.arange(count) % CLASSES
    series = np.concatenate(random_inputs(SHAPES[Series], count)) * 0.2
    series += labels[:, None, None] - 1.5
    half = count // 2
    return {
        "x": series[:half], "y": labels[:half], "x_test": series[half:], "y_test": labels[half:],
    }  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a folder with two networks, and inputs and examples for both."""
    folder = tmp_path_factory.mktemp("learning")
    for kind in (Series, Painter):
        exported = torch.export.export(build_model(kind), (torch.zeros(SHAPES[kind]),))
        torch.export.save(exported, folder / f"{kind.__name__}.pt2")
    series, pictures = make_examples(), np.concatenate(random_inputs(SHAPES[Painter], 16))
    np.savez(folder / "Series.npz", **series)
    np.save(folder / "Series.npy", series["x"])
    halves = {
        "x": pictures[:8],
        "y": -pictures[:8],
        "x_test": pictures[8:],
        "y_test": -pictures[8:],
    }
    np.savez(folder / "Painter.npz", **halves)
    np.save(folder / "Painter.npy", pictures)
    return folder


def report(folder: Path, kind: str, *more: str) -> int:
    """Run `tiny report` and return its exit code."""
    files = [f"{kind}.pt2", "--calibration", f"{kind}.npy", "--examples", f"{kind}.npz"]
    with pytest.raises(SystemExit) as exit_:
        command(["tiny", "report", *(str(folder / w) if "." in w else w for w in files), *more])
    return int(exit_.value.code or 0)


def test_report_page_shows_learning_curves(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    more = ["--scheme", "last:2", "--epochs", "5", "--learning-rate", "0.1", "-o", str(page)]
    assert report(folder, "Series", *more, "--json") == 0
    curves = json.loads(capsys.readouterr().out)["learning_curves"]
    names = ["all layers", "last layer", "scheme last:2", "all layers, float32"]
    assert [curve["name"] for curve in curves] == names
    for curve in curves:
        assert curve["steps"][0] == 0
        assert curve["steps"][-1] == 5 * 12
        assert len(curve["steps"]) == len(curve["scores"]) == CURVE_POINTS + 1
    ends = {curve["name"]: (curve["scores"][0], curve["scores"][-1]) for curve in curves}
    for before, after in ends.values():
        assert after["loss"] < 0.8 * before["loss"]
    full, real = ends["all layers"][1], ends["all layers, float32"][1]
    assert full["loss"] < ends["last layer"][1]["loss"]
    assert full["loss"] == pytest.approx(real["loss"], abs=0.1)
    text = page.read_text()
    pictures = re.findall(r"data:image/svg\+xml;base64,([^\"]+)", text)
    assert len(pictures) == 3
    assert len(find_lines(b64decode(pictures[0]))) == 4
    assert report(folder, "Series", *more, "--overwrite") == 0
    messages = capsys.readouterr().err
    assert re.search(r"page.html: \d+ bytes of RAM.*scheme last:2 \d+\.\d %", messages)


def test_targets_have_a_loss_and_no_accuracy(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(folder, "Painter", "--loss", "mse", "--epochs", "8", "--json") == 0
    for curve in json.loads(capsys.readouterr().out)["learning_curves"]:
        assert curve["scores"][0]["accuracy"] is None
        assert curve["scores"][-1]["loss"] < curve["scores"][0]["loss"]


def test_simulator_traces_the_same_curve_without_a_compiler(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    examples, run = Examples(**make_examples()), TrainingRun(0.1, 1)
    compiled = compile_program(build_inference(Series))
    with open_learner(compiled) as learner:
        fast = trace_curve("c", learner, 1, examples, run)
    monkeypatch.setenv("CC", "no-such-compiler")
    with open_learner(compiled) as learner:
        assert isinstance(learner.device, Simulator)  # type: ignore[attr-defined]
        slow = trace_curve("c", learner, 1, examples, run)
    assert fast == slow
    assert fast.scores[0] != fast.scores[-1]


class Constant:
    """A learner with a constant output."""

    def forward(self, x: Any) -> Any:
        return np.array([0.0, 2.0])

    def train_step(self, x: Any, label: Any, lr: float) -> float:
        raise NotImplementedError


def test_scores_match_their_definition() -> None:
    x, y = np.zeros((4, 1)), np.array([1, 1, 1, 0])
    results = evaluate(Constant(), Examples(x, y, x, y))
    assert results.accuracy == 0.75
    assert results.loss == pytest.approx(np.log(1 + np.exp(2)) - 1.5)
    targets = np.tile([1.0, 4.0], (4, 1))
    results = evaluate(Constant(), Examples(x, targets, x, targets, classes=False))
    assert (results.loss, results.accuracy) == (2.5, None)


def test_lines_are_clipped_to_the_axis() -> None:
    svg = draw_lines([0, 5, 10], {"a <b": [0.0, 1e9, -1.0]}, 2.0)
    (line,) = find_lines(svg)
    heights = [float(point.split()[1]) for point in line[1:].split("L")]
    assert heights[0] == heights[2] > heights[1] >= 0
    texts = [e.text for e in ElementTree.fromstring(svg).iter() if e.tag.endswith("text")]
    assert {"a <b", "2.0"} <= set(texts)
    assert find_lines(draw_lines([0, 1], {"a": [0.0, 0.0]}, 0.0)), "a loss of 0 has an axis too"


def find_lines(svg: bytes) -> list[str]:
    """Return the paths of the lines of a chart, without those of its legend."""
    paths = ElementTree.fromstring(svg).findall("{*}path")
    return [p.attrib["d"] for p in paths if p.attrib["class"].startswith("line ")]


BAD = [
    ({"y_test": np.full(12, 4)}, UsageError, "y_test of .* label 4 at index 0: expected 0 to 3"),
    ({"y": np.full(12, -1)}, UsageError, "y of .* label -1"),
    ({"y": np.full(12, 0.5)}, ArrayError, "is float64 .*expected one integer per input"),
    ({"x": np.zeros((12, 3, 11))}, ArrayError, r"shape \(3, 11\): expected \(3, 1, 12\)"),
    ({"x": np.zeros((11, 3, 12))}, ArrayError, "differ in length"),
    ({"x_test": np.full((12, 3, 12), np.nan)}, ArrayError, "x_test of .* NaN at index 0"),
    ({"x_test": np.zeros((0, 3, 12)), "y_test": np.zeros(0, int)}, ArrayError, "is empty"),
    ({"y_test": None}, UnreadableMediaError, "lacks y_test"),
    ({"y": None}, UnreadableMediaError, "lacks y"),
]


@pytest.mark.parametrize(("change", "kind", "why"), BAD, ids=[why[:12] for _, _, why in BAD])
def test_invalid_examples_are_rejected(
    change: dict[str, Any], kind: type[Exception], why: str, tmp_path: Path
) -> None:
    arrays = {k: v for k, v in {**make_examples(), **change}.items() if v is not None}
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(kind, match=why):
        read_examples(tmp_path / "bad.npz", build_inference(Series), "cross-entropy")


def test_invalid_files_and_targets_are_rejected(tmp_path: Path) -> None:
    program = build_inference(Series)
    with pytest.raises(InputNotFoundError, match="does not exist"):
        read_examples(tmp_path / "absent.npz", program, "mse")
    for name, data in (("text.npz", b"text"), ("none.npz", b"")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UnreadableMediaError, match=r"is not a \.npz"):
            read_examples(tmp_path / name, program, "mse")
    np.savez(tmp_path / "classes.npz", **make_examples())
    with pytest.raises(ArrayError, match=r"targets of shape \(\): expected \(4, 1, 1\)"):
        read_examples(tmp_path / "classes.npz", program, "mse")
    alone = {k: v for k, v in make_examples().items() if "test" in k}
    np.savez(tmp_path / "alone.npz", **alone)
    results = read_examples(tmp_path / "alone.npz", program, "cross-entropy")
    assert replace(results, x=results.x_test).x.shape == (12, 3, 12)
    assert not len(results.x)
