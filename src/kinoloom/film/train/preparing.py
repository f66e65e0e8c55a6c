"""Prepares regions of the samples of a source, in several processes; goes on where it stopped."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from kinoloom.errors import UsageError
from kinoloom.film.data.source import Shot, Source
from kinoloom.film.train.prepared import regions, save
from kinoloom.learn.durable import write_text_durably
from kinoloom.learn.seeds import generator

_REGIONS = 7
"""Keeps the random numbers of this module apart from others'."""
_EACH = 2
"""Regions of each sample."""
_LIST = "samples.json"

Progress = Callable[[int, int], None]


def prepare(
    source: Source,
    folder: Path,
    samples: int,
    seed: int,
    workers: int,
    progress: Progress = lambda done, total: None,
) -> int:
    """Prepare regions of the first samples of a source.

    Args:
        source: draws real triplets.
        folder: where the files go; those that are there are kept.
        samples: how many to draw; of each, up to two regions.
        seed: of the training.
        workers: processes.
        progress: told how many samples are done, of how many.

    Returns:
        The number of regions.

    Raises:
        MediaError: a file cannot be read.
        OutputError: a region cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / _LIST
    done: dict[str, int] = json.loads(state.read_text()) if state.is_file() else {}
    todo = [index for index in range(samples) if str(index) not in done]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        jobs = [(index, pool.submit(_prepare, source, folder, index, seed)) for index in todo]
        for index, job in jobs:
            done[str(index)] = job.result()
            if len(done) % 20 == 0 or len(done) == samples:
                write_text_durably(state, json.dumps(done))
                progress(len(done), samples)
    return sum(done.values())


def _prepare(source: Source, folder: Path, index: int, seed: int) -> int:
    """The number of regions of one sample, written."""
    import cv2

    from kinoloom.film.choose import engine_options
    from kinoloom.film.engines.fast import Fast

    cv2.setNumThreads(1)
    shot = source.draw(index, seed)
    if not isinstance(shot, Shot):
        raise UsageError("Regions are prepared of real triplets only.")
    count = 0
    engine = Fast(engine_options(None))
    for region in regions(engine, shot, _EACH, generator(seed, index, _REGIONS)):
        save(folder / f"{index:06d}-{count}.npz", region)
        count += 1
    return count
