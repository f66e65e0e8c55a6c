"""Turn two photos into a film: python examples/photos_to_film.py [PHOTO PHOTO... FILM]."""

import sys
from pathlib import Path

import kinoloom

PHOTOS = Path(__file__).parent / "photos"

*photos, film = sys.argv[1:] or [
    PHOTOS / "basketball1.png",
    PHOTOS / "basketball2.png",
    "basketball.mp4",
]
clip = kinoloom.interpolate(photos, seconds=3, ease="in-out")
summary = kinoloom.write(clip, film, overwrite=True)
print(f"{summary['output']}: {summary['frames']} frames of {summary['width']}x{summary['height']}")
