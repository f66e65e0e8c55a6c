"""Preparation of training samples in several processes; an interrupted preparation resumes."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from kinoloom.base.outputs import atomic_output, write_text_atomically
from kinoloom.errors import InputNotFoundError
from kinoloom.learn.data.source import FrameTriplet, Source
from kinoloom.learn.seeds import generator
from kinoloom.learn.synthetic.scenes import Scene

_SEED_STREAM = 7
"""Separates the random numbers of this module from others."""
_STATE_FILE = "samples.json"
_SAVE_INTERVAL = 20

Extract = Callable[[FrameTriplet | Scene, np.random.Generator], Iterator[Any]]
"""Extracts parts of a sample, such as `regions.Region` or `crops.Crop`: dataclasses of arrays and
numbers. It must be a module-level function, to be picklable."""
Progress = Callable[[int, int], None]


def prepare_samples(
    source: Source,
    folder: Path,
    samples: int,
    seed: int,
    workers: int,
    extract: Extract,
    progress: Progress = lambda done, total: None,
) -> int:
    """Extract and store parts of the first samples of a source.

    Args:
        source: draws samples.
        folder: output folder, for `load_arrays`; existing files are kept.
        samples: number of samples to draw.
        seed: of the training run.
        workers: number of processes.
        extract: extracts the parts of a sample.
        progress: called with the number of finished samples and the total.

    Returns:
        The number of parts.

    Raises:
        MediaError: a file cannot be read.
        OutputError: a part cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / _STATE_FILE
    done: dict[str, int] = json.loads(state.read_text()) if state.is_file() else {}
    todo = [index for index in range(samples) if str(index) not in done]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        jobs = [
            (index, pool.submit(_prepare_one, source, folder, index, seed, extract))
            for index in todo
        ]
        for index, job in jobs:
            done[str(index)] = job.result()
            if len(done) % _SAVE_INTERVAL == 0 or len(done) == samples:
                write_text_atomically(state, json.dumps(done))
                progress(len(done), samples)
    return sum(done.values())


def list_prepared(folder: Path) -> list[Path]:
    """Return the files prepared in a folder.

    Raises:
        InputNotFoundError: there are none.
    """
    files = sorted(folder.glob("*.npz"))
    if not files:
        raise InputNotFoundError(f"The folder {folder} contains no prepared samples.")
    return files


def save_arrays(file: Path, part: Any) -> None:
    """Write the fields of a dataclass.

    Raises:
        OutputError: the file cannot be written.
    """
    with atomic_output(file, overwrite=True) as temporary, temporary.open("wb") as out:
        np.savez(out, **{name: np.asarray(value) for name, value in vars(part).items()})  # type: ignore[arg-type]  # its stub takes no dict


def load_arrays(file: Path) -> dict[str, Any]:
    """Read the fields written by `save_arrays`; 0-d arrays become Python numbers."""
    with np.load(file) as arrays:
        found = {name: arrays[name] for name in arrays.files}
    return {name: value if value.ndim else value.item() for name, value in found.items()}


def _prepare_one(source: Source, folder: Path, index: int, seed: int, extract: Extract) -> int:
    """Write the parts of one sample and return their number."""
    import cv2
    import torch

    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    count = 0
    for part in extract(source.draw(index, seed), generator(seed, index, _SEED_STREAM)):
        save_arrays(folder / f"{index:06d}-{count}.npz", part)
        count += 1
    return count
