"""Prepares samples of a source for training, in several processes; goes on where it stopped."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from kinoloom.base.outputs import whole_file
from kinoloom.errors import InputNotFoundError
from kinoloom.learn.checkpointing.atomic_files import write_text_atomically
from kinoloom.learn.data.source import FrameTriplet, Source
from kinoloom.learn.seeds import generator
from kinoloom.learn.synthetic.scenes import Scene

_PARTS = 7
"""Keeps the random numbers of this module apart from others'."""
_LIST = "samples.json"

Cut = Callable[[FrameTriplet | Scene, np.random.Generator], Iterator[Any]]
"""Takes parts of what was drawn, such as `prepared.Region` or `crops.Crop`: dataclasses of arrays
and numbers. A function of a module, as it is sent to other processes."""
Progress = Callable[[int, int], None]


def prepare(
    source: Source,
    folder: Path,
    samples: int,
    seed: int,
    workers: int,
    cut: Cut,
    progress: Progress = lambda done, total: None,
) -> int:
    """Prepare parts of the first samples of a source.

    Args:
        source: draws samples.
        folder: where the files go, for `load_arrays`; those that are there are kept.
        samples: how many to draw.
        seed: of the training.
        workers: processes.
        cut: takes the parts of a sample.
        progress: told how many samples are done, of how many.

    Returns:
        The number of parts.

    Raises:
        MediaError: a file cannot be read.
        OutputError: a part cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / _LIST
    done: dict[str, int] = json.loads(state.read_text()) if state.is_file() else {}
    todo = [index for index in range(samples) if str(index) not in done]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        jobs = [(index, pool.submit(_prepare, source, folder, index, seed, cut)) for index in todo]
        for index, job in jobs:
            done[str(index)] = job.result()
            if len(done) % 20 == 0 or len(done) == samples:
                write_text_atomically(state, json.dumps(done))
                progress(len(done), samples)
    return sum(done.values())


def prepared_in(folder: Path) -> list[Path]:
    """The files of parts that were prepared in a folder.

    Raises:
        InputNotFoundError: there are none.
    """
    files = sorted(folder.glob("*.npz"))
    if not files:
        raise InputNotFoundError(f"There is nothing prepared in {folder}.")
    return files


def save_arrays(file: Path, part: Any) -> None:
    """Write the fields of a dataclass.

    Raises:
        OutputError: it cannot be written.
    """
    with whole_file(file, overwrite=True) as temporary, temporary.open("wb") as out:
        np.savez(out, **{name: np.asarray(value) for name, value in vars(part).items()})  # type: ignore[arg-type]  # its stub takes no dict


def load_arrays(file: Path) -> dict[str, Any]:
    """Read what `save_arrays` wrote; numbers are numbers."""
    with np.load(file) as arrays:
        found = {name: arrays[name] for name in arrays.files}
    return {name: value if value.ndim else value.item() for name, value in found.items()}


def _prepare(source: Source, folder: Path, index: int, seed: int, cut: Cut) -> int:
    """The number of parts of one sample, written."""
    import cv2
    import torch

    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    count = 0
    for part in cut(source.draw(index, seed), generator(seed, index, _PARTS)):
        save_arrays(folder / f"{index:06d}-{count}.npz", part)
        count += 1
    return count
