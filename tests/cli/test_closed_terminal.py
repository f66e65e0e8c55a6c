"""A terminal that closes: what is finished is kept, as after Ctrl-C."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import kinoloom
from terminals import close_terminal_when

RATE = Fraction(25)
RUN_AS_NOHUP = """
import os, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_IGN)
for stream in (1, 2):
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Twenty grey seconds."""
    frames = [
        kinoloom.Frame(np.full((64, 96, 3), k % 200, np.uint8), k / RATE, 1 / RATE)
        for k in range(500)
    ]
    kinoloom.write(kinoloom.Clip.from_frames(frames, rate=RATE), tmp_path / "in.mp4")
    return tmp_path / "in.mp4"


@pytest.mark.parametrize("nohup", [False, True])
def test_closed_terminal_keeps_the_finished_frames(
    source: Path, tmp_path: Path, nohup: bool
) -> None:
    output = tmp_path / "out.mp4"
    record = tmp_path / ".out.mp4.parts" / "000000.json"
    words = ["-m", "kinoloom", "interpolate", str(source), "-o", str(output)]
    if nohup:
        words = ["-c", RUN_AS_NOHUP, *words]
    options = ["--times", "4", "--engine", "fast"]
    code = close_terminal_when(record.exists, *words, *options)
    if nohup:
        assert (code, output.exists()) == (0, True)
        return
    assert code == 130
    assert not output.exists()
    assert sum(1 for _ in kinoloom.read(tmp_path / "out.partial.mp4")) >= 250
