"""Triplets rendered from real photos: a background and a foreground that move by known amounts."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

Picture = NDArray[np.uint8]
WIDTH, HEIGHT = 448, 320
_OFFSET = 0.37
"""No frame shows the photos at whole pixels, so all are equally sharp."""


@dataclass(frozen=True)
class Motion:
    """Pixels (x, y) from the first to the last frame, and the foreground's rotation in degrees."""

    background: tuple[float, float]
    foreground: tuple[float, float]
    degrees: float


SMALL = Motion((2.6, 0.7), (-3.4, 1.9), 1.0)
LARGE = Motion((22.0, -6.0), (-40.0, 12.0), 6.0)


def render_triplet(motion: Motion, noise: float = 1.0) -> tuple[Picture, Picture, Picture]:
    """Return the first, the middle and the last frame, with noise of some levels."""
    rng = np.random.default_rng(0)
    first, middle, last = (
        np.clip(np.rint(frame + rng.normal(0, noise, frame.shape)), 0, 255).astype(np.uint8)
        for frame in (_render(motion, time) for time in (0.0, 0.5, 1.0))
    )
    return first, middle, last


def _render(motion: Motion, time: float) -> NDArray[np.float32]:
    """Render a frame from the rocket, with the astronaut's face in front."""
    shift = (time - _OFFSET) * np.array(motion.background)
    place = np.array([[1, 0, shift[0] - 90], [0, 1, shift[1] - 50]])
    background = cv2.warpAffine(
        data.rocket().astype(np.float32),
        place,
        (WIDTH, HEIGHT),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REFLECT,
    )
    face = data.astronaut()[20:220, 130:330].astype(np.float32)
    mask = np.zeros((200, 200), np.float32)
    cv2.ellipse(mask, (100, 100), (58, 78), 20, 0, 360, 1, -1, cv2.LINE_AA)
    turn = cv2.getRotationMatrix2D((100, 100), (time - _OFFSET) * motion.degrees, 1)
    moved = (time - _OFFSET) * np.array(motion.foreground)
    turn[:, 2] += np.array([WIDTH / 2 - 100, HEIGHT / 2 - 100]) + moved
    front, alpha = (
        cv2.warpAffine(each, turn, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC) for each in (face, mask)
    )
    frame = background + np.clip(alpha, 0, 1)[..., None] * (front - background)
    return np.asarray(frame, np.float32)
