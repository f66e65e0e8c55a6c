"""Small synthetic clips with known motion, for the tests of temporal denoising."""

from fractions import Fraction

import numpy as np

from kinoloom.base.clip import Clip, Frame

RATE = Fraction(25)


def draw_texture(
    shift: tuple[float, float] = (0.0, 0.0), *, height: int = 64, width: int = 80, seed: int = 1
) -> np.ndarray:
    """Return a smooth texture moved by (x, y) pixels, (height, width, 3) float64 levels."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width].astype(np.float64)
    picture = np.full((height, width, 3), 120.0)
    for _ in range(12):
        waves = generator.uniform(-0.7, 0.7, 2)
        phase, height_levels = generator.uniform(0, 6.28), generator.uniform(4, 12, 3)
        angle = waves[0] * (x - shift[0]) + waves[1] * (y - shift[1]) + phase
        picture += np.sin(angle)[..., None] * height_levels
    return picture


def draw_moving(count: int, step: tuple[float, float], seed: int = 1) -> list[np.ndarray]:
    """Return a texture that moves evenly, as uint8 pictures."""
    pictures = [draw_texture((step[0] * k, step[1] * k), seed=seed) for k in range(count)]
    return [np.rint(picture).astype(np.uint8) for picture in pictures]


def add_noise(picture: np.ndarray, sigma: float, seed: int) -> np.ndarray:
    """Return an 8-bit picture with Gaussian noise."""
    noise = np.random.default_rng(seed).normal(0, sigma, picture.shape)
    return np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8)


def build_clip(pictures: list[np.ndarray], **fields: object) -> Clip:
    """Return a clip at 25 frames a second."""
    frames = [Frame(image, k / RATE, 1 / RATE) for k, image in enumerate(pictures)]
    return Clip.from_frames(frames, **({"rate": RATE} | fields))


def error_levels(picture: np.ndarray, truth: np.ndarray) -> float:
    """Return the root mean squared difference of two 8-bit pictures without a border."""
    difference = picture[4:-4, 4:-4].astype(float) - truth[4:-4, 4:-4]
    return float(np.sqrt(np.mean(difference**2)))
