"""Interpolated videos: output times, source intervals and the frames between."""
