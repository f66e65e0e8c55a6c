"""Logs of training runs: JSON lines, TensorBoard, the progress bar."""

import io
import re
import struct
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy

from kinoloom.errors import MissingExtraError
from kinoloom.learn.logging.writers import LogWriter, read_log
from kinoloom.learn.loop import train


def read_events(folder: Path) -> list[Any]:
    """Read TensorBoard events: records of length, checksum, content, checksum."""
    from tensorboardX.proto.event_pb2 import Event

    found = []
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        while data:
            (size,) = struct.unpack("<Q", data[:8])
            found.append(Event.FromString(data[12 : 12 + size]))
            data = data[16 + size :]
    return found


def test_tensorboard_has_the_values_of_the_log(tmp_path: Path) -> None:
    settings = replace(toy.QUICK, tensorboard=True, log_steps=10)
    picture = np.zeros((4, 5, 3), np.uint8)
    train(toy.task(settings, samples=lambda net: {"black": picture}), settings, tmp_path)
    values = [(e.step, v) for e in read_events(tmp_path / "tensorboard") for v in e.summary.value]
    scalars = {(step, v.tag): v.simple_value for step, v in values if not v.HasField("image")}
    for line in read_log(tmp_path):
        if line["kind"] == "train":
            assert scalars[line["step"], "train/loss"] == pytest.approx(line["loss"])
            assert scalars[line["step"], "train/terms/l2"] == pytest.approx(line["terms"]["l2"])
        else:
            assert scalars[line["step"], "validation/error"] == pytest.approx(line["error"])
    pictures = [(step, v.tag, v.image.width) for step, v in values if v.HasField("image")]
    assert pictures == [(0, "black", 5), (10, "black", 5), (20, "black", 5)]


def test_missing_tensorboard_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(MissingExtraError, match=r"tensorboardX.*pip install"):
        train(toy.task(), replace(toy.QUICK, tensorboard=True), tmp_path)


def test_log_lines_after_the_checkpoint_are_removed(tmp_path: Path) -> None:
    with LogWriter(tmp_path, 0, tensorboard=False) as logs:
        for step in (1, 2, 3):
            logs.write("train", step, {"loss": float("inf")})
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"kind": "tra')
    LogWriter(tmp_path, 2, tensorboard=False)
    assert read_log(tmp_path) == [{"kind": "train", "step": step, "loss": None} for step in (1, 2)]
    LogWriter(tmp_path, 0, tensorboard=False)
    assert read_log(tmp_path) == []


class Terminal(io.StringIO):
    """A terminal that records its output."""

    def isatty(self) -> bool:
        return True


def test_terminal_shows_steps_rate_remaining_time_and_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    settings = replace(toy.QUICK, steps=100)
    train(toy.task(settings), settings, tmp_path)
    shown = screen.getvalue()
    assert "/100" in shown
    assert "steps/s" in shown
    assert "loss " in shown
    assert "0:00:0" in shown


def test_log_lines_replace_the_bar_without_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "kinoloom")
    train(toy.task(), replace(toy.QUICK, log_steps=10), tmp_path)
    pattern = r"step 10 of 20: loss [\d.]+, [\d.]+ steps/s, \d+ min left"
    assert any(re.fullmatch(pattern, line) for line in caplog.messages)
    assert any(re.fullmatch(r"step 20: error [\d.]+", line) for line in caplog.messages)
    assert capsys.readouterr() == ("", "")
