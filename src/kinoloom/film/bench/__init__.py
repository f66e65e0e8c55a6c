"""The benchmark of engines on triplets: quality, smoothness, speed and memory in one run."""

from kinoloom.film.bench.run import run_benchmark

__all__ = ["run_benchmark"]
