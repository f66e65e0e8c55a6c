"""The benchmark of super-resolution: PSNR and SSIM of luma, speed and memory, in one run.

Protocol: luma of MATLAB's YCbCr, from the 8-bit RGB result; borders of `scale` pixels are cropped;
see `metrics.luma`. Each contestant runs in its own process per scale; they take turns at each
picture, so that a slow phase of the machine affects all.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import fmean

from kinoloom.base.arrays import Picture
from kinoloom.base.notes import logger
from kinoloom.base.report import Report
from kinoloom.enhance.bench.contestants import Source, Timed, TimedProcess, list_sources, time_call
from kinoloom.enhance.bench.pairs import Pair, find_pairs, read_rgb8
from kinoloom.enhance.bench.report import build_bench_report
from kinoloom.enhance.bench.upscalers import FILTERS, Upscale, Upscaler, load_upscaler
from kinoloom.enhance.options import BenchSrOptions
from kinoloom.enhance.tiers import list_upscalers
from kinoloom.errors import UsageError
from kinoloom.metrics import psnr_y, ssim_y

SCHEMA = "kinoloom.bench.sr/1"


@dataclass(frozen=True)
class SrRow:
    """The scores of one contestant at one scale, as means over the pictures.

    Attributes:
        model: its name.
        scale: the factor.
        psnr_y_db, ssim_y: of luma, as `metrics.luma`.
        seconds_per_megapixel: median over the pictures, per 10^6 pixels of input, after an
            uncounted first run; without reading the file.
        peak_mb: peak memory of its process in 10^6 bytes, including libraries.
    """

    model: str
    scale: int
    psnr_y_db: float
    ssim_y: float
    seconds_per_megapixel: float
    peak_mb: float


def run_sr_benchmark(folder: Path, options: BenchSrOptions) -> Report:
    """Measure upscalers on the pictures of a folder; see the module docstring.

    Args:
        folder: contains HR and LR_x2, LR_x3 or LR_x4.
        options: the contestants.

    Raises:
        InputNotFoundError, UnreadableMediaError: as `pairs.find_pairs` and `pairs.Pair.load`.
        RegistryError, WeightsError: as `upscalers.load_upscaler`.
        UsageError: as `contestants.list_sources`, no contestant supports a scale of the folder, or
            a result has the wrong size.
        ArrayError: a picture is too small for the metrics.
    """
    pairs = find_pairs(folder)
    kind = ("UPSCALER", Upscaler)
    sources = list_sources(
        options.upscalers, FILTERS, options.models, options.peer, kind, list_upscalers()
    )
    scales = {source: load_upscaler(source).scales for source in sources}
    rows: list[SrRow] = []
    for scale, group in pairs.items():
        rows += _measure_scale(group, [source for source in sources if scale in scales[source]])
    if not rows:
        raise UsageError(
            f"{folder} has pictures at the scales {', '.join(map(str, pairs))}, which no upscaler "
            "supports."
        )
    count = f"{len(next(iter(pairs.values())))} pictures"
    about = "Seconds are per megapixel of input. PSNR and SSIM are of luma."
    return build_bench_report("Super-resolution", SCHEMA, folder.name, rows, count, about)


def _measure_scale(pairs: Sequence[Pair], sources: Sequence[Source]) -> list[SrRow]:
    scale = pairs[0].scale
    with ExitStack() as stack:
        processes = [stack.enter_context(TimedProcess(source)) for source in sources]
        for process in processes:
            logger.info(f"starting {process.name} x{scale}")
            process.call(pairs[0].name, _upscale, process.source, pairs[0].low, scale)
        scores: dict[str, list[tuple[float, float]]] = {source.name: [] for source in sources}
        for pair in pairs:
            low, truth = pair.load()
            for process in processes:
                scores[process.name].append(_score(process, pair, low, truth))
        logger.info(f"{len(pairs)} pictures x{scale}")
    return [_summarise(process, scale, scores[process.name]) for process in processes]


def _score(process: TimedProcess, pair: Pair, low: Picture, truth: Picture) -> tuple[float, float]:
    """Return PSNR and SSIM of one picture."""
    megapixels = low.shape[0] * low.shape[1] / 1e6
    arguments = (process.source, pair.low, pair.scale)
    large = process.measure(pair.name, megapixels, _upscale, *arguments)
    if large.shape != truth.shape or large.dtype != truth.dtype:
        raise UsageError(
            f"{process.name} returned {large.shape} {large.dtype} for {pair.name} x{pair.scale}; "
            f"expected {truth.shape} uint8."
        )
    return psnr_y(large, truth, pair.scale), ssim_y(large, truth, pair.scale)


def _summarise(process: TimedProcess, scale: int, scores: Sequence[tuple[float, float]]) -> SrRow:
    return SrRow(
        process.name,
        scale,
        fmean(psnr_db for psnr_db, _ in scores),
        fmean(ssim for _, ssim in scores),
        process.seconds_per_megapixel,
        process.peak_bytes / 1e6,
    )


def _upscale(source: Source, file: Path, scale: int) -> Timed:
    """Run in the contestant's process: read and enlarge a picture."""
    return time_call(_build(source, scale), read_rgb8(file))


@cache
def _build(source: Source, scale: int) -> Upscale:
    return load_upscaler(source).build(scale)
