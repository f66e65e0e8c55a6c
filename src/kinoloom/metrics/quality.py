"""PSNR and SSIM of two pictures.

Source: SSIM is Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error
visibility to structural similarity", IEEE TIP 13(4), 2004, with its 11x11 Gaussian window of
standard deviation 1.5, K1 = 0.01, K2 = 0.03, computed in each colour channel over windows fully
inside the picture, and averaged: the protocol of the frame-interpolation literature (tf.image.ssim
with default arguments).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture, check_picture, to_float
from kinoloom.errors import ArrayError

Values = NDArray[np.float64]
"""Samples of pictures in 0..1."""

_WINDOW = 11
_SIGMA = 1.5
_C1, _C2 = 0.01**2, 0.03**2


def psnr(picture: Picture, truth: Picture) -> float:
    """Return the peak signal-to-noise ratio in dB; infinite for equal pictures.

    Args:
        picture, truth: (H, W, C) of one shape and dtype, see `base.arrays`.

    Raises:
        ArrayError: not pictures, or of different shape or dtype.
    """
    return psnr_of_values(*_pair(picture, truth))


def ssim(picture: Picture, truth: Picture) -> float:
    """Return the structural similarity, 1 for equal pictures; the module states the protocol.

    Args:
        picture, truth: (H, W, C) of one shape and dtype, each side at least 11 pixels.

    Raises:
        ArrayError: not pictures, of different shape or dtype, or smaller than the window.
    """
    return ssim_of_values(*_pair(picture, truth))


def psnr_of_values(first: Values, second: Values) -> float:
    """Return the peak signal-to-noise ratio in dB of two arrays of one shape, with a peak of 1."""
    error = float(np.mean(np.square(first - second)))
    return math.inf if error == 0 else -10 * math.log10(error)


def ssim_of_values(first: Values, second: Values) -> float:
    """Return the structural similarity of two arrays of one shape, with a peak of 1.

    Args:
        first, second: (H, W) or (H, W, C).

    Raises:
        ArrayError: a side is smaller than the window.
    """
    if min(first.shape[:2]) < _WINDOW:
        raise ArrayError(
            f"SSIM needs pictures of at least {_WINDOW}x{_WINDOW} pixels, not "
            f"{first.shape[1]}x{first.shape[0]}."
        )
    mean1, mean2 = _smooth(first), _smooth(second)
    var1 = _smooth(first * first) - mean1 * mean1
    var2 = _smooth(second * second) - mean2 * mean2
    cov = _smooth(first * second) - mean1 * mean2
    score = ((2 * mean1 * mean2 + _C1) * (2 * cov + _C2)) / (
        (mean1 * mean1 + mean2 * mean2 + _C1) * (var1 + var2 + _C2)
    )
    return float(score.mean())


def _pair(picture: Picture, truth: Picture) -> tuple[Values, Values]:
    check_picture(picture)
    check_picture(truth, "truth")
    if picture.shape != truth.shape or picture.dtype != truth.dtype:
        raise ArrayError(
            f"The pictures differ in shape or dtype: {picture.shape} {picture.dtype} and "
            f"{truth.shape} {truth.dtype}."
        )
    return to_float(picture).astype(np.float64), to_float(truth).astype(np.float64)


def _smooth(image: Values) -> Values:
    """Return the Gaussian mean over each window inside the picture: 10 pixels less a side."""
    import cv2

    kernel = cv2.getGaussianKernel(_WINDOW, _SIGMA)
    margin = _WINDOW // 2
    smooth = np.asarray(cv2.sepFilter2D(image, cv2.CV_64F, kernel, kernel), np.float64)
    return smooth[margin:-margin, margin:-margin]
