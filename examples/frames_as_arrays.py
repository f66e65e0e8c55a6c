"""Interpolate numpy arrays: python examples/frames_as_arrays.py."""

from pathlib import Path

import kinoloom

PHOTOS = Path(__file__).parent / "photos"

first, second = (frame.image for frame in kinoloom.read(sorted(PHOTOS.glob("*.png"))))
frames = kinoloom.interpolate([first, second], times=[0.25, 0.5, 0.75])
print(frames.shape, frames.dtype)
