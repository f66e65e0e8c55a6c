"""Makes docs/result.png: two photos, what a cross-fade makes between them, what kinoloom makes.

python docs/result.py
"""

from pathlib import Path

import cv2
import numpy as np

import kinoloom
from kinoloom.base.arrays import Picture
from kinoloom.media.photo.reading import read_photo, write_photo

ROOT = Path(__file__).parents[1]
TOP, LEFT, HEIGHT, WIDTH = 60, 30, 200, 210
ZOOM = 2
GAP = 8


def panel(picture: Picture, title: str) -> Picture:
    """The part of a picture where the ball is, enlarged, under a title."""
    part = picture[TOP : TOP + HEIGHT, LEFT : LEFT + WIDTH]
    large = cv2.resize(part, None, fx=ZOOM, fy=ZOOM, interpolation=cv2.INTER_CUBIC)
    head = np.full((34, large.shape[1], 3), 255, np.uint8)
    font, grey = cv2.FONT_HERSHEY_SIMPLEX, (60, 60, 60)
    cv2.putText(head, title, (2, 23), font, 0.6, grey, 1, cv2.LINE_AA)
    return np.vstack([head, large])


def main() -> None:
    """Make the picture."""
    photos = [ROOT / "examples" / "photos" / f"basketball{n}.png" for n in (1, 2)]
    first, second = (read_photo(path).image for path in photos)
    faded, woven = (
        kinoloom.interpolate([first, second], times=[0.5], engine=engine)[0]
        for engine in ("blend", "auto")
    )
    titled = [
        (first, "photo 1"),
        (faded, "cross-fade"),
        (woven, "kinoloom"),
        (second, "photo 2"),
    ]
    panels = [panel(picture, title) for picture, title in titled]
    gap = np.full((panels[0].shape[0], GAP, 3), 255, np.uint8)
    row = [part for each in panels for part in (each, gap)][:-1]
    write_photo(ROOT / "docs" / "result.png", np.hstack(row))


if __name__ == "__main__":
    main()
