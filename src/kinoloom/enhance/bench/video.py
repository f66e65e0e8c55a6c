"""The benchmark of video denoising: PSNR, flicker and speed, clip by clip, in one run.

Protocol: clip i in the order of names gets Gaussian noise of `numpy.random.default_rng(i)`, drawn
frame by frame, and is stored with 8 bits, as video is. PSNR is of 8-bit RGB, as the mean over the
frames. Flicker is `metrics.flicker`, along the flow of the clean clip. Each contestant runs in its
own process; they take turns at each clip, so that a slow phase of the machine affects all.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from statistics import fmean

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.machine import peak_memory_bytes
from kinoloom.base.notes import logger
from kinoloom.base.report import Report
from kinoloom.enhance.bench.contestants import Source, Timed, TimedProcess, time_call
from kinoloom.enhance.bench.report import build_bench_report
from kinoloom.enhance.bench.video_clips import Frames, add_clip_noise, find_clips, read_clip
from kinoloom.enhance.bench.video_denoisers import (
    DenoiseVideo,
    list_video_sources,
    load_video_denoiser,
)
from kinoloom.enhance.bench.video_ffmpeg import FfmpegFilter
from kinoloom.enhance.options import BenchVideoOptions
from kinoloom.enhance.tiers import find_shipped_denoiser
from kinoloom.errors import UsageError
from kinoloom.metrics import psnr
from kinoloom.metrics.flicker import measure_flicker
from kinoloom.motion.dense_flow import dense_flow

SCHEMA = "kinoloom.bench.video/1"
_WARM_UP_FRAMES = 2


@dataclass(frozen=True)
class VideoRow:
    """The scores of one contestant on one clip.

    Attributes:
        model: its name.
        clip: name of the clip.
        psnr_db: mean over the frames.
        flicker: in 8-bit levels; None if no pixel of the clean clip is stable.
        seconds_per_frame: after an uncounted first run.
        truth_flicker: that of the clean clip, which is not 0, because its flow is not exact.
    """

    model: str
    clip: str
    psnr_db: float
    flicker: float | None
    seconds_per_frame: float
    truth_flicker: float | None


@dataclass(frozen=True)
class _Case:
    """A clip and its noise.

    Attributes:
        path: of the clip.
        most_frames: that are read; None for all.
        sigma: standard deviation of the noise, in levels.
        seed: of the noise.
    """

    path: Path
    most_frames: int | None
    sigma: float
    seed: int


def run_video_benchmark(folder: Path, options: BenchVideoOptions) -> Report:
    """Measure denoisers on the clips of a folder; see the module docstring.

    Args:
        folder: contains lossless videos or folders of pictures.
        options: the noise and the contestants.

    Raises:
        InputNotFoundError, MediaError: as `video_clips.find_clips` and `video_clips.read_clip`.
        RegistryError, WeightsError: as `video_denoisers.load_video_denoiser`.
        UsageError: as `contestants.list_sources`, or a result has the wrong size.
    """
    files = find_clips(folder)
    sources = list_video_sources(options, find_shipped_denoiser())
    for source in sources:
        load_video_denoiser(source)  # rejects a wrong file before the first measurement
    cases = [_Case(path, options.frames, options.sigma, seed) for seed, path in enumerate(files)]
    with ExitStack() as stack:
        processes = [stack.enter_context(TimedProcess(source)) for source in sources]
        for process in processes:
            logger.info(f"starting {process.name}")
            warm_up = _Case(files[0], _WARM_UP_FRAMES, options.sigma, 0)
            process.call(files[0].name, _denoise, process.source, warm_up)
        rows = [row for case in cases for row in _measure(case, processes)]
    about = "PSNR is of RGB. Flicker is in 8-bit levels."
    return build_bench_report(
        "Video denoising", SCHEMA, folder.name, rows, f"{len(files)} clips", about
    )


def _measure(case: _Case, processes: Sequence[TimedProcess]) -> list[VideoRow]:
    truth = read_clip(case.path, case.most_frames)
    flows = [
        dense_flow(_to_grey(first), _to_grey(second), None) for first, second in pairwise(truth)
    ]
    name = case.path.name
    truth_flicker = _flicker(truth, truth, flows)
    rows: list[VideoRow] = []
    for process in processes:
        timed = process.call(name, _denoise, process.source, case)
        found = timed.picture
        if found.shape != truth.shape or found.dtype != truth.dtype:
            raise UsageError(
                f"{process.name} returned {found.shape} {found.dtype} for {name}; expected "
                f"{truth.shape} uint8."
            )
        psnr_db = fmean(psnr(one, true) for one, true in zip(found, truth, strict=True))
        flicker = _flicker(found, truth, flows)
        scores = (psnr_db, flicker, timed.seconds, truth_flicker)
        rows.append(VideoRow(process.name, name, *scores))
    logger.info(f"measured {name}")
    return rows


def _flicker(frames: Frames, truth: Frames, flows: list[NDArray[np.float32]]) -> float | None:
    found = measure_flicker(list(frames), list(truth), flows)
    return found if np.isfinite(found) else None


def _to_grey(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)


def _denoise(source: Source, case: _Case) -> Timed:
    """Run in the contestant's process: read a clip, add noise and remove it.

    The seconds are per frame.
    """
    noisy = add_clip_noise(read_clip(case.path, case.most_frames), case.sigma, case.seed)
    denoise = _build(source)
    if isinstance(denoise, FfmpegFilter):
        seconds = denoise.time_frame(noisy, case.sigma)
        return Timed(denoise(noisy, case.sigma), seconds, peak_memory_bytes())
    timed = time_call(denoise, noisy, case.sigma)
    return Timed(timed.picture, timed.seconds / len(noisy), timed.peak_bytes)


@cache
def _build(source: Source) -> DenoiseVideo:
    return load_video_denoiser(source).build()
