"""Generate triplets with large local motion in front of a still background.

    python -m benchmarks.film_local_set PHOTOS OUT [--count N] [--width PX] [--motion PX PX]

Each triplet shows one photo of PHOTOS, which does not move, and a cut-out of another one, of
irregular shape, which moves evenly from the first to the last frame, with a little rotation and
zoom. Frames have independent noise of one level; the middle frame is exact. Exclude PHOTOS from
training.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture
from kinoloom.learn.synthetic.shapes import draw_shape
from kinoloom.learn.synthetic.textures import find_photos
from kinoloom.media.photo.reading import read_photo
from kinoloom.media.photo.writing import write_photo

_WIDTH_PX = 640
_HEIGHT, _CUTOUT, _RADII, _OFFSET = 0.7, 0.4, (30 / 640, 75 / 640), 40 / 640
"""Sizes relative to the width: of the frame, the square of a cut-out, its radius, and the distance
from the centre of the frame halfway."""
_MOTION_PX = (40.0, 200.0)
_SEED = 5


@dataclass(frozen=True)
class Setting:
    """What all triplets have in common.

    Attributes:
        width: of the frames in pixels.
        motion: the shortest and the longest motion in pixels.
    """

    width: int
    motion: tuple[float, float]

    @property
    def height(self) -> int:
        """Of the frames in pixels."""
        return round(_HEIGHT * self.width)

    @property
    def cutout(self) -> int:
        """Side of the square that holds a cut-out, in pixels."""
        return round(_CUTOUT * self.width)


def main() -> None:
    """Write OUT/localK/frame0.png, frame1.png and frame2.png."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--width", type=int, default=_WIDTH_PX, help="of the frames, in pixels")
    parser.add_argument("--motion", type=float, nargs=2, default=_MOTION_PX, metavar="PX")
    arguments = parser.parse_args()
    setting = Setting(arguments.width, tuple(arguments.motion))
    photos = [read_photo(path).image[..., :3] for path in find_photos(arguments.photos)]
    for number in range(arguments.count):
        rng = np.random.default_rng([_SEED, number])
        folder = arguments.out / f"local{number}"
        folder.mkdir(parents=True)
        frames = render_triplet(photos, setting, number / arguments.count, rng)
        for k, frame in enumerate(frames):
            write_photo(folder / f"frame{k}.png", frame)


def render_triplet(
    photos: list[Picture], setting: Setting, amount: float, rng: np.random.Generator
) -> list[Picture]:
    """Render three frames.

    Args:
        photos: (H, W, 3) uint8.
        setting: of all triplets.
        amount: position of the length of the motion in its range, 0..1.
        rng: decides everything else.
    """
    back, front = (photos[k] for k in rng.choice(len(photos), 2, replace=False))
    size = setting.width, setting.height
    background = _cover(back, *size)
    cutout = _cover(front, setting.cutout, setting.cutout)
    least, most = (share * setting.width for share in _RADII)
    shape = draw_shape(rng, float(rng.uniform(least, most)), setting.cutout)
    coverage = np.asarray(shape / 255, np.float32)
    shortest, longest = setting.motion
    length = shortest * (longest / shortest) ** amount
    angle = rng.uniform(0, 2 * np.pi)
    path = length * np.array([np.cos(angle), 0.6 * np.sin(angle)])
    offset = _OFFSET * setting.width
    centre = np.array(size) / 2 + rng.uniform(-offset, offset, 2)
    turn, zoom = rng.uniform(-8, 8), rng.uniform(0.95, 1.05)
    frames = []
    for time in (0.0, 0.5, 1.0):
        place = centre + (time - 0.5) * path
        moved = _place(cutout, size, place, time * turn, zoom**time)
        alpha = _place(coverage, size, place, time * turn, zoom**time)[..., None]
        exact = alpha * moved + (1 - alpha) * background
        noisy = exact + rng.normal(0, 1, exact.shape)
        frames.append(np.clip(np.rint(noisy), 0, 255).astype(np.uint8))
    return frames


def _cover(photo: Picture, width: int, height: int) -> NDArray[np.float32]:
    """Return the centre of a photo, scaled to a size."""
    scale = max(width / photo.shape[1], height / photo.shape[0])
    size = (round(photo.shape[1] * scale), round(photo.shape[0] * scale))
    large = cv2.resize(photo, size, interpolation=cv2.INTER_CUBIC)
    top, left = (large.shape[0] - height) // 2, (large.shape[1] - width) // 2
    return large[top : top + height, left : left + width].astype(np.float32)


def _place(
    picture: NDArray[np.float32],
    size: tuple[int, int],
    centre: NDArray[np.float64],
    degrees: float,
    zoom: float,
) -> NDArray[np.float32]:
    """Place a cut-out on an empty frame of a size (w, h) with its centre at a position (x, y)."""
    middle = picture.shape[0] / 2
    motion = np.asarray(cv2.getRotationMatrix2D((middle, middle), degrees, zoom), np.float64)
    motion[:, 2] += centre - middle
    moved = cv2.warpAffine(picture, motion, size, flags=cv2.INTER_CUBIC)
    return np.asarray(moved, np.float32)


if __name__ == "__main__":
    main()
