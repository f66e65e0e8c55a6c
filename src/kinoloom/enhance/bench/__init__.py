"""Benchmarks of super-resolution and denoising: quality, speed and memory in one run."""

from kinoloom.enhance.bench.denoise import run_denoise_benchmark
from kinoloom.enhance.bench.sr import run_sr_benchmark
from kinoloom.enhance.bench.video import run_video_benchmark

__all__ = ["run_denoise_benchmark", "run_sr_benchmark", "run_video_benchmark"]
