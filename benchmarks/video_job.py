"""A complete 720p job against its computation alone, and its peak memory against its length.

    python -m benchmarks.video_job [--rounds N]

The input is synthetic: a texture that pans and rotates, 6 fps H.264 with audio. `end_to_end` is
the time of `kinoloom interpolate --times 2` for 4 s; `compute` is the time of the engine for the
same pairs in memory. Peak memory is that of the command's process, for 1 and 10 minutes, with the
engine `fast`.
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
        kinoloom.write(build_clip(Fraction(4)), source)
        seconds = in_turns(
            {
                "end_to_end": lambda: _run_command(source, folder / "out.mp4", _ENGINE)[0],
                "compute": lambda: _time_computation(source),
            },
            arguments.rounds,
        )
        ratio = float(np.median(seconds["end_to_end"]) / np.median(seconds["compute"]))
        peaks = {f"{m} min": _measure_peak_mb(folder, m) for m in arguments.minutes}
    findings = {
        "size": "1280x720",
        "engine": _ENGINE,
        "seconds": {key: spread(values) for key, values in seconds.items()},
        "end_to_end_over_compute": round(ratio, 3),
        "peak_memory_mb": peaks,
    }
    print(json.dumps(findings, indent=2))
    print(write_results("video_job", "python -m benchmarks.video_job", findings))


def build_clip(duration: Fraction) -> Clip:
    """Build a clip of a texture that pans and rotates, with a tone.

    Args:
        duration: in seconds.
    """
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (60, 100, 3), np.uint8)
    texture = cv2.resize(coarse, (2000, 1200), interpolation=cv2.INTER_CUBIC)

    def read(start: Fraction) -> Iterator[Frame]:
        for k in range(int(start * _RATE), int(duration * _RATE)):
            angle = 4 * np.sin(k / 40)
            matrix = cv2.getRotationMatrix2D((1000, 600), angle, 1)
            matrix[:, 2] -= (360 + 200 * np.sin(k / 30), 240 + 100 * np.sin(k / 50))
            yield Frame(cv2.warpAffine(texture, matrix, _SIZE), k / _RATE, 1 / _RATE)

    def read_tone() -> Iterator[np.ndarray]:
        for second in range(int(duration)):
            t = np.arange(48000) / 48000 + second
            yield (0.1 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)[:, None]

    return Clip(
        read,
        *_SIZE,
        rate=_RATE,
        duration=duration,
        frame_count=int(duration * _RATE),
        audio=(Audio(read_tone, 48000, 1, "mono", duration=duration),),
    )


def _run_command(source: Path, target: Path, engine: str) -> tuple[float, float]:
    """Run the command and return its wall time in seconds and its peak memory in 10^6 bytes."""
    line = [sys.executable, "-m", "kinoloom", "interpolate", str(source), "-o", str(target)]
    begin = time.perf_counter()
    child = subprocess.Popen([*line, "--times", "2", "--engine", engine, "--overwrite"])
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        raise SystemExit(f"The command failed with exit code {os.waitstatus_to_exitcode(status)}.")
    return time.perf_counter() - begin, _to_megabytes(usage)


def _to_megabytes(usage: resource.struct_rusage) -> float:
    return round(usage.ru_maxrss * 1024 / 1e6, 1)


def _time_computation(source: Path) -> float:
    """Return the seconds of the engine for all decoded pairs, held in memory."""
    frames = [frame.image for frame in kinoloom.read(source)]
    options = build_engine_options(None)
    engine = choose_engine(_ENGINE, options).build(options)
    begin = time.perf_counter()
    for first, second in pairwise(frames):
        for _ in engine.interpolate(first, second, [0.5]):
            pass
    return time.perf_counter() - begin


def _measure_peak_mb(folder: Path, minutes: int) -> float:
    source = folder / f"{minutes}min.mp4"
    kinoloom.write(build_clip(Fraction(60 * minutes)), source)
    peak = _run_command(source, folder / f"{minutes}min-out.mp4", "fast")[1]
    source.unlink()
    return peak


if __name__ == "__main__":
    main()
