"""Pictures with the spectrum and the edges of natural ones, for the tests of estimates."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def draw_natural(
    seed: int, height: int = 240, width: int = 320, low: float = 40, high: float = 215
) -> NDArray[np.float64]:
    """Return clouds of a 1/f spectrum with sharp objects in front, (H, W, 3) in low..high."""
    rng = np.random.default_rng(seed)
    y, x = np.meshgrid(np.fft.fftfreq(height), np.fft.fftfreq(width), indexing="ij")
    slope = 1 / np.maximum(np.hypot(x, y), 1 / max(height, width)) ** 1.4
    grey = np.fft.ifft2(slope * np.fft.fft2(rng.normal(size=(height, width)))).real
    scene = grey[..., None] * rng.uniform(0.7, 1, 3)
    scene = (scene - scene.min()) / np.ptp(scene)
    for _ in range(12):
        top, left = rng.integers(0, height - 20), rng.integers(0, width - 20)
        tall, wide = rng.integers(15, height // 3), rng.integers(15, width // 3)
        mask = np.zeros((height, width), bool)
        mask[top : top + tall, left : left + wide] = True
        if rng.random() < 0.5:
            rows, columns = np.ogrid[:height, :width]
            mask = np.hypot((rows - top) / tall, (columns - left) / wide) < 0.5
        scene[mask] = 0.3 * scene[mask] + 0.7 * rng.uniform(0, 1, 3)
    return low + (high - low) * np.clip(scene, 0, 1)


def to_bytes(levels: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Round and clip to 8 bits."""
    return np.asarray(np.clip(np.rint(levels), 0, 255), np.uint8)


def add_gaussian(levels: NDArray[np.float64], sigma: float, seed: int = 0) -> NDArray[np.uint8]:
    """Add independent noise and store with 8 bits."""
    return to_bytes(levels + np.random.default_rng(seed).normal(0, sigma, levels.shape))


def compress(picture: NDArray[np.uint8], quality: int) -> bytes:
    """Return a JPEG file."""
    data = BytesIO()
    Image.fromarray(picture).save(data, "JPEG", quality=quality)
    return data.getvalue()


def decode(data: bytes) -> NDArray[np.uint8]:
    """Return the pixels of a file."""
    return np.asarray(Image.open(BytesIO(data)).convert("RGB"))
