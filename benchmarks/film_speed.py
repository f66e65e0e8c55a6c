"""FILM on the CPU at 640x480 beside a plain eager run of the same graph: time and peak memory.

    python -m benchmarks.film_speed [--rounds N]

The peer is `benchmarks.film_plain`, in one process with torch's own threads, as the engine. Both
have the published size and the same seeded random weights, on which neither time nor memory
depends. They take turns, each run in a process of its own, whose peak memory is reported less
what it held with the weights alone; a first run of a small picture is not counted. `cpu_s` is
the work done on all cores together, which other work on the machine (a `load_average`, over five
minutes, above the number of cores) disturbs less than `wall_s`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.common import ROOT, spread, write_results
from benchmarks.film_plain import plain_film
from kinoloom.base.arrays import to_float
from kinoloom.base.machine import peak_memory_bytes
from kinoloom.film.engines.film import Film
from kinoloom.film.nets.film_cpu import FilmCpu
from kinoloom.film.nets.film_net import FilmNet
from kinoloom.media.photo.reading import read_photo

Floats = NDArray[np.float32]
Middle = Callable[[Floats, Floats], Floats]
_MEMORY_BYTES = 8_000_000_000


def main() -> None:
    """Measure and write benchmarks/results/film_speed.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in _CONTESTANTS}
    for _ in range(rounds):
        for name, found in runs.items():
            found.append(_in_own_process(name))
            print(name, found[-1])
    rows: list[dict[str, Any]] = [
        {"name": name, **{key: spread([run[key] for run in found]) for key in found[0]}}
        for name, found in runs.items()
    ]
    ours, peer = rows
    findings = {
        "size": "640x480, padded to 640x512",
        "rounds": rounds,
        "load_average": os.getloadavg()[1],
        "rows": rows,
        "plain_over_ours": {
            key: round(peer[key]["median"] / ours[key]["median"], 2)
            for key in ("wall_s", "cpu_s", "peak_mb")
        },
    }
    print(
        write_results("film_speed", f"python -m benchmarks.film_speed --rounds {rounds}", findings)
    )


def measure(name: str) -> dict[str, float]:
    """Make the middle frame once in this process."""
    first, second = (
        to_float(read_photo(ROOT / "examples" / "photos" / f"basketball{n}.png").image)
        for n in (1, 2)
    )
    middle = _CONTESTANTS[name]()
    middle(first[:64, :64], second[:64, :64])
    before, begin, cpu = peak_memory_bytes(), time.perf_counter(), time.process_time()
    made = middle(first, second)
    wall, cpu = time.perf_counter() - begin, time.process_time() - cpu
    assert made.shape == first.shape
    return {"wall_s": wall, "cpu_s": cpu, "peak_mb": (peak_memory_bytes() - before) / 1e6}


def _in_own_process(name: str) -> dict[str, float]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(measure, name).result()


def _ours() -> Middle:
    film = Film(FilmCpu(_network()), _MEMORY_BYTES)
    return lambda first, second: next(film.between(first, second, [0.5]))


def _plain() -> Middle:
    state = _network().state_dict()

    def planes(picture: Floats) -> torch.Tensor:
        edges = ((0, -picture.shape[0] % 64), (0, -picture.shape[1] % 64), (0, 0))
        padded = np.pad(picture, edges, mode="edge")
        return torch.from_numpy(np.ascontiguousarray(padded.transpose(2, 0, 1)[None]))

    def middle(first: Floats, second: Floats) -> Floats:
        with torch.inference_mode():
            made = plain_film(state, planes(first), planes(second))
        return made[0].permute(1, 2, 0).numpy()[: first.shape[0], : first.shape[1]]

    return middle


_CONTESTANTS: dict[str, Callable[[], Middle]] = {"kinoloom film": _ours, "plain eager": _plain}


def _network() -> FilmNet:
    torch.manual_seed(0)
    return FilmNet().eval()


if __name__ == "__main__":
    main()
