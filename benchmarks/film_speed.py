"""FILM on the CPU at 640x480 against plain torch: time and peak memory.

    python -m benchmarks.film_speed [--rounds N]
    python -m benchmarks.film_speed --photos [--rounds N] [--sizes SIZES] [--seconds N]

`--photos` measures films of photos instead (`benchmarks.photo_films`), and adds them to the same
file.

The peer is `benchmarks.film_plain`, in one process with torch's own threads, as the engine. Both
have the published size and the same seeded random weights, which affect neither time nor memory.
They alternate, each run in its own process. Peak memory is reported without that of the loaded
weights; an uncounted first run uses small images. `cpu_s` is the time summed over all cores, which
depends less than `wall_s` on other load of the machine (a `load_average` over five minutes above
the number of cores).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.common import RESULTS, ROOT, spread, write_results
from benchmarks.film_plain import plain_film
from benchmarks.photo_films import measure_films
from kinoloom.base.arrays import to_float
from kinoloom.base.machine import peak_memory_bytes
from kinoloom.film.engines.film import Film
from kinoloom.film.nets.film_cpu import FilmCpu
from kinoloom.film.nets.film_net import FilmNet
from kinoloom.media.photo.reading import read_photo

Floats = NDArray[np.float32]
RenderMidpoint = Callable[[Floats, Floats], Floats]
_MEMORY_BYTES = 8_000_000_000


def main() -> None:
    """Measure and write benchmarks/results/film_speed.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--photos", action="store_true")
    parser.add_argument("--sizes", default="320x240,640x480,1280x720")
    parser.add_argument("--seconds", type=int, default=3)
    arguments = parser.parse_args()
    if arguments.photos:
        _add_photo_films(arguments.rounds, arguments.sizes, arguments.seconds)
    else:
        _compare_film(arguments.rounds)


def _add_photo_films(rounds: int, sizes: str, seconds: int) -> None:
    """Measure films of photos and add them to the results."""
    command = f"python -m benchmarks.film_speed --photos --rounds {rounds} --sizes {sizes}"
    findings = measure_films(rounds, sizes.split(","), seconds)
    path = write_results("photo_films", f"{command} --seconds {seconds}", findings)
    record = json.loads(path.read_text())
    path.unlink()
    path = RESULTS / "film_speed.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps({**results, "photo_films": record}, indent=2) + "\n")
    print(path)


def _compare_film(rounds: int) -> None:
    """Compare FILM with plain torch; keep the films of photos of earlier runs."""
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in _CONTESTANTS}
    for _ in range(rounds):
        for name, results in runs.items():
            results.append(_measure_in_process(name))
            print(name, results[-1])
    rows: list[dict[str, Any]] = [
        {"name": name, **{key: spread([run[key] for run in results]) for key in results[0]}}
        for name, results in runs.items()
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
    path = RESULTS / "film_speed.json"
    earlier = json.loads(path.read_text()) if path.exists() else {}
    if "photo_films" in earlier:
        findings["photo_films"] = earlier["photo_films"]
    print(
        write_results("film_speed", f"python -m benchmarks.film_speed --rounds {rounds}", findings)
    )


def measure(name: str) -> dict[str, float]:
    """Render the midpoint once in this process."""
    first, second = (
        to_float(read_photo(ROOT / "examples" / "photos" / f"basketball{n}.png").image)
        for n in (1, 2)
    )
    render = _CONTESTANTS[name]()
    render(first[:64, :64], second[:64, :64])
    before, begin, cpu = peak_memory_bytes(), time.perf_counter(), time.process_time()
    frame = render(first, second)
    wall, cpu = time.perf_counter() - begin, time.process_time() - cpu
    assert frame.shape == first.shape
    return {"wall_s": wall, "cpu_s": cpu, "peak_mb": (peak_memory_bytes() - before) / 1e6}


def _measure_in_process(name: str) -> dict[str, float]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(measure, name).result()


def _build_engine() -> RenderMidpoint:
    film = Film(FilmCpu(_build_network()), _MEMORY_BYTES)
    return lambda first, second: next(film.interpolate(first, second, [0.5]))[0]


def _build_plain() -> RenderMidpoint:
    state = _build_network().state_dict()

    def to_planes(image: Floats) -> torch.Tensor:
        edges = ((0, -image.shape[0] % 64), (0, -image.shape[1] % 64), (0, 0))
        padded = np.pad(image, edges, mode="edge")
        return torch.from_numpy(np.ascontiguousarray(padded.transpose(2, 0, 1)[None]))

    def render(first: Floats, second: Floats) -> Floats:
        with torch.inference_mode():
            frame = plain_film(state, to_planes(first), to_planes(second))
        return frame[0].permute(1, 2, 0).numpy()[: first.shape[0], : first.shape[1]]

    return render


_CONTESTANTS: dict[str, Callable[[], RenderMidpoint]] = {
    "kinoloom film": _build_engine,
    "plain eager": _build_plain,
}


def _build_network() -> FilmNet:
    torch.manual_seed(0)
    return FilmNet().eval()


if __name__ == "__main__":
    main()
