"""The windowed temporal filter: a frame averaged with its neighbours along the motion.

Each neighbour is warped to the centre frame by dense optical flow and a cubic kernel. Its weight at
a pixel is exp(-max(d - e, 0) / (0.35 v + 2)), where v is the variance of the noise there, d the
mean squared difference to the centre over 5x5 pixels and all colours, and e what noise alone makes
of d: v (1 + k), where k is the share of the variance that interpolation between pixels keeps, 1 at
whole pixels and 0.52 in between. Where nothing matches, all weights are 0 and the pixel keeps its
value and its noise: so the result is never worse than the frame.

The result comes with the standard deviation of the noise that is left at each pixel,
sqrt(v (1 + sum of k w^2)) / (1 + sum of w), which a spatial denoiser receives as its noise map.
Noise of warped frames counts as independent between pixels, which it is not quite.

Units: 8-bit levels inside this module, 0..1 in its results.

Source: kinoloom; tuned on clips of the training videos at noise of 25 levels. The motion is
DIS (see `motion.dense_flow`): its noise falls with the mean of the colours and a small blur, and
patches at half size with variational refinement gain 0.3 dB over OpenCV's fast preset.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture, to_float
from kinoloom.enhance.estimate.noise import Noise
from kinoloom.errors import ArrayError
from kinoloom.motion.dense_flow import create_search, search_flow
from kinoloom.motion.flow import pixel_grid

Floats = NDArray[np.float32]

RADIUS = 2
"""Frames before and after the centre."""
_BLUR_PX = 1.0
"""Standard deviation of the blur before the search for motion."""
_MATCH_PX = 5
"""Side of the square over which frames are compared."""
_TOLERANCE, _TOLERANCE_LEVELS2 = 0.35, 2.0
"""Excess of the squared difference at which a weight is 1/e: a share of the noise's variance, and
a constant in squared levels."""
_KEPT_2, _KEPT_3 = 3.375, 4.25
"""Of `_kept_variance`; exact for OpenCV's cubic kernel (a = -0.75)."""


@dataclass(frozen=True)
class PreparedFrame:
    """A frame as the filter needs it; prepared once, used in several windows.

    Attributes:
        planes: (3, H, W) float32 RGB in levels.
        grey: (H, W) uint8, the blurred mean of the colours, for motion and brightness.
    """

    planes: Floats
    grey: NDArray[np.uint8]


@dataclass(frozen=True)
class Filtered:
    """A filtered frame.

    Attributes:
        image: (H, W, 3) float32 RGB, 0..1 about, not clipped.
        noise: (H, W) float32, the standard deviation of the noise that is left, in the same unit.
    """

    image: Floats
    noise: Floats


def prepare_frame(picture: Picture) -> PreparedFrame:
    """Prepare a picture, (H, W, 3) or (H, W, 4) of any dtype of `base.arrays`; alpha is ignored."""
    colours = to_float(picture[..., :3]).transpose(2, 0, 1)
    planes = np.multiply(colours, np.float32(255), order="C")
    mean = np.rint(planes.sum(axis=0) * np.float32(1 / 3)).astype(np.uint8)
    return PreparedFrame(planes, np.asarray(cv2.GaussianBlur(mean, (0, 0), _BLUR_PX), np.uint8))


def noise_variance(frame: PreparedFrame, noise: Noise) -> Floats:
    """Return the variance of the noise of each pixel, (H, W) in squared levels, at least 0."""
    variance = np.full(frame.grey.shape, noise.constant, np.float32)
    if noise.slope:
        size = (_MATCH_PX, _MATCH_PX)
        variance += np.float32(noise.slope) * cv2.boxFilter(frame.grey, cv2.CV_32F, size)
    return np.maximum(variance, 0)


class WindowFilter:
    """The filter; keeps the working memory of the search for motion. Use one per thread."""

    def __init__(self) -> None:
        self._search = create_search(1, 5, descents=8, stride_px=5)
        self._search.setVariationalRefinementAlpha(30)
        self._search.setVariationalRefinementGamma(7)

    def __call__(self, window: Sequence[PreparedFrame], centre: int, noise: Noise) -> Filtered:
        """Filter one frame of a window.

        Args:
            window: frames of one size and one scene, in order; about 2 before and after the centre.
            centre: index of the frame that is filtered.
            noise: of these frames, in levels; a picture with no noise is returned unchanged.

        Raises:
            ArrayError: the centre is outside the window, or sizes differ.
        """
        _check_window(window, centre)
        frame = window[centre]
        variance = noise_variance(frame, noise)
        total, weights = frame.planes.copy(), np.ones_like(variance)
        squares = np.ones_like(variance)
        if variance.any():
            for number, neighbour in enumerate(window):
                if number == centre:
                    continue
                warped, weight, kept = self._match(frame, neighbour, variance)
                weights += weight
                squares += weight * weight * kept
                warped *= weight
                total += warped
        image = total.transpose(1, 2, 0) / (255 * weights[..., None])
        left = np.sqrt(variance * squares) / (255 * weights)
        return Filtered(np.ascontiguousarray(image), left)

    def _match(
        self, frame: PreparedFrame, neighbour: PreparedFrame, variance: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """Return the warped neighbour (3, H, W), its weights, and the kept variance, (H, W)."""
        flow = search_flow(self._search, frame.grey, neighbour.grey)
        positions = pixel_grid(*frame.grey.shape) + flow
        warped = _warp(neighbour.planes, positions)
        kept = kept_variance(positions)
        difference = warped - frame.planes
        difference *= difference
        size = (_MATCH_PX, _MATCH_PX)
        mean = cv2.boxFilter(difference.sum(axis=0), -1, size) * np.float32(1 / 3)
        excess = np.maximum(mean - variance * (1 + kept), 0)
        weight = np.exp(-excess / (_TOLERANCE * variance + _TOLERANCE_LEVELS2))
        weight[~_is_inside(positions)] = 0
        return warped, weight, kept


def kept_variance(positions: Floats) -> Floats:
    """Return the share of the variance of white noise that the cubic kernel keeps.

    The sum of the squared weights of the kernel, in closed form.

    Args:
        positions: (H, W, 2) as (x, y) in pixels.

    Returns:
        (H, W), from 0.52 halfway between pixels to 1 on them.
    """
    part = positions - np.floor(positions)
    q = part * (1 - part)
    kept = 1 - q * q * (_KEPT_2 + _KEPT_3 * q)
    return np.asarray(kept[..., 0] * kept[..., 1], np.float32)


def _warp(planes: Floats, positions: Floats) -> Floats:
    fixed, table = cv2.convertMaps(positions, None, cv2.CV_16SC2)  # type: ignore[call-overload]  # None is allowed
    edge = cv2.BORDER_REPLICATE
    return np.stack(
        [cv2.remap(plane, fixed, table, cv2.INTER_CUBIC, borderMode=edge) for plane in planes]
    )


def _is_inside(positions: Floats) -> NDArray[np.bool_]:
    """Whether positions (H, W, 2) are within half a pixel of the picture of the same size."""
    height, width = positions.shape[:2]
    x, y = positions[..., 0], positions[..., 1]
    inside = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
    return np.asarray(inside)


def _check_window(window: Sequence[PreparedFrame], centre: int) -> None:
    if not 0 <= centre < len(window):
        raise ArrayError(f"Frame {centre} is not in a window of {len(window)} frames.")
    sizes = {frame.grey.shape for frame in window}
    if len(sizes) > 1:
        listed = " and ".join(f"{width}x{height}" for height, width in sorted(sizes))
        raise ArrayError(f"The frames of a window must have one size, not {listed}.")
