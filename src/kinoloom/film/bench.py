"""Measures engines on triplets: quality, speed, memory, all in one run."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from kinoloom.base import registry
from kinoloom.base.machine import describe_machine, peak_memory_bytes
from kinoloom.base.provenance import versions
from kinoloom.base.report import Report, Table, Text
from kinoloom.errors import UsageError
from kinoloom.film.choose import choose, engine_options, engines
from kinoloom.film.engine import Engine, EngineOptions
from kinoloom.film.ops import BenchOptions
from kinoloom.film.triplets import find_triplets
from kinoloom.metrics import psnr, ssim

SCHEMA = "kinoloom.bench.film/1"


@dataclass(frozen=True)
class Row:
    """What was measured of one engine; the middle frame of each triplet, in 8 bits.

    Attributes:
        engine: its name.
        triplets: how many.
        psnr_db, ssim: means over the triplets.
        seconds_per_frame: median over the triplets, after one that is not counted.
        peak_mb: the most memory that its process held, in 10^6 bytes, libraries included.
    """

    engine: str
    triplets: int
    psnr_db: float
    ssim: float
    seconds_per_frame: float
    peak_mb: float


def bench(folder: Path, options: BenchOptions) -> Report:
    """The table of all engines that were asked for, or that are present.

    Raises:
        InputNotFoundError: no triplets below the folder.
        RegistryError, MissingError: an engine asked for is unknown or lacks something.
    """
    triplets = find_triplets(folder)
    allowed = engine_options(options.memory, weights=options.weights)
    asked = [name.strip() for name in options.engines.split(",") if name.strip()]
    chosen = [choose(name, allowed) for name in asked] or _present(allowed)
    jobs: list[tuple[str, Path | None]] = [(engine.name, None) for engine in chosen]
    if options.peer is not None:
        jobs.append((load_peer(options.peer).name, options.peer))
    rows = [_in_own_process(folder, name, peer, allowed) for name, peer in jobs]
    return _report(folder, len(triplets), rows)


def load_peer(file: Path) -> Engine:
    """The engine that a Python file defines as ENGINE.

    Raises:
        UsageError: there is no such file, or no ENGINE in it.
    """
    if not file.is_file():
        raise UsageError(f"There is no file {file}.")
    spec = spec_from_file_location("kinoloom_peer", file)
    if spec is None or spec.loader is None:
        raise UsageError(f"{file} is not a Python file.")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    engine = getattr(module, "ENGINE", None)
    if not isinstance(engine, Engine):
        raise UsageError(f"{file} defines no ENGINE.", hint="See benchmarks/rife_hdv3.py.")
    return engine


def measure(folder: Path, name: str, peer: Path | None, allowed: EngineOptions) -> Row:
    """Measure one engine in this process, whose peak memory it reports.

    Args:
        folder: with triplets.
        name: of a registered engine, not used with a peer.
        peer: a Python file that defines another engine, or None.
        allowed: what the engine may use.
    """
    engine = load_peer(peer) if peer else registry.load("interpolators", name)
    interpolator = engine.make(allowed)
    triplets = find_triplets(folder)
    first, _, second = triplets[0].load()
    next(iter(interpolator.between(first, second, [0.5])))
    psnrs, ssims, seconds = [], [], []
    for triplet in triplets:
        first, truth, second = triplet.load()
        begin = time.perf_counter()
        middle = next(iter(interpolator.between(first, second, [0.5])))
        seconds.append(time.perf_counter() - begin)
        psnrs.append(psnr(middle, truth))
        ssims.append(ssim(middle, truth))
    return Row(
        engine.name,
        len(triplets),
        statistics.fmean(psnrs),
        statistics.fmean(ssims),
        statistics.median(seconds),
        peak_memory_bytes() / 1e6,
    )


def _present(allowed: EngineOptions) -> list[Engine]:
    return [engine for engine in engines() if not engine.missing(allowed)]


def _in_own_process(folder: Path, name: str, peer: Path | None, allowed: EngineOptions) -> Row:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(measure, folder, name, peer, allowed).result()


def _report(folder: Path, triplets: int, rows: list[Row]) -> Report:
    machine = describe_machine()
    data: dict[str, Any] = {
        "schema": SCHEMA,
        "data": folder.name,
        "rows": [vars(row) for row in rows],
        "machine": {**machine, "versions": versions()},
    }
    table = Table(
        ("engine", "PSNR dB", "SSIM", "s / frame", "frames / s", "peak MB"),
        tuple(
            (
                row.engine,
                round(row.psnr_db, 2),
                round(row.ssim, 4),
                row.seconds_per_frame,
                round(1 / row.seconds_per_frame, 2),
                round(row.peak_mb),
            )
            for row in rows
        ),
    )
    where = Text(
        f"{triplets} triplets of {folder.name}; {machine['cpu']}, {machine['cores']} cores."
    )
    return Report("Frame interpolation: the middle frame of triplets", (where, table), data)
