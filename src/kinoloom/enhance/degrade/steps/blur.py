"""Blur, ringing, smoothing and sharpening."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from kinoloom.enhance.degrade.fields import parameter
from kinoloom.enhance.degrade.kernels import Kernel, build_gaussian, build_plateau, build_sinc
from kinoloom.enhance.degrade.steps.step import Floats, Step, Surroundings, clip

MAX_SIZE_PX = 31


@dataclass(frozen=True)
class Blur(Step):
    """A blur kernel; borders are reflected.

    Attributes:
        shape: see `kernels`.
        size_px: side of the kernel, odd.
        sigma_x, sigma_y: standard deviations along the kernel's axes, in pixels.
        angle: of its first axis, in radians.
        beta: the exponent; 1 for a Gaussian.
    """

    shape: Literal["gaussian", "plateau"]
    size_px: int = parameter(3, MAX_SIZE_PX, odd=True)
    sigma_x: float = parameter(0.05, 20)
    sigma_y: float = parameter(0.05, 20)
    angle: float = parameter(-math.pi, math.pi)
    beta: float = parameter(0.1, 10)

    def build_kernel(self) -> Kernel:
        """Build the kernel, (size_px, size_px)."""
        build = build_gaussian if self.shape == "gaussian" else build_plateau
        return build(self.size_px, self.sigma_x, self.sigma_y, self.angle, self.beta)

    def apply(self, image: Floats, surroundings: Surroundings) -> Floats:
        """Convolve the picture."""
        return convolve(image, self.build_kernel())


@dataclass(frozen=True)
class Sinc(Step):
    """A circular low-pass filter that rings at edges, as resizing and compression do.

    Attributes:
        size_px: side of the kernel, odd.
        cutoff: radius of the passband, in radians per pixel.
    """

    size_px: int = parameter(3, MAX_SIZE_PX, odd=True)
    cutoff: float = parameter(0.1, math.pi)

    def build_kernel(self) -> Kernel:
        """Build the kernel, (size_px, size_px)."""
        return build_sinc(self.size_px, self.cutoff)

    def apply(self, image: Floats, surroundings: Surroundings) -> Floats:
        """Convolve the picture."""
        return convolve(image, self.build_kernel())


@dataclass(frozen=True)
class Smooth(Step):
    """The denoising of cameras: a bilateral filter, which smears fine texture.

    Attributes:
        reach_px: standard deviation in space, in pixels.
        tolerance: standard deviation of the levels that are averaged, in 0..1.
    """

    reach_px: float = parameter(0.3, 5)
    tolerance: float = parameter(0.001, 0.5)

    def apply(self, image: Floats, surroundings: Surroundings) -> Floats:
        """Smooth the picture."""
        reach = max(3, 2 * round(2 * self.reach_px) + 1)
        smooth = cv2.bilateralFilter(clip(image), reach, self.tolerance, self.reach_px)
        return np.asarray(smooth, np.float32)


@dataclass(frozen=True)
class Sharpen(Step):
    """The sharpening of cameras and recorders: an unsharp mask, which draws halos.

    Attributes:
        radius_px: standard deviation of its Gaussian, in pixels.
        amount: factor of the difference.
    """

    radius_px: float = parameter(0.3, 10)
    amount: float = parameter(0, 5)

    def apply(self, image: Floats, surroundings: Surroundings) -> Floats:
        """Sharpen and clip the picture."""
        blurred = cv2.GaussianBlur(image, (0, 0), self.radius_px)
        return clip(image + np.float32(self.amount) * (image - blurred))


def convolve(image: Floats, kernel: Kernel) -> Floats:
    """Correlate each channel with a kernel; the picture is reflected at its borders."""
    return np.asarray(
        cv2.filter2D(image, cv2.CV_32F, kernel, borderType=cv2.BORDER_REFLECT_101), np.float32
    )
