"""Photos from which layers are cut."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import from_float, to_float
from kinoloom.errors import InputNotFoundError, UnsupportedMediaError
from kinoloom.learn.data.cache import CACHE_BYTES, ArrayCache
from kinoloom.learn.files import find_by_suffix
from kinoloom.media.photo.reading import read_photo

Texture = NDArray[np.uint8]
_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".avif", ".heic"}
_MIN_SIDE_PX, _MAX_SIDE_PX = 64, 1024
_MIN_ZOOM, _MAX_ZOOM = 0.5, 1.5


class PhotoCollection(Protocol):
    """Photos by index, which may be decoded on access."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Texture: ...


class Photos:
    """The photos below a folder, decoded on access.

    Args:
        folder: searched recursively, by file suffix.
        cache_bytes: maximum memory for decoded photos; the least recently used are dropped.

    Raises:
        InputNotFoundError: the folder does not exist, or contains no photo.
    """

    def __init__(self, folder: Path, cache_bytes: int = CACHE_BYTES) -> None:
        self.files = find_photos(folder)
        if not self.files:
            raise InputNotFoundError(
                f"{folder} contains no photos.",
                hint=f"Expected files with these suffixes: {', '.join(sorted(_SUFFIXES))}.",
            )
        self.folder = folder
        self._cache = ArrayCache(cache_bytes)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Texture:
        """Return a photo, (H, W, 3) uint8, whose longer side is at most 1024 pixels.

        Raises:
            MediaError: the photo cannot be read, or its shorter side is below 64 pixels.
        """
        path = self.files[index]
        return self._cache.get(path, lambda: _read(path))


def find_photos(folder: Path) -> list[Path]:
    """Return the photos below a folder by their suffixes, sorted by path.

    Raises:
        InputNotFoundError: the folder does not exist.
    """
    return find_by_suffix(folder, _SUFFIXES)


def cut_texture(
    rng: np.random.Generator, photo: Texture, size_px: int, shuffled: float = 0.0
) -> Texture:
    """Cut a square from a photo at a random position and scale, randomly flipped and rotated.

    The scale is from 0.5 to 1.5; it is larger only if the photo is too small.

    Args:
        rng: decides everything.
        photo: (H, W, 3) uint8.
        size_px: side of the square.
        shuffled: probability of permuted colour channels.

    Returns:
        (3, size_px, size_px) uint8.
    """
    zoom = np.exp(rng.uniform(np.log(_MIN_ZOOM), np.log(_MAX_ZOOM)))
    height, width = photo.shape[:2]
    side = min(round(size_px / zoom), height, width)
    top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
    part = photo[top : top + side, left : left + side]
    method = cv2.INTER_AREA if side > size_px else cv2.INTER_CUBIC
    square = cv2.resize(part, (size_px, size_px), interpolation=method)
    square = np.rot90(square, int(rng.integers(4)))
    if rng.random() < 0.5:
        square = square[:, ::-1]
    order = rng.permutation(3) if rng.random() < shuffled else np.arange(3)
    return np.ascontiguousarray(square[..., order].transpose(2, 0, 1))


def _read(path: Path) -> Texture:
    image = read_photo(path).image[..., :3]
    height, width = image.shape[:2]
    if min(height, width) < _MIN_SIDE_PX:
        raise UnsupportedMediaError(
            f"{path} has {width}x{height} pixels; training photos need at least "
            f"{_MIN_SIDE_PX}x{_MIN_SIDE_PX}.",
            hint="Remove it from the folder.",
        )
    if image.dtype != np.uint8:
        image = from_float(to_float(image), np.dtype(np.uint8))
    ratio = _MAX_SIDE_PX / max(height, width)
    if ratio < 1:
        small = (max(1, round(width * ratio)), max(1, round(height * ratio)))
        image = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(image)
