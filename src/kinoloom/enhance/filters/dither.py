"""Dither: a fixed pattern that hides the steps of rounding.

The pattern is noise without low frequencies, uniform in -0.5..0.5 steps, on a torus that repeats
over the picture. It depends on the position and the seed only: a still scene stays still and
compresses well. A value that is exactly a step stays this step after rounding.

Source of the construction: white noise, repeatedly high-pass filtered and ranked back to a uniform
distribution; compare Ulichney, "Dithering with blue noise", Proc. IEEE 76(1), 1988.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_SIDE = 128
_ROUNDS = 8
_CUTOFF = 0.35
"""In cycles per pixel."""
_MAX_AMPLITUDE = 0.498
"""Below half a step, so that rounding errors cannot cross it."""


def tile_dither(shape: tuple[int, ...], origin: tuple[int, int], seed: int) -> NDArray[np.float32]:
    """Return the pattern of a part of the plane.

    Args:
        shape: of the part: height and width first, in pixels.
        origin: its first row and column.
        seed: of the pattern.

    Returns:
        (height, width, 3) float32 in -0.498..0.498 steps, independent between channels.
    """
    return tile_pattern(_build_dither(seed), shape, origin)


def tile_pattern(
    pattern: NDArray[np.float32], shape: tuple[int, ...], origin: tuple[int, int]
) -> NDArray[np.float32]:
    """Return a part of the plane that is covered with a pattern.

    Args:
        pattern: (h, w, ...) float32.
        shape: of the part: height and width first, in pixels.
        origin: its first row and column.

    Returns:
        (height, width, ...) float32.
    """
    (rows, columns), (height, width) = pattern.shape[:2], shape[:2]
    moved = np.roll(pattern, (-origin[0] % rows, -origin[1] % columns), axis=(0, 1))
    counts = (-(-height // rows), -(-width // columns)) + (1,) * (pattern.ndim - 2)
    return np.tile(moved, counts)[:height, :width]


@lru_cache(maxsize=4)
def _build_dither(seed: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    rows, columns = np.meshgrid(*[np.fft.fftfreq(_SIDE)] * 2, indexing="ij")
    squares = (rows * rows + columns * columns) / _CUTOFF**2
    response = 1 - np.exp(-squares)
    planes = []
    for _ in range(3):
        plane = rng.random((_SIDE, _SIDE))
        for _ in range(_ROUNDS):
            filtered = np.fft.ifft2(np.fft.fft2(plane) * response).real
            ranks = filtered.ravel().argsort().argsort().reshape(plane.shape)
            plane = (ranks + 0.5) / plane.size - 0.5
        planes.append(2 * _MAX_AMPLITUDE * plane)
    result = np.stack(planes, axis=2).astype(np.float32)
    result.setflags(write=False)
    return result
