"""Reading of .bin files, the arrays of an ncnn network in the order of its layers.

Arrays have no header of their own: the layers say how long each is. Main weights begin with a tag
of four bytes that says how they are stored; biases, slopes and most other arrays are plain float32.

Source: modelbin.cpp of ncnn.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_FLOAT32_TAGS = (0, 0x0002C056)
_FLOAT16_TAG = 0x01306B47
_TAG_BYTES = 4


class WeightReader:
    """Takes arrays from the content of a .bin file, one after the other.

    Args:
        content: of the file.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._place = 0

    def take(self, count: int, layer: str) -> NDArray[np.float32]:
        """Take an array of float32.

        Args:
            count: its length.
            layer: name of its layer, for errors.

        Raises:
            ValueError: the file is too short, or a value is NaN or infinite.
        """
        array = np.frombuffer(self._read(4 * count, layer), "<f4").astype(np.float32)
        _check_finite(array, layer)
        return array

    def take_tagged(self, count: int, layer: str) -> NDArray[Any]:
        """Take an array that begins with a tag.

        Args:
            count: its length.
            layer: name of its layer, for errors.

        Returns:
            float32, or float16 where it is stored so.

        Raises:
            ValueError: as `take`, or the tag is not that of float32 or float16.
        """
        tag = int.from_bytes(self._read(_TAG_BYTES, layer), "little")
        if tag in _FLOAT32_TAGS:
            return self.take(count, layer)
        if tag != _FLOAT16_TAG:
            raise ValueError(
                f"the weights of layer '{layer}' have the tag 0x{tag:08X}; expected float32 or "
                "float16"
            )
        padded = -(-2 * count // 4) * 4
        array = np.frombuffer(self._read(padded, layer), "<f2", count).astype(np.float16)
        _check_finite(array, layer)
        return array

    def finish(self) -> None:
        """Check that nothing is left.

        Raises:
            ValueError: bytes follow the last array.
        """
        left = len(self._content) - self._place
        if left:
            raise ValueError(
                f"the .bin file has {len(self._content)} bytes, {left} more than the layers need"
            )

    def _read(self, size: int, layer: str) -> bytes:
        end = self._place + size
        if end > len(self._content):
            raise ValueError(
                f"the .bin file is truncated: layer '{layer}' needs bytes {self._place} to {end}, "
                f"but it has {len(self._content)}"
            )
        part = self._content[self._place : end]
        self._place = end
        return part


def _check_finite(array: NDArray[Any], layer: str) -> None:
    if not np.isfinite(array).all():
        raise ValueError(f"the weights of layer '{layer}' contain NaN or infinite values")
