"""Small media files for the tests of training data: triplets, photos, videos."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.clip import Clip, Frame
from kinoloom.media.files import write

RATE = Fraction(25)


def draw_blobs(number: int, width: int = 400, height: int = 200) -> NDArray[np.uint8]:
    """Return an image of random blobs, seeded by its number."""
    rng = np.random.default_rng(number)
    image = np.full((height, width, 3), rng.integers(40, 215, 3), np.uint8)
    for _ in range(150):
        at = (int(rng.integers(width)), int(rng.integers(height)))
        cv2.circle(image, at, int(rng.integers(3, 15)), rng.integers(0, 256, 3).tolist(), -1)
    return cv2.GaussianBlur(image, (0, 0), 1.5)


def draw_pan(number: int, steps: Sequence[int], width: int = 128, height: int = 96) -> list[Any]:
    """Return views of an image of blobs; `steps` are their offsets from its left edge in pixels."""
    canvas = draw_blobs(number)
    return [np.ascontiguousarray(canvas[:height, x : x + width]) for x in steps]


def write_video(path: Path, images: Sequence[NDArray[np.uint8]]) -> Path:
    """Write images as a video of 25 frames per second."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = [Frame(image, k / RATE, 1 / RATE) for k, image in enumerate(images)]
    write(Clip.from_frames(frames, rate=RATE), path, quality=100)
    return path


def write_image(path: Path, image: NDArray[np.uint8]) -> Path:
    """Write an RGB image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image[..., ::-1])
    return path


def write_vimeo(folder: Path, kind: str = "tri", count: int = 3, names: Sequence[str] = ()) -> Path:
    """Create Vimeo-90K's layout: sequences of `count` images, whose red is 20 times their index."""
    names = names or ("00001/0001", "00001/0002", "00002/0001")
    for number, name in enumerate(names):
        for k in range(1, count + 1):
            image = np.full((48, 64, 3), (20 * k, 10 * number, 0), np.uint8)
            write_image(folder / "sequences" / name / f"im{k}.png", image)
    (folder / f"{kind}_trainlist.txt").write_text("\n".join(names[:-1]) + "\n\n")
    (folder / f"{kind}_testlist.txt").write_text(names[-1] + "\n")
    return folder
