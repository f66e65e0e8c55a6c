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
    first, second = _pair(picture, truth)
    error = float(np.mean(np.square(first.astype(np.float64) - second)))
    return math.inf if error == 0 else -10 * math.log10(error)


def ssim(picture: Picture, truth: Picture) -> float:
    """Return the structural similarity, 1 for equal pictures; the module states the protocol.

    Args:
        picture, truth: (H, W, C) of one shape and dtype, each side at least 11 pixels.

    Raises:
        ArrayError: not pictures, of different shape or dtype, or smaller than the window.
    """
    first, second = (a.astype(np.float64) for a in _pair(picture, truth))
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


def _pair(picture: Picture, truth: Picture) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    check_picture(picture)
    check_picture(truth, "truth")
    if picture.shape != truth.shape or picture.dtype != truth.dtype:
        raise ArrayError(
            f"The pictures differ in shape or dtype: {picture.shape} {picture.dtype} and "
            f"{truth.shape} {truth.dtype}."
        )
    return to_float(picture), to_float(truth)


def _smooth(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the Gaussian mean over each window inside the picture, (H-10, W-10, C)."""
    import cv2

    kernel = cv2.getGaussianKernel(_WINDOW, _SIGMA)
    margin = _WINDOW // 2
    smooth = np.asarray(cv2.sepFilter2D(image, cv2.CV_64F, kernel, kernel), np.float64)
    return smooth[margin:-margin, margin:-margin]
