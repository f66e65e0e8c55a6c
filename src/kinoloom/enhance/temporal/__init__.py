"""Temporal denoising: a motion-compensated window for files, and a recursion for live video."""
