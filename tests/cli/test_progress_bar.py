"""The progress bar: on a terminal, and nowhere else."""

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

PHOTOS = sorted((Path(__file__).parents[2] / "examples" / "photos").glob("*.png"))


def start_interpolation(folder: Path, stderr: Any) -> subprocess.Popen[bytes]:
    words = ["interpolate", *map(str, PHOTOS), "-o", "a.mp4", "--seconds", "2", "--engine", "fast"]
    line = [sys.executable, "-m", "kinoloom", *words]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    return subprocess.Popen(line, cwd=folder, stderr=stderr, env=environment)


def read_terminal(master: int) -> str:
    """Read what is written to a terminal until the program at its other end has closed it."""
    written = b""
    while True:
        try:
            block = os.read(master, 1 << 16)
        except OSError:  # how a terminal says that nothing more will come
            return written.decode()
        if not block:
            return written.decode()
        written += block


def test_a_terminal_shows_done_total_and_rate(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    with start_interpolation(tmp_path, slave) as process:
        os.close(slave)
        written = read_terminal(master)
    os.close(master)
    assert process.returncode == 0
    assert "60/60" in written
    assert "/s" in written
    assert "a.mp4: 60 frames" in written.splitlines()[-1]


def test_a_file_gets_no_bar(tmp_path: Path) -> None:
    with (tmp_path / "log.txt").open("wb") as log, start_interpolation(tmp_path, log) as process:
        process.wait()
    text = (tmp_path / "log.txt").read_text()
    assert process.returncode == 0
    assert "60/60" not in text
    assert "\x1b" not in text
    assert "a.mp4: 60 frames" in text
