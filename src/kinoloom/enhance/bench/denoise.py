"""The benchmark of denoising: PSNR of RGB, speed and memory, in one run.

Protocol: picture i in the order of names, in 0..255, gets Gaussian noise of
`numpy.random.default_rng(i)`, which is neither rounded nor clipped; PSNR is of the 8-bit result, as
the mean over the pictures. Each contestant runs in its own process; they take turns at each
picture, so that a slow phase of the machine affects all.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import from_float, to_float
from kinoloom.base.notes import logger
from kinoloom.base.report import Report
from kinoloom.enhance.bench.contestants import Source, Timed, TimedProcess, list_sources, time_call
from kinoloom.enhance.bench.denoisers import FILTERS, Denoise, Denoiser, load_denoiser
from kinoloom.enhance.bench.pairs import list_pictures, read_rgb8
from kinoloom.enhance.bench.report import build_bench_report
from kinoloom.enhance.options import BenchDenoiseOptions
from kinoloom.enhance.tiers import list_denoisers
from kinoloom.errors import InputNotFoundError, UsageError
from kinoloom.metrics import psnr

SCHEMA = "kinoloom.bench.denoise/1"


@dataclass(frozen=True)
class DenoiseRow:
    """The scores of one contestant.

    Attributes:
        model: its name.
        sigma: standard deviation of the noise, in 8-bit levels.
        psnr_db: mean over the pictures.
        seconds_per_megapixel: median over the pictures, after an uncounted first run.
        peak_mb: peak memory of its process in 10^6 bytes, including libraries.
    """

    model: str
    sigma: float
    psnr_db: float
    seconds_per_megapixel: float
    peak_mb: float


def run_denoise_benchmark(folder: Path, options: BenchDenoiseOptions) -> Report:
    """Measure denoisers on the pictures of a folder; see the module docstring.

    Args:
        folder: contains clean pictures.
        options: the noise and the contestants.

    Raises:
        InputNotFoundError: the folder does not exist or contains no pictures.
        UnreadableMediaError: a picture cannot be read, or has more than 8 bits.
        RegistryError, WeightsError: as `denoisers.load_denoiser`.
        UsageError: as `contestants.list_sources`, or a result has the wrong size.
    """
    files = list_pictures(folder)
    if not files:
        raise InputNotFoundError(f"{folder} contains no pictures.", hint="Name their folder.")
    kind = ("DENOISER", Denoiser)
    sources = list_sources(
        options.denoisers, FILTERS, options.models, options.peer, kind, list_denoisers()
    )
    for source in sources:
        load_denoiser(source)  # rejects a wrong file before the first measurement
    rows = _measure(files, sources, options.sigma)
    about = "PSNR is of RGB."
    return build_bench_report(
        "Denoising", SCHEMA, folder.name, rows, f"{len(files)} pictures", about
    )


def add_noise(picture: NDArray[np.float32], sigma: float, seed: int) -> NDArray[np.float32]:
    """Return a picture with Gaussian noise, neither rounded nor clipped.

    Args:
        picture: any shape, in 0..1.
        sigma: standard deviation, in 8-bit levels.
        seed: of the generator.
    """
    noise = np.random.default_rng(seed).normal(0, sigma / 255, picture.shape)
    return (picture + noise).astype(np.float32)


def _measure(files: Sequence[Path], sources: Sequence[Source], sigma: float) -> list[DenoiseRow]:
    with ExitStack() as stack:
        processes = [stack.enter_context(TimedProcess(source)) for source in sources]
        for process in processes:
            logger.info(f"starting {process.name}")
            process.call(files[0].name, _denoise, process.source, files[0], sigma, 0)
        scores: dict[str, list[float]] = {source.name: [] for source in sources}
        for seed, file in enumerate(files):
            for process in processes:
                scores[process.name].append(_score(process, file, sigma, seed))
            logger.info(f"{seed + 1} of {len(files)} pictures")
    return [
        DenoiseRow(
            process.name,
            sigma,
            fmean(scores[process.name]),
            process.seconds_per_megapixel,
            process.peak_bytes / 1e6,
        )
        for process in processes
    ]


def _score(process: TimedProcess, file: Path, sigma: float, seed: int) -> float:
    truth = read_rgb8(file)
    megapixels = truth.shape[0] * truth.shape[1] / 1e6
    result = process.measure(file.name, megapixels, _denoise, process.source, file, sigma, seed)
    if result.shape != truth.shape or result.dtype != np.float32:
        raise UsageError(
            f"{process.name} returned {result.shape} {result.dtype} for {file.name}; expected "
            f"{truth.shape} float32."
        )
    return psnr(from_float(result, np.dtype(np.uint8)), truth)


def _denoise(source: Source, file: Path, sigma: float, seed: int) -> Timed:
    """Run in the contestant's process: read a picture, add noise and remove it."""
    noisy = add_noise(to_float(read_rgb8(file)), sigma, seed)
    return time_call(_build(source), noisy, sigma / 255)


@cache
def _build(source: Source) -> Denoise:
    return load_denoiser(source).build()
