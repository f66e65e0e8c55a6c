"""Relighting: a pair of photos gets one exposure, and the new frames get theirs back evenly.

Integer pictures are converted by tables, in 16 bits between the two steps so that rounding does not
add up, or in their own format where memory is short.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture, from_float, to_float
from kinoloom.motion.exposure import Gain, apply_gain

_MIN_LOG_GAIN = 1e-3
"""Smaller changes are less than half an 8-bit level and are ignored."""
_HELD_PICTURES = 12
"""Memory of a transition in 16 bits, as a multiple of an 8-bit photo: two photos, two relit ones, a
frame before and after, and a band of each."""


@dataclass(frozen=True)
class Relighting:
    """The exposure of a pair of photos.

    Attributes:
        gain: exposure of the second photo relative to the first.
        photos: dtype of the photos and of the new frames.
        working: dtype of the pictures between.
    """

    gain: Gain
    photos: np.dtype[Any]
    working: np.dtype[Any]

    def prepare(self, first: Picture, second: Picture) -> tuple[Picture, Picture]:
        """Return both photos in the working dtype, with the exposure of the first."""
        if self.is_neutral:
            return first, second
        return self._convert(first, 0.0, self.working), self._convert(second, -1.0, self.working)

    def finish(self, frame: Picture, time: float) -> Picture:
        """Return a frame at a time with its own exposure, in the dtype of the photos."""
        return frame if self.is_neutral else self._convert(frame, time, self.photos)

    @property
    def is_neutral(self) -> bool:
        """Whether both photos have the same exposure."""
        return bool(np.abs(np.log(self.gain)).max() < _MIN_LOG_GAIN)

    def _convert(self, picture: Picture, power: float, dtype: np.dtype[Any]) -> Picture:
        if not power and picture.dtype == dtype:
            return picture
        if picture.dtype.kind == "f":
            return from_float(apply_gain(to_float(picture), self.gain, power), dtype)
        levels = np.arange(np.iinfo(picture.dtype).max + 1, dtype=picture.dtype)
        ramp = to_float(np.repeat(levels, 3).reshape(-1, 1, 3))
        table = from_float(apply_gain(ramp, self.gain, power), dtype)[:, 0]
        planes = cv2.split(picture)
        converted = [
            np.ascontiguousarray(table[:, channel]).take(np.asarray(plane, picture.dtype))
            for channel, plane in enumerate(planes[:3])
        ]
        converted += [_convert_alpha(alpha, dtype) for alpha in planes[3:]]
        return np.asarray(cv2.merge(converted))


def plan_relighting(gain: Gain, photo: Picture, memory_bytes: int) -> Relighting:
    """Choose how a pair is relit within a memory limit.

    Args:
        gain: exposure of the second photo relative to the first.
        photo: one of the pair.
        memory_bytes: memory limit of the film.
    """
    is_affordable = _HELD_PICTURES * photo.nbytes <= memory_bytes // 2
    working = np.dtype(np.uint16) if photo.dtype == np.uint8 and is_affordable else photo.dtype
    return Relighting(gain, photo.dtype, working)


def _convert_alpha(alpha: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    scale = np.iinfo(dtype).max / np.iinfo(alpha.dtype).max
    return np.rint(alpha * np.float32(scale)).astype(dtype)
