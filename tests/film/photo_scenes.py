"""Camera pans over sample photos of scikit-image."""

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

Picture = NDArray[np.uint8]
SIZE = (192, 128)
SCENES = {"astronaut": data.astronaut, "coffee": data.coffee, "rocket": data.rocket}


def pan(name: str, count: int, step: float = 3.0) -> list[Picture]:
    """Return views of a photo, 192x128, each `step` px right of the previous one."""
    photo = SCENES[name]()
    scale = 300 / photo.shape[1]
    small = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    shifts = [np.array([[1, 0, -10 - k * step], [0, 1, -20]], np.float32) for k in range(count)]
    return [cv2.warpAffine(small, shift, SIZE, borderMode=cv2.BORDER_REFLECT) for shift in shifts]


def noisy(picture: Picture, seed: int, sigma: float = 1.0) -> Picture:
    """Add noise like that of compression."""
    noise = np.random.default_rng(seed).normal(0, sigma, picture.shape)
    return np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8)
