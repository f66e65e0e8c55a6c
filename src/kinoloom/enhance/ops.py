"""Declarations of the ops on enhancement."""

from __future__ import annotations

from pathlib import Path

from kinoloom.base.clip import Clip
from kinoloom.base.op import op
from kinoloom.base.report import Report
from kinoloom.enhance.options import BenchDenoiseOptions, BenchSrOptions, MeasureOptions


@op("measure")
def measure(clip: Clip, options: MeasureOptions) -> Report:
    """Measure noise, compression, blur and light of photos or a video, without a reference.

    Noise and its dependence on brightness, JPEG quality, blockiness, blur, banding, exposure, and
    the true resolution below the stored one; of a video, the median over sampled frames, and
    interlacing and repeated frames. The guide to enhancement states the error of each estimate.
    """
    from kinoloom.enhance.estimate.measure import measure_clip
    from kinoloom.enhance.estimate.report import build_measure_report

    return build_measure_report(measure_clip(clip, options.samples))


@op("bench.sr")
def bench_sr(data: Path, options: BenchSrOptions) -> Report:
    """Measure upscalers on pictures with known ground truth.

    DATA contains HR/ with the ground truth, and LR_x2/, LR_x3/ or LR_x4/ with its reductions by
    MATLAB's bicubic filter; sorted names correspond. PSNR and SSIM are of luma (Y of MATLAB's
    YCbCr), without a border of as many pixels as the scale. Each upscaler runs in its own process,
    whose peak memory is reported; times are medians.
    """
    from kinoloom.enhance.bench import run_sr_benchmark

    return run_sr_benchmark(data, options)


@op("bench.denoise")
def bench_denoise(data: Path, options: BenchDenoiseOptions) -> Report:
    """Measure denoisers on pictures with added Gaussian noise.

    DATA contains clean pictures. Picture i in the order of names gets noise of the generator with
    seed i, which is neither rounded nor clipped. PSNR is of the 8-bit RGB result. Each denoiser
    runs in its own process, whose peak memory is reported; times are medians.
    """
    from kinoloom.enhance.bench import run_denoise_benchmark

    return run_denoise_benchmark(data, options)
