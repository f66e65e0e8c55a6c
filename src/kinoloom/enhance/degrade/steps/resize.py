"""Resizing: by a factor, to the size of the output, and by shifted decimation."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import cv2
import numpy as np

from kinoloom.enhance.degrade.fields import parameter
from kinoloom.enhance.degrade.kernels import build_shifted_gaussian
from kinoloom.enhance.degrade.steps.blur import convolve
from kinoloom.enhance.degrade.steps.step import Floats, Step, Surroundings
from kinoloom.metrics import resize_bicubic

Method = Literal["area", "bilinear", "bicubic"]
METHODS: tuple[Method, ...] = ("area", "bilinear", "bicubic")
_FLAGS = {"area": cv2.INTER_AREA, "bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC}
_DECIMATION_KERNEL_PX = 25


@dataclass(frozen=True)
class Resize(Step):
    """Resizing without antialiasing, except by `area`.

    Attributes:
        of: whether the factor is of the picture's own size, or of the size of the recipe's output.
        factor: of both sides; sides are rounded down.
        method: of interpolation.
    """

    of: Literal["picture", "output"]
    factor: float = parameter(0.01, 16)
    method: Method = "bicubic"

    def apply(self, image: Floats, surroundings: Surroundings) -> Floats:
        """Resize the picture; each side has at least one pixel."""
        height, width = image.shape[:2] if self.of == "picture" else surroundings.output
        size = max(1, int(width * self.factor)), max(1, int(height * self.factor))
        if size == (image.shape[1], image.shape[0]):
            return image
        return np.asarray(cv2.resize(image, size, interpolation=_FLAGS[self.method]), np.float32)


@dataclass(frozen=True)
class Reduce(Step):
    """MATLAB's antialiased bicubic reduction (`metrics.resize_bicubic`).

    Attributes:
        divisor: of both sides.
    """

    divisor: int = parameter(1, 8)

    def apply(self, image: Floats, surroundings: Surroundings) -> Floats:
        """Reduce the picture."""
        return np.asarray(resize_bicubic(image, Fraction(1, self.divisor)), np.float32)


@dataclass(frozen=True)
class Decimate(Step):
    """A Gaussian blur, then every n-th pixel; the shifted kernel keeps the picture in place.

    Attributes:
        divisor: of both sides.
        sigma: standard deviation of the blur, in pixels.
    """

    divisor: int = parameter(1, 8)
    sigma: float = parameter(0.05, 10)

    def apply(self, image: Floats, surroundings: Surroundings) -> Floats:
        """Reduce the picture."""
        shift = (self.divisor - 1) / 2
        kernel = build_shifted_gaussian(_DECIMATION_KERNEL_PX, self.sigma, shift)
        return np.ascontiguousarray(convolve(image, kernel)[:: self.divisor, :: self.divisor])
