"""Photos that layers are cut from."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from threading import Lock
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import from_float, to_float
from kinoloom.errors import InputNotFoundError, UnsupportedMediaError
from kinoloom.media.photo.reading import read_photo

Texture = NDArray[np.uint8]
_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".avif", ".heic"}
_LEAST_PX, _KEPT_PX = 64, 1024
_KEPT_BYTES = 1 << 30
_LEAST_ZOOM, _MOST_ZOOM = 0.5, 1.5


class Album(Protocol):
    """Photos by number, perhaps decoded only when they are asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Texture: ...


class Photos:
    """The photos below a folder, decoded when they are asked for.

    Args:
        folder: searched with all folders in it, by suffix.
        kept_bytes: the most memory for decoded photos; the least recently used are dropped.

    Raises:
        InputNotFoundError: there is no such folder, or no photo in it.
    """

    def __init__(self, folder: Path, kept_bytes: int = _KEPT_BYTES) -> None:
        self.files = find_photos(folder)
        if not self.files:
            raise InputNotFoundError(
                f"There is no photo below {folder}.",
                hint=f"Give a folder with photos ({', '.join(sorted(_SUFFIXES))}).",
            )
        self.folder = folder
        self.kept_bytes = kept_bytes
        self._forget()

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Texture:
        """A photo, (H, W, 3) uint8, its longer side at most 1024 pixels.

        Raises:
            MediaError: it cannot be read, or its shorter side is below 64 pixels.
        """
        path = self.files[index]
        with self._lock:
            if path in self._kept:
                self._kept.move_to_end(path)
                return self._kept[path]
        image = _read(path)
        with self._lock:
            self._kept[path] = image
            while sum(photo.nbytes for photo in self._kept.values()) > self.kept_bytes:
                self._kept.popitem(last=False)
        return image

    def __getstate__(self) -> dict[str, object]:
        """What another process needs: the names, not the pictures."""
        return {"files": self.files, "folder": self.folder, "kept_bytes": self.kept_bytes}

    def __setstate__(self, state: dict[str, object]) -> None:
        vars(self).update(state)
        self._forget()

    def _forget(self) -> None:
        self._kept: OrderedDict[Path, Texture] = OrderedDict()
        self._lock = Lock()


def find_photos(folder: Path) -> list[Path]:
    """The photos below a folder by their suffixes, in order of their names.

    Raises:
        InputNotFoundError: there is no such folder.
    """
    if not folder.is_dir():
        raise InputNotFoundError(f"There is no folder {folder}.")
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in _SUFFIXES and not path.name.startswith(".")
    )


def cut_texture(
    rng: np.random.Generator, photo: Texture, size_px: int, shuffled: float = 0.0
) -> Texture:
    """A square cut out of a photo at a random place and size, mirrored and turned at random.

    It is made smaller or up to one and a half times larger; more only where the photo is too small.

    Args:
        rng: decides everything.
        photo: (H, W, 3) uint8.
        size_px: side of the square.
        shuffled: share of textures whose colour channels change places.

    Returns:
        (3, size_px, size_px) uint8.
    """
    zoom = np.exp(rng.uniform(np.log(_LEAST_ZOOM), np.log(_MOST_ZOOM)))
    height, width = photo.shape[:2]
    side = min(round(size_px / zoom), height, width)
    top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
    part = photo[top : top + side, left : left + side]
    how = cv2.INTER_AREA if side > size_px else cv2.INTER_CUBIC
    square = cv2.resize(part, (size_px, size_px), interpolation=how)
    square = np.rot90(square, int(rng.integers(4)))
    if rng.random() < 0.5:
        square = square[:, ::-1]
    order = rng.permutation(3) if rng.random() < shuffled else np.arange(3)
    return np.ascontiguousarray(square[..., order].transpose(2, 0, 1))


def _read(path: Path) -> Texture:
    image = read_photo(path).image[..., :3]
    height, width = image.shape[:2]
    if min(height, width) < _LEAST_PX:
        raise UnsupportedMediaError(
            f"{path} has {width}x{height} pixels; a photo for training needs {_LEAST_PX} a side.",
            hint="Take it out of the folder.",
        )
    if image.dtype != np.uint8:
        image = from_float(to_float(image), np.dtype(np.uint8))
    ratio = _KEPT_PX / max(height, width)
    if ratio < 1:
        small = (max(1, round(width * ratio)), max(1, round(height * ratio)))
        image = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(image)
