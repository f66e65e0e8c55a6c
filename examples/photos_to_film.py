"""Turn photos of one scene into a film: python examples/photos_to_film.py [PHOTO PHOTO... FILM]."""

import sys
from pathlib import Path

import kinoloom

PHOTOS = Path(__file__).parent / "photos"

*photos, output = sys.argv[1:] or [PHOTOS / "aloe1.jpg", PHOTOS / "aloe2.jpg", "aloe.mp4"]
film = kinoloom.interpolate(photos, seconds=3, ease="in-out", size=800)
summary = kinoloom.write(film, output, overwrite=True)
print("{output}: {frames} frames of {width}x{height}".format(**summary))
