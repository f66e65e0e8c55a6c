"""PSNR and SSIM of the luma of two pictures, by the protocol of the super-resolution literature.

Luma is that of MATLAB's rgb2ycbcr (ITU-R BT.601, studio range): 16 for black, 235 for white, on
8-bit RGB, and not rounded. The peak is 255, so a picture that is black instead of white has a PSNR
of 1.32 dB, not 0. Borders are cropped by as many pixels as the scale factor. SSIM is that of
`metrics.quality`: a window of 11x11, inside the picture.

Source: ITU-R BT.601-7, for the weights; the protocol as in Dong et al., "Image super-resolution
using deep convolutional networks", TPAMI 38(2), 2016.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture, check_picture, to_float
from kinoloom.errors import ArrayError
from kinoloom.metrics.quality import psnr_of_values, ssim_of_values

_WEIGHTS = (65.481, 128.553, 24.966)
"""Of red, green and blue in 0..1; they sum to 219."""
_BLACK = 16.0
_PEAK = 255.0


def to_luma(picture: Picture) -> NDArray[np.float64]:
    """Return the luma of a picture, (H, W) in 16..235; alpha is ignored.

    Args:
        picture: (H, W, 3) or (H, W, 4), see `base.arrays`.

    Raises:
        ArrayError: not a picture.
    """
    colors = to_float(check_picture(picture))[..., :3].astype(np.float64)
    return np.asarray(_BLACK + colors @ np.array(_WEIGHTS))


def crop_border(image: NDArray[Any], border_px: int) -> NDArray[Any]:
    """Return a view of an image without `border_px` pixels at each of its four sides.

    Args:
        image: (H, W) or (H, W, C).
        border_px: at least 0.

    Raises:
        ArrayError: nothing is left, or the border is negative.
    """
    height, width = image.shape[:2]
    if not 0 <= 2 * border_px < min(height, width):
        raise ArrayError(
            f"A border of {border_px} pixels cannot be cropped from {width}x{height} pixels."
        )
    return image[border_px : height - border_px, border_px : width - border_px]


def psnr_y(picture: Picture, truth: Picture, border_px: int = 0) -> float:
    """Return the PSNR of luma in dB; infinite for equal luma.

    Args:
        picture, truth: of one size, 8 bit for comparable figures.
        border_px: cropped at each side.

    Raises:
        ArrayError: not pictures, of different size, or smaller than the border.
    """
    return psnr_of_values(*_pair(picture, truth, border_px))


def ssim_y(picture: Picture, truth: Picture, border_px: int = 0) -> float:
    """Return the structural similarity of luma, 1 for equal luma.

    Args:
        picture, truth, border_px: as `psnr_y`; at least 11 pixels a side are left.

    Raises:
        ArrayError: as `psnr_y`, or less than the window is left.
    """
    return ssim_of_values(*_pair(picture, truth, border_px))


def _pair(
    picture: Picture, truth: Picture, border_px: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    first, second = to_luma(picture), to_luma(truth)
    if first.shape != second.shape:
        raise ArrayError(
            f"The pictures differ in size: {first.shape[1]}x{first.shape[0]} and "
            f"{second.shape[1]}x{second.shape[0]}."
        )
    return crop_border(first, border_px) / _PEAK, crop_border(second, border_px) / _PEAK
