"""The recursive temporal filter: cheap, for live video.

The previous result is the reference: it is warped to the new frame along the motion and blended
with it. The weights are those of a Kalman filter, by the variances of the noise in the frame and in
the reference, times a trust that falls where both differ by more than noise explains. Before, a
local Wiener filter (Lee) smooths the frame where it is flat, which helps the first frames and what
the reference does not show. Motion, trust and variances are computed at half size.

A result depends on all frames since the recursion began. To give the same frames from any start
time, `filter_live` restarts it at each cut and at fixed times; the next recursion begins a moment
before its time, so that a restart is not visible.

Units: 8-bit levels inside this module, 0..1 in its results.

Source: kinoloom; J.-S. Lee, "Digital image enhancement and noise filtering by use of local
statistics", IEEE PAMI 2(2), 1980 (the local Wiener filter). Constants were tuned on clips of the
training videos at noise of 25 levels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture, to_float
from kinoloom.base.clip import Frame
from kinoloom.enhance.estimate.noise import Noise
from kinoloom.enhance.temporal.shots import ShotFrame
from kinoloom.enhance.temporal.window import Filtered, Floats
from kinoloom.motion.dense_flow import create_search, search_flow
from kinoloom.motion.flow import pixel_grid, resize_flow, sample

RESTART_S = Fraction(4)
"""A recursion ends at multiples of this time."""
WARM_UP_S = Fraction(2, 5)
"""The next one begins this long before."""
_BLUR_PX = 0.8
"""Of the half-size pictures between which motion is searched."""
_SMOOTH_PX = 5
"""Side of the squares of the Wiener filter, and of those over which frames are compared."""
_WIENER_GAIN = 0.6
"""How far the Wiener filter lowers the standard deviation in a flat region."""
_PIXELS, _VALUES = 4, 12
"""Pixels, and values of three colours, in one pixel of half size."""
_MARGIN, _TOLERANCE = 1.15, 2.0
"""Of the squared difference that noise explains: what counts as explained, and the excess at which
the trust is 1/e."""
_DRIFT = 0.02
"""Share of the frame's variance that each step adds to that of the reference."""
_MEAN = np.full((1, 3), 1 / 3, np.float32)


@dataclass(frozen=True)
class _State:
    """The reference.

    Attributes:
        image: (H, W, 3) float32 in levels.
        grey: (h, w) uint8, its blurred mean at half size.
        variance: (h, w) float32, of the noise of its pixels.
    """

    image: Floats
    grey: NDArray[np.uint8]
    variance: Floats


class RecursiveFilter:
    """The filter of one stream of frames; not for several threads at once."""

    def __init__(self) -> None:
        self._search = create_search(1, 0, descents=8, stride_px=4)
        self._state: _State | None = None

    def restart(self) -> None:
        """Forget the frames so far, as at a cut."""
        self._state = None

    def __call__(self, picture: Picture, noise: Noise) -> Filtered:
        """Filter the next frame.

        Args:
            picture: (H, W, 3) or (H, W, 4) of any dtype of `base.arrays`; alpha is ignored. A
                picture of another size than the previous one restarts the filter.
            noise: of this frame, in levels; at 0 the picture is returned unchanged.
        """
        image = to_float(picture[..., :3]) * np.float32(255)
        half = _halve(image)
        mean = _mean_colors(half)
        grey = _to_grey(mean)
        variance = np.maximum(noise.constant + np.float32(noise.slope) * grey, 0).astype(np.float32)
        image, left = _smooth(image, mean, variance)
        if self._state is not None and self._state.image.shape == image.shape:
            image, left = self._blend(self._state, image, half, grey, (variance, left))
        self._state = _State(image, _to_grey(_mean_colors(_halve(image))), left)
        deviation = cv2.resize(np.sqrt(left), image.shape[1::-1])
        return Filtered(image / np.float32(255), deviation / np.float32(255))

    def _blend(
        self,
        state: _State,
        image: Floats,
        half: Floats,
        grey: NDArray[np.uint8],
        variances: tuple[Floats, Floats],
    ) -> tuple[Floats, Floats]:
        """Return the mean of the smoothed frame and the reference, and its variance.

        Args:
            state: the reference.
            image: the smoothed frame.
            half, grey: of the frame as it came.
            variances: of the frame as it came, and of the smoothed one.
        """
        height, width = image.shape[:2]
        flow = search_flow(self._search, grey, state.grey)
        positions = pixel_grid(height, width) + resize_flow(flow, height, width)
        warped = sample(state.image, positions)
        old = sample(state.variance, pixel_grid(*grey.shape) + flow)
        fresh, smooth = variances
        explained = (fresh + old) * np.float32(1 / _PIXELS)
        difference = _halve(warped) - half
        size = (_SMOOTH_PX, _SMOOTH_PX)
        found = cv2.boxFilter(_mean_colors(difference * difference), -1, size)
        excess = np.maximum(found - _MARGIN * explained, 0)
        trust = np.exp(-excess / (_TOLERANCE * explained + 1))
        gain = trust * smooth / np.maximum(smooth + old, np.float32(1e-6))
        left = (1 - gain) ** 2 * smooth + gain**2 * old + _DRIFT * fresh * gain
        warped -= image
        warped *= _spread(gain, height, width)
        warped += image
        return warped, np.minimum(left, fresh).astype(np.float32)


