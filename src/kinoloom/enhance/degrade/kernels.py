"""Blur kernels: Gaussian, generalised Gaussian and plateau shapes, and the circular sinc filter.

Conventions: kernels are (size, size) float32 with a sum of 1; x runs to the right and y down, in
pixels from the centre; angles turn from x towards y.

Sources: Wang et al., "Real-ESRGAN", ICCV workshops 2021, section 3 (all shapes, the sinc filter);
Liu et al., "Estimating generalized Gaussian blur kernels for out-of-focus image deblurring", IEEE
TCSVT 2020 (generalised Gaussian).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Kernel = NDArray[np.float32]


def build_gaussian(
    size: int, sigma_x: float, sigma_y: float, angle: float = 0.0, beta: float = 1.0
) -> Kernel:
    """Build a generalised Gaussian kernel, exp(-d^beta / 2), where d is the squared distance.

    Args:
        size: side in pixels, odd.
        sigma_x, sigma_y: standard deviations along the axes of the kernel, in pixels.
        angle: of its first axis, in radians.
        beta: 1 is a Gaussian, less has long tails, more is flat with steep edges.
    """
    return _normalise(np.exp(-0.5 * _measure(size, sigma_x, sigma_y, angle) ** beta))


def build_plateau(
    size: int, sigma_x: float, sigma_y: float, angle: float = 0.0, beta: float = 1.0
) -> Kernel:
    """Build a plateau kernel, 1 / (1 + d^beta); see `build_gaussian` for the arguments."""
    return _normalise(1 / (1 + _measure(size, sigma_x, sigma_y, angle) ** beta))


def build_sinc(size: int, cutoff: float) -> Kernel:
    """Build the ideal circular low-pass filter, truncated to a square; it rings at edges.

    Args:
        size: side in pixels, odd.
        cutoff: radius of the passband in radians per pixel, up to pi.
    """
    x, y = _coordinates(size)
    radius = np.hypot(x, y)
    centre = size // 2
    radius[centre, centre] = 1.0
    kernel = cutoff * _bessel_j1(cutoff * radius) / (2 * math.pi * radius)
    kernel[centre, centre] = cutoff**2 / (4 * math.pi)
    return _normalise(kernel)


def build_shifted_gaussian(size: int, sigma: float, shift: float) -> Kernel:
    """Build an isotropic Gaussian kernel whose centre is `shift` pixels to the right and down."""
    x, y = _coordinates(size)
    return _normalise(np.exp(-0.5 * ((x - shift) ** 2 + (y - shift) ** 2) / sigma**2))


def _coordinates(size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    line = np.arange(size, dtype=np.float64) - size // 2
    x, y = np.meshgrid(line, line)
    return x, y


def _measure(size: int, sigma_x: float, sigma_y: float, angle: float) -> NDArray[np.float64]:
    """Return the squared distance from the centre in units of the standard deviations."""
    x, y = _coordinates(size)
    cos, sin = math.cos(angle), math.sin(angle)
    return ((cos * x + sin * y) / sigma_x) ** 2 + ((cos * y - sin * x) / sigma_y) ** 2


def _bessel_j1(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the Bessel function J1, the mean of cos(t - x sin t) over half a turn.

    The trapezoidal rule converges geometrically for a periodic integrand; 128 intervals suffice for
    |x| up to 60, far beyond pi times the diagonal of the largest kernel.
    """
    turns = np.linspace(0, math.pi, 129)
    values = np.cos(turns - x[..., None] * np.sin(turns))
    return np.asarray(values[..., 1:-1].sum(axis=-1) + values[..., [0, -1]].mean(axis=-1)) / 128


def _normalise(kernel: NDArray[np.float64]) -> Kernel:
    return np.asarray(kernel / kernel.sum(), np.float32)
