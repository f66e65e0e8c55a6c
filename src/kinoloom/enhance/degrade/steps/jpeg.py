"""JPEG compression by a real codec."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from kinoloom.base.arrays import from_float, to_float
from kinoloom.enhance.degrade.fields import parameter
from kinoloom.enhance.degrade.steps.step import Floats, Step, Surroundings

_UINT8 = np.dtype(np.uint8)


@dataclass(frozen=True)
class Jpeg(Step):
    """Compression by libjpeg, with chroma at half the resolution (4:2:0).

    Attributes:
        quality: 1 to 100, as libjpeg counts.
    """

    quality: int = parameter(1, 100)

    def apply(self, image: Floats, surroundings: Surroundings) -> Floats:
        """Round to 8 bits, compress and decompress."""
        bgr = np.ascontiguousarray(from_float(image, _UINT8)[..., ::-1])
        settings = [
            *(cv2.IMWRITE_JPEG_QUALITY, self.quality),
            *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420),
        ]
        _, data = cv2.imencode(".jpg", bgr, settings)
        decoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
        return to_float(np.ascontiguousarray(decoded[..., ::-1]))