def filter_live(
    frames: Iterable[tuple[ShotFrame, Noise]],
) -> Iterator[tuple[Frame, Noise, Filtered]]:
    """Yield each frame with its noise and its filtered picture, the same from any start time.

    Args:
        frames: in order, from at least `lookback_begin` of the first one that matters.
    """
    current, following = RecursiveFilter(), RecursiveFilter()
    period: int | None = None
    for item, noise in frames:
        time = item.frame.time
        number = time // RESTART_S
        if period is not None and number != period:
            current, following = following, RecursiveFilter()
            if number != period + 1:
                current.restart()
        period = number
        if item.begins:
            current.restart()
            following.restart()
        if time >= (number + 1) * RESTART_S - WARM_UP_S:
            following(item.frame.image, noise)
        yield item.frame, noise, current(item.frame.image, noise)


def lookback_begin(time: Fraction) -> Fraction:
    """Return the time from which the frame at a time depends on frames, in seconds, at least 0."""
    return max(time // RESTART_S * RESTART_S - WARM_UP_S, Fraction(0))


def _smooth(image: Floats, mean: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """Return a picture after the local Wiener filter, and the variance that is left."""
    size = (_SMOOTH_PX, _SMOOTH_PX)
    local = cv2.blur(mean, size)
    spread = cv2.blur(mean * mean, size) - local * local
    share = np.minimum(variance / np.maximum(_VALUES * spread, np.float32(1e-3)), 1)
    smooth = np.asarray(cv2.blur(image, size), np.float32)
    smooth -= image
    smooth *= _spread(share, *image.shape[:2])
    smooth += image
    return smooth, variance * (1 - np.float32(_WIENER_GAIN) * share) ** 2


def _mean_colors(image: Floats) -> Floats:
    """Return the mean of the colours of each pixel, (H, W)."""
    return np.asarray(cv2.transform(image, _MEAN), np.float32)


def _halve(image: Floats) -> Floats:
    height, width = image.shape[:2]
    size = ((width + 1) // 2, (height + 1) // 2)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.float32)


def _to_grey(mean: Floats) -> NDArray[np.uint8]:
    levels = cv2.convertScaleAbs(np.maximum(mean, 0))
    return np.asarray(cv2.GaussianBlur(levels, (0, 0), _BLUR_PX), np.uint8)


def _spread(values: Floats, height: int, width: int) -> Floats:
    """Return values of half size for each colour of each pixel: (height, width, 3)."""
    return np.asarray(cv2.merge([cv2.resize(values, (width, height))] * 3), np.float32)
