"""Shared parts of benchmarks: contestants in their own processes, perceptual distance."""
