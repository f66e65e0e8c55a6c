"""Benchmarks of super-resolution and denoising: quality, speed and memory in one run."""

from kinoloom.enhance.bench.sr import run_sr_benchmark

__all__ = ["run_sr_benchmark"]
