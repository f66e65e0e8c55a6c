"""Error estimates of interpolated frames, computed without the ground truth.

If the weights of the motion candidates are the inverse squared errors of their samples, and these
errors are independent, the squared error of the blended frame is the inverse of the sum of the
weights (inverse-variance weighting). In practice the errors are correlated, so one factor, fitted
on training videos by `benchmarks/film_error_estimate.py`, scales the estimates to true errors.
"""

from __future__ import annotations

import math

import numpy as np

from kinoloom.film.engine import ErrorMap
from kinoloom.motion.flow import Field

WARNING_PSNR_DB = 18.0
"""Frames with a lower estimated PSNR trigger a quality warning."""

_FIT_FACTOR = 3.4
"""Ratio of true to estimated error."""


def estimate_error(fit: Field) -> ErrorMap:
    """Estimate the error of a blended frame.

    Args:
        fit: (h, w), the sum of the candidates' weights: inverse squared differences in 8-bit
            levels.
    """
    return np.asarray(_FIT_FACTOR / 255 / np.sqrt(fit), np.float32)


def estimate_psnr_db(error: ErrorMap) -> float:
    """Return the PSNR of a frame with this error map, at most 100 dB."""
    return -10 * math.log10(max(float(np.square(error).mean()), 1e-10))
