"""Shared parts of benchmarks: contestants in processes of their own, perceptual distance."""
