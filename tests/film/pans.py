"""Camera pans over smooth noise."""

import numpy as np

from kinoloom.base.arrays import Picture


def texture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Return smooth noise, (height, width, 3) uint8."""
    import cv2

    noise = np.random.default_rng(seed).uniform(0, 255, (height, width, 3)).astype(np.float32)
    blurred = cv2.GaussianBlur(noise, (0, 0), 3)
    spread = (blurred - blurred.mean()) / blurred.std() * 50 + 128
    return np.clip(spread, 0, 255).astype(np.uint8)


def pan(height: int, width: int, shift: int) -> tuple[Picture, Picture, Picture]:
    """Return three frames of a scene that moves left by `shift` px per frame."""
    scene = texture(height, width + 2 * shift)
    return tuple(  # type: ignore[return-value]
        np.ascontiguousarray(scene[:, k * shift : k * shift + width]) for k in range(3)
    )
