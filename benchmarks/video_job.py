"""A whole 720p job against its computing alone, and its peak memory over its length.

    python -m benchmarks.video_job [--rounds N]

Makes its own material: a picture that pans and turns, 6 fps H.264 with sound. `end_to_end` is
the time of `kinoloom interpolate --times 2` on 4 s of it; `compute` is the time that the engine
takes for the same pairs held in memory. Peak memory is that of the command's own process, for
1 and 10 minutes, with the engine `blend` (so that ten minutes do not take an hour).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

import kinoloom
from benchmarks.common import in_turns, spread, write_results
from kinoloom.base import Audio, Clip, Frame
from kinoloom.film.selection import build_engine_options, choose_engine

_SIZE = (1280, 720)
_RATE = Fraction(6)
_ENGINE = "fast"


def main() -> None:
    """Measure and write benchmarks/results/video_job.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--minutes", type=int, nargs="*", default=[1, 10])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "source.mp4"
        kinoloom.write(material(Fraction(4)), source)
        seconds = in_turns(
            {
                "end_to_end": lambda: _command(source, folder / "out.mp4", _ENGINE)[0],
                "compute": lambda: _compute_alone(source),
            },
            arguments.rounds,
        )
        ratio = float(np.median(seconds["end_to_end"]) / np.median(seconds["compute"]))
        peaks = {f"{m} min": _peak_mb(folder, m) for m in arguments.minutes}
    findings = {
        "size": "1280x720",
        "engine": _ENGINE,
        "seconds": {key: spread(values) for key, values in seconds.items()},
        "end_to_end_over_compute": round(ratio, 3),
        "peak_memory_mb": peaks,
    }
    print(json.dumps(findings, indent=2))
    print(write_results("video_job", "python -m benchmarks.video_job", findings))


def material(duration: Fraction) -> Clip:
    """A clip of a textured picture that pans and turns, with a tone.

    Args:
        duration: in seconds.
    """
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (60, 100, 3), np.uint8)
    picture = cv2.resize(coarse, (2000, 1200), interpolation=cv2.INTER_CUBIC)

    def read(start: Fraction) -> Iterator[Frame]:
        for k in range(int(start * _RATE), int(duration * _RATE)):
            angle = 4 * np.sin(k / 40)
            turn = cv2.getRotationMatrix2D((1000, 600), angle, 1)
            turn[:, 2] -= (360 + 200 * np.sin(k / 30), 240 + 100 * np.sin(k / 50))
            yield Frame(cv2.warpAffine(picture, turn, _SIZE), k / _RATE, 1 / _RATE)

    def tone() -> Iterator[np.ndarray]:
        for second in range(int(duration)):
            t = np.arange(48000) / 48000 + second
            yield (0.1 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)[:, None]

    return Clip(
        read,
        *_SIZE,
        rate=_RATE,
        duration=duration,
        frame_count=int(duration * _RATE),
        audio=(Audio(tone, 48000, 1, "mono", duration=duration),),
    )


def _command(source: Path, target: Path, engine: str) -> tuple[float, float]:
    """Run the command; its wall time in seconds and its peak memory in 10^6 bytes."""
    line = [sys.executable, "-m", "kinoloom", "interpolate", str(source), "-o", str(target)]
    begin = time.perf_counter()
    child = subprocess.Popen([*line, "--times", "2", "--engine", engine, "--overwrite"])
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        raise SystemExit(f"the command failed with {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - begin, _megabytes(usage)


def _megabytes(usage: resource.struct_rusage) -> float:
    return round(usage.ru_maxrss * 1024 / 1e6, 1)


def _compute_alone(source: Path) -> float:
    """Seconds that the engine takes for all pairs, held in memory as the job sees them."""
    frames = [frame.image for frame in kinoloom.read(source)]
    allowed = build_engine_options(None)
    engine = choose_engine(_ENGINE, allowed).build(allowed)
    begin = time.perf_counter()
    for first, second in pairwise(frames):
        for _ in engine.interpolate(first, second, [0.5]):
            pass
    return time.perf_counter() - begin


def _peak_mb(folder: Path, minutes: int) -> float:
    source = folder / f"{minutes}min.mp4"
    kinoloom.write(material(Fraction(60 * minutes)), source)
    peak = _command(source, folder / f"{minutes}min-out.mp4", "blend")[1]
    source.unlink()
    return peak


if __name__ == "__main__":
    main()
