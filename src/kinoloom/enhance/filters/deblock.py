"""Deblocking: smooth the borders of the 8x8 blocks of JPEG and older video codecs.

At each border, a step that the slopes on both sides do not explain is an error of quantization if
it is small for the given quality. In flat blocks it becomes a ramp over four pixels on each side,
which is what coarsely quantized gradients need; in textured blocks only the two pixels at the
border move, by less. Higher steps are edges of the picture and are kept.

Sources: ITU-T T.81 (quantization table K.1); the two kinds of smoothing follow List et al.,
"Adaptive deblocking filter", IEEE TCSVT 13(7), 2003.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.options import option
from kinoloom.enhance.filters.channels import Colors, find_largest, repeat
from kinoloom.enhance.filters.filter import Context, Filter

_BLOCK = 8
_DC_STEP = 16
"""Quantization step of the mean of a block of luma, at quality 50."""
_STEP_LIMIT = 1.6
"""Highest step that counts as an error, in quantization steps of the mean of a block."""
_FLAT_LIMIT = 0.8
"""Variation inside a block below which it counts as flat, in the same unit."""
_MODERATE_QUALITY = 50
_RAMP = (7 / 16, 5 / 16, 3 / 16, 1 / 16)
"""Shares of a step by which pixels move, from the border inwards, to make a ramp."""
_TEXTURE_SHARE = 0.25


@dataclass(frozen=True)
class Deblock(Filter):
    """Smooths the borders of compressed blocks."""

    quality: int | None = option(None, "JPEG quality; measured, or 50 if unknown", low=1, high=100)

    @property
    def reach_px(self) -> int:
        """See `Filter`."""
        return _BLOCK

    def _filter(self, picture: Colors, context: Context) -> Colors:
        quality = self.quality or context.jpeg_quality or _MODERATE_QUALITY
        step = quantization_scale(quality) * _DC_STEP / _BLOCK / 255
        result = cv2.transpose(picture)  # rows are faster than columns
        _smooth_borders(result, context.origin[1], step, self.strength)
        result = np.asarray(cv2.transpose(result), np.float32)
        _smooth_borders(result, context.origin[0], step, self.strength)
        return result


def quantization_scale(quality: int) -> float:
    """Return the factor of the JPEG quantization tables, as libjpeg computes it.

    Args:
        quality: 1..100; the factor is 1 at 50.
    """
    return 50 / quality if quality < 50 else 2 - quality / 50


def _smooth_borders(lines: NDArray[np.float32], origin: int, step: float, strength: float) -> None:
    """Smooth the borders between blocks of lines, in place.

    Args:
        lines: (N, M, 3); the borders are between lines.
        origin: number of the first line in the whole picture.
        step: quantization step of the mean of a block.
        strength: 0..1.
    """
    first = -origin % _BLOCK or _BLOCK
    half = _BLOCK // 2
    first += _BLOCK if first < half else 0
    count = (len(lines) - half - first) // _BLOCK + 1
    if count < 1 or step <= 0:
        return
    above = [lines[first - 1 - k :: _BLOCK][:count] for k in range(half)]
    below = [lines[first + k :: _BLOCK][:count] for k in range(half)]
    slope = 0.5 * ((above[0] - above[1]) + (below[1] - below[0]))
    jump = below[0] - above[0]
    excess = jump - slope
    error = _fade(np.abs(excess), _STEP_LIMIT * step)
    inside = np.maximum(
        np.maximum(np.abs(above[0] - above[1]), np.abs(above[0] - above[3])),
        np.maximum(np.abs(below[0] - below[1]), np.abs(below[0] - below[3])),
    )
    flat = _fade(_repeat_largest(inside), _FLAT_LIMIT * step)
    ramp = np.float32(strength) * flat * error * jump
    local = np.float32(strength * _TEXTURE_SHARE) * (1 - flat) * error * excess
    for k in range(half):
        move = np.float32(_RAMP[k]) * ramp
        if k == 0:
            move += local
        above[k] += move
        below[k] -= move


def _repeat_largest(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return repeat(find_largest(values))


def _fade(values: NDArray[np.float32], limit: float) -> NDArray[np.float32]:
    """Return 1 up to half the limit, and less until 0 at the limit."""
    return np.clip(2 - values * np.float32(2 / limit), 0, 1)
