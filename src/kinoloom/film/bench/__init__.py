"""Measures engines on triplets: quality, motion, smoothness, speed, memory, all in one run."""

from kinoloom.film.bench.run import bench

__all__ = ["bench"]
