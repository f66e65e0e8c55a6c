"""Examples from files, curves of learning, and the report that shows them."""

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
from tiny_networks import SHAPES, Painter, Series, inputs, made, quantised

from kinoloom.cli.main import main as command
from kinoloom.errors import ArrayError, InputNotFoundError, UnreadableMediaError, UsageError
from kinoloom.tiny.api import compile_program
from kinoloom.tiny.charts import draw_lines, round_up_axis
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


def examples_of(count: int = 24) -> dict[str, Any]:
    """Series whose class is how far they lie from zero."""
    labels = np.arange(count) % CLASSES
    series = np.concatenate(inputs(SHAPES[Series], count)) * 0.2
    series += labels[:, None, None] - 1.5
    half = count // 2
    return {
        "x": series[:half], "y": labels[:half], "x_test": series[half:], "y_test": labels[half:],
    }  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network for series and one for pictures, inputs, and examples for both."""
    folder = tmp_path_factory.mktemp("learning")
    for kind in (Series, Painter):
        exported = torch.export.export(made(kind), (torch.zeros(SHAPES[kind]),))
        torch.export.save(exported, folder / f"{kind.__name__}.pt2")
    series, pictures = examples_of(), np.concatenate(inputs(SHAPES[Painter], 16))
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
    files = ["--data", f"{kind}.pt2", "--inputs-file", f"{kind}.npy", "--examples", f"{kind}.npz"]
    with pytest.raises(SystemExit) as left:
        command(["tiny", "report", *(str(folder / w) if "." in w else w for w in files), *more])
    return int(left.value.code or 0)


def test_the_page_shows_how_well_each_way_learns(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    more = ["--scheme", "last:2", "--epochs", "5", "--rate", "0.1", "-o", str(page)]
    assert report(folder, "Series", *more, "--json") == 0
    found = json.loads(capsys.readouterr().out)["learned"]
    ways = ["all trained", "last layer", "chosen: last:2", "all trained, float32"]
    assert [one["way"] for one in found] == ways
    for one in found:
        assert one["steps"][0] == 0
        assert one["steps"][-1] == 5 * 12
        assert len(one["steps"]) == len(one["scores"]) == CURVE_POINTS + 1
    ends = {one["way"]: (one["scores"][0], one["scores"][-1]) for one in found}
    for before, after in ends.values():
        assert after["loss"] < 0.8 * before["loss"]
    full, real = ends["all trained"][1], ends["all trained, float32"][1]
    assert full["loss"] < ends["last layer"][1]["loss"]
    assert full["loss"] == pytest.approx(real["loss"], abs=0.1)
    text = page.read_text()
    pictures = re.findall(r"data:image/svg\+xml;base64,([^\"]+)", text)
    assert len(pictures) == 3
    lines = ElementTree.fromstring(b64decode(pictures[0]))
    assert len(lines.findall("{*}polyline")) == 4
    assert report(folder, "Series", *more, "--overwrite") == 0
    told = capsys.readouterr().err
    assert re.search(r"page.html: \d+ bytes of RAM.*chosen: last:2 \d+\.\d %", told)


def test_targets_have_a_loss_and_no_accuracy(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(folder, "Painter", "--loss", "mse", "--epochs", "8", "--json") == 0
    found = json.loads(capsys.readouterr().out)["learned"]
    for one in found:
        assert one["scores"][0]["accuracy"] is None
        assert one["scores"][-1]["loss"] < one["scores"][0]["loss"]


def test_without_a_compiler_the_simulator_gives_the_same_curve(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given, course = Examples(**examples_of()), TrainingRun(0.1, 1)
    compiled = compile_program(quantised(Series))
    with open_learner(compiled) as learner:
        fast = trace_curve("c", learner, 1, given, course)
    monkeypatch.setenv("CC", "no-such-compiler")
    with open_learner(compiled) as learner:
        assert isinstance(learner.device, Simulator)  # type: ignore[attr-defined]
        slow = trace_curve("c", learner, 1, given, course)
    assert fast == slow
    assert fast.scores[0] != fast.scores[-1]


class Constant:
    """Says the same of everything."""

    def forward(self, x: Any) -> Any:
        return np.array([0.0, 2.0])

    def train_step(self, x: Any, label: Any, lr: float) -> float:
        raise NotImplementedError


def test_scores_are_those_of_the_definition() -> None:
    x, y = np.zeros((4, 1)), np.array([1, 1, 1, 0])
    found = evaluate(Constant(), Examples(x, y, x, y))
    assert found.accuracy == 0.75
    assert found.loss == pytest.approx(np.log(1 + np.exp(2)) - 1.5)
    targets = np.tile([1.0, 4.0], (4, 1))
    found = evaluate(Constant(), Examples(x, targets, x, targets, classes=False))
    assert (found.loss, found.accuracy) == (2.5, None)


def test_a_line_that_leaves_the_frame_stays_at_its_top() -> None:
    assert [round_up_axis(v) for v in (0.7, 1.0, 1.2, 3.0, 7.5, 83.0, 0.0)] == [
        pytest.approx(v) for v in (0.8, 1, 2, 4, 8, 100, 1)
    ]
    tree = ElementTree.fromstring(draw_lines([0, 5, 10], {"a <b": [0.0, 1e9, -1.0]}, 2.0))
    (line,) = tree.findall("{*}polyline")
    heights = [float(point.split(",")[1]) for point in line.attrib["points"].split()]
    assert heights[0] == heights[2] > heights[1] >= 0
    assert "a <b" in [text.text for text in tree.iter() if text.tag.endswith("text")]


BAD = [
    ({"y_test": np.full(12, 4)}, UsageError, "y_test of .* label 4 at 0; .* classes 0 to 3"),
    ({"y": np.full(12, -1)}, UsageError, "y of .* label -1"),
    ({"y": np.full(12, 0.5)}, ArrayError, "whole number for each input, not float64"),
    ({"x": np.zeros((12, 3, 11))}, ArrayError, r"shape \(3, 11\), not of \(3, 1, 12\)"),
    ({"x": np.zeros((11, 3, 12))}, ArrayError, "not of one length"),
    ({"x_test": np.full((12, 3, 12), np.nan)}, ArrayError, "x_test of .* not a number at 0"),
    ({"x_test": np.zeros((0, 3, 12)), "y_test": np.zeros(0, int)}, ArrayError, "is empty"),
    ({"y_test": None}, UnreadableMediaError, "lacks y_test"),
    ({"y": None}, UnreadableMediaError, "lacks y"),
]


@pytest.mark.parametrize(("change", "kind", "why"), BAD, ids=[why[:12] for _, _, why in BAD])
def test_bad_examples_are_refused(
    change: dict[str, Any], kind: type[Exception], why: str, tmp_path: Path
) -> None:
    arrays = {k: v for k, v in {**examples_of(), **change}.items() if v is not None}
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(kind, match=why):
        read_examples(tmp_path / "bad.npz", quantised(Series), "cross-entropy")


def test_other_files_and_targets_are_refused(tmp_path: Path) -> None:
    program = quantised(Series)
    with pytest.raises(InputNotFoundError, match="no file"):
        read_examples(tmp_path / "absent.npz", program, "mse")
    for name, data in (("text.npz", b"text"), ("none.npz", b"")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UnreadableMediaError, match=r"is no \.npz"):
            read_examples(tmp_path / name, program, "mse")
    np.savez(tmp_path / "classes.npz", **examples_of())
    with pytest.raises(ArrayError, match=r"targets of shape \(\), not \(4, 1, 1\)"):
        read_examples(tmp_path / "classes.npz", program, "mse")
    alone = {k: v for k, v in examples_of().items() if "test" in k}
    np.savez(tmp_path / "alone.npz", **alone)
    found = read_examples(tmp_path / "alone.npz", program, "cross-entropy")
    assert replace(found, x=found.x_test).x.shape == (12, 3, 12)
    assert not len(found.x)
