"""A third-party package with ops whose jobs the tests can rely on, installed as pip does it."""

from __future__ import annotations

from pathlib import Path

ENTRY_POINTS = """[kinoloom.ops]
crawl = snail:crawl
stubborn = snail:stubborn
burst = snail:burst
"""
CODE = '''
"""Ops that are slow, deaf, or fail."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from kinoloom.base import Clip, Frame, Report, op, option
from kinoloom.base.files import Nothing
from kinoloom.base.report import Text


@dataclass(frozen=True)
class CrawlOptions:
    """Options of `crawl`."""

    pause: float = option(0.05, "time for each frame", low=0, unit="s")
    fail_at: int | None = option(None, "frame at which it fails", low=0)
    gate: Path | None = option(None, "no pauses once this file exists")
    memory: int | None = option(None, "memory limit", unit="bytes")


@op("crawl")
def crawl(clip: Clip, options: CrawlOptions) -> Clip:
    """Copy a video slowly."""

    def read(start: Fraction) -> Iterator[Frame]:
        for number, frame in enumerate(clip.read(start)):
            is_open = options.gate is not None and options.gate.exists()
            time.sleep(0 if is_open else options.pause)
            if number == options.fail_at:
                raise RuntimeError("<b>the snail is tired</b>")
            yield frame

    result = clip.with_(read=read, provenance=None)
    result.notes.add("pace", "<img src=x> slow as ever", "warning")
    return result


@dataclass(frozen=True)
class NoChoices:
    """No options."""


@op("stubborn")
def stubborn(folder: Path, options: NoChoices) -> Report:
    """Ignore signals, with children that do so, too."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    line = [sys.executable, "-c", "import time; time.sleep(600)", f"child of {folder}"]
    subprocess.Popen(line)
    subprocess.Popen(line, start_new_session=True)
    (folder / "ready").touch()
    while True:
        time.sleep(1)


@op("burst")
def burst(nothing: Nothing, options: NoChoices) -> Report:
    """Report a markup text, and print much."""
    for number in range(40_000):
        print(f"line {number} <script>alert(1)</script>")
    return Report("Burst", (Text("<b>bold</b>"),), {"lines": 40_000})
'''


def install_ops(site: Path) -> Path:
    """Install the package into a folder for PYTHONPATH; return it."""
    site.mkdir(parents=True, exist_ok=True)
    info = site / "snail-1.0.dist-info"
    info.mkdir()
    (site / "snail.py").write_text(CODE, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: snail\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    return site
