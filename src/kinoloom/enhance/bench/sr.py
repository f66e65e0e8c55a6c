"""The benchmark of super-resolution: PSNR and SSIM of luma, speed and memory, in one run.

Protocol: luma of MATLAB's YCbCr, from the 8-bit RGB result; borders of `scale` pixels are cropped;
see `metrics.luma`. Each contestant runs in its own process per scale; they take turns at each
picture, so that a slow phase of the machine affects all.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from statistics import fmean, median

from kinoloom.base.arrays import Picture
from kinoloom.base.machine import peak_memory_bytes
from kinoloom.base.notes import logger
from kinoloom.base.report import Report
from kinoloom.enhance.bench.pairs import Pair, find_pairs, read_rgb8
from kinoloom.enhance.bench.report import build_bench_report
from kinoloom.enhance.bench.upscalers import FILTERS, Upscale, UpscalerSource, find_filter
from kinoloom.enhance.options import BenchSrOptions
from kinoloom.errors import UsageError
from kinoloom.learn.bench.contestant import Contestant
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


@dataclass(frozen=True)
class _Timed:
    picture: Picture
    seconds: float
    peak_bytes: int


@dataclass
class _Results:
    """The results of one contestant at one scale so far."""

    process: Contestant
    source: UpscalerSource
    psnr_db: list[float] = field(default_factory=list)
    ssim: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    peak_bytes: int = 0


def run_sr_benchmark(folder: Path, options: BenchSrOptions) -> Report:
    """Measure upscalers on the pictures of a folder; see the module docstring.

    Args:
        folder: contains HR and LR_x2, LR_x3 or LR_x4.
        options: the contestants.

    Raises:
        InputNotFoundError, UnreadableMediaError: as `pairs.find_pairs` and `pairs.Pair.load`.
        RegistryError, UsageError, WeightsError: as `upscalers.UpscalerSource.load`.
        ArrayError: a picture is too small for the metrics.
    """
    pairs = find_pairs(folder)
    contestants = _list_contestants(options)
    if not any(scale in scales for scale in pairs for _, scales in contestants):
        raise UsageError(
            f"{folder} has pictures at the scales {', '.join(map(str, pairs))}, which no upscaler "
            "supports."
        )
    rows: list[SrRow] = []
    for scale, group in pairs.items():
        able = [source for source, scales in contestants if scale in scales]
        rows += _measure_scale(group, able)
    count = len(next(iter(pairs.values())))
    about = "Seconds are per megapixel of input. PSNR and SSIM are of luma."
    return build_bench_report("Super-resolution", SCHEMA, folder.name, rows, count, about)


def _list_contestants(options: BenchSrOptions) -> list[tuple[UpscalerSource, tuple[int, ...]]]:
    """Return the contestants and the scales they support."""
    names = [name.strip() for name in options.upscalers.split(",") if name.strip()]
    filters = [find_filter(name) for name in names] or list(FILTERS)
    sources = [UpscalerSource(one.name) for one in filters]
    files = [Path(name.strip()) for name in options.models.split(",") if name.strip()]
    sources += [UpscalerSource(file.stem, network=file) for file in files]
    if options.peer is not None:
        name = UpscalerSource("", peer=options.peer).load().name
        sources.append(UpscalerSource(name, peer=options.peer))
    twice = {one.name for one in sources if sum(one.name == two.name for two in sources) > 1}
    if twice:
        raise UsageError(f"Two contestants are named {min(twice)}: rename one of the files.")
    return [(source, source.load().scales) for source in sources]


def _measure_scale(pairs: Sequence[Pair], sources: Sequence[UpscalerSource]) -> list[SrRow]:
    scale = pairs[0].scale
    with ExitStack() as stack:
        results = [
            _Results(stack.enter_context(Contestant(source.name)), source) for source in sources
        ]
        for result in results:
            logger.info(f"starting {result.source.name} x{scale}")
            result.process.call(pairs[0].name, _upscale, result.source, pairs[0].low, scale)
        for pair in pairs:
            _measure_pair(pair, results)
        logger.info(f"{len(pairs)} pictures x{scale}")
    return [_summarise(result, scale) for result in results]


def _measure_pair(pair: Pair, results: Sequence[_Results]) -> None:
    low, truth = pair.load()
    megapixels = low.shape[0] * low.shape[1] / 1e6
    for result in results:
        timed = result.process.call(pair.name, _upscale, result.source, pair.low, pair.scale)
        if timed.picture.shape != truth.shape or timed.picture.dtype != truth.dtype:
            raise UsageError(
                f"{result.source.name} returned {timed.picture.shape} {timed.picture.dtype} for "
                f"{pair.name} x{pair.scale}; expected {truth.shape} uint8."
            )
        result.psnr_db.append(psnr_y(timed.picture, truth, pair.scale))
        result.ssim.append(ssim_y(timed.picture, truth, pair.scale))
        result.seconds.append(timed.seconds / megapixels)
        result.peak_bytes = timed.peak_bytes


def _summarise(result: _Results, scale: int) -> SrRow:
    return SrRow(
        result.source.name,
        scale,
        fmean(result.psnr_db),
        fmean(result.ssim),
        median(result.seconds),
        result.peak_bytes / 1e6,
    )


def _upscale(source: UpscalerSource, file: Path, scale: int) -> _Timed:
    """Run in the contestant's process: read and enlarge a picture."""
    upscale = _build(source, scale)
    picture = read_rgb8(file)
    begin = time.perf_counter()
    large = upscale(picture)
    seconds = time.perf_counter() - begin
    return _Timed(large, seconds, peak_memory_bytes())


@cache
def _build(source: UpscalerSource, scale: int) -> Upscale:
    return source.load().build(scale)
