"""Declarations of the ops on enhancement."""

from __future__ import annotations

from pathlib import Path

from kinoloom.base.op import op
from kinoloom.base.report import Report
from kinoloom.enhance.options import BenchSrOptions


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
