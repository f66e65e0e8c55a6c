"""Pairs of photos in which an object moves far in front of a still background, with the truth."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from photo_scenes import SCENES
from scenes import texture

Picture = NDArray[np.uint8]
SIZE = (640, 420)


@dataclass(frozen=True)
class MovedPair:
    """A pair, the frame at its middle, and where the object is in each.

    Attributes:
        first, middle, second: (H, W, 3).
        places: (H, W) in 0..1 for each of them.
        displacement: (x, y) from first to second.
    """

    first: Picture
    middle: Picture
    second: Picture
    places: tuple[NDArray[np.float32], ...]
    displacement: tuple[float, float]


def make_moved_pair(seed: int, distance: float, turn_degrees: float = 0.0) -> MovedPair:
    """Make a pair; backgrounds, objects, outlines and directions differ by seed."""
    rng = np.random.default_rng(seed)
    width, height = SIZE
    background = load_texture(seed, width, height).astype(np.float32)
    object_size = int(rng.integers(80, 130)), int(rng.integers(110, 180))
    surface = load_texture(seed + 1, width, height)[100:, 200:][: object_size[1], : object_size[0]]
    outline = draw_outline(seed % 3, *object_size)
    way = np.array([distance, rng.uniform(-0.3, 0.3) * distance]) * rng.choice([-1, 1])
    start = np.array([width, height]) / 2 - way / 2
    frames, places = [], []
    for time in (0.0, 0.5, 1.0):
        place = start + time * way
        motion = cv2.getRotationMatrix2D(
            (object_size[0] / 2, object_size[1] / 2), time * turn_degrees, 1.0
        )
        motion[:, 2] += place - np.array(object_size) / 2
        mask = cv2.warpAffine(outline, motion, SIZE)
        color = cv2.warpAffine(surface, motion, SIZE, borderMode=cv2.BORDER_REPLICATE)
        frame = background + mask[..., None] * (color - background)
        frames.append(np.rint(frame).astype(np.uint8))
        places.append(mask)
    return MovedPair(frames[0], frames[1], frames[2], tuple(places), (float(way[0]), float(way[1])))


def load_texture(seed: int, width: int, height: int) -> Picture:
    """Return a photo or a generated texture, cropped to a size."""
    names = list(SCENES)
    if seed % 4 == 3:
        return texture(seed, width, height)
    photo = SCENES[names[seed % len(names)]]()
    scale = max(width / photo.shape[1], height / photo.shape[0])
    size = (round(photo.shape[1] * scale), round(photo.shape[0] * scale))
    return np.ascontiguousarray(cv2.resize(photo, size)[:height, :width])


def draw_outline(kind: int, width: int, height: int) -> NDArray[np.float32]:
    """Draw an ellipse, a figure with head and legs, or a polygon."""
    mask = np.zeros((height, width), np.float32)
    if kind == 0:
        axes = (width // 2 - 2, height // 2 - 2)
        cv2.ellipse(mask, (width // 2, height // 2), axes, 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    elif kind == 1:
        cv2.circle(mask, (width // 2, height // 7), height // 7 - 1, 1.0, -1, cv2.LINE_AA)
        for x0, y0, x1, y1 in ((2, 5, 8, 13), (2, 13, 4, 19), (6, 13, 8, 19)):
            corner = (x0 * width // 10, y0 * height // 20)
            cv2.rectangle(mask, corner, (x1 * width // 10, y1 * height // 20), 1.0, -1)
    else:
        corners = np.array([(0.1, 0.2), (0.6, 0.05), (0.95, 0.5), (0.7, 0.95), (0.15, 0.8)])
        cv2.fillPoly(mask, [(corners * (width, height)).astype(np.int32)], 1.0, cv2.LINE_AA)
    return mask


def psnr_at(frame: NDArray[Any], truth: NDArray[Any], place: NDArray[np.float32]) -> float:
    """Return the PSNR in dB where a mask is."""
    error = np.square(frame.astype(np.float32) - truth).mean(axis=2)
    return float(10 * np.log10(255**2 / max((error * place).sum() / place.sum(), 1e-3)))
