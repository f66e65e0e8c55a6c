"""Error estimates of interpolated frames, computed without the ground truth.

`fast`: if the weights of the candidates are the inverse squared errors of their samples, and
these errors are independent, the squared error of the blended frame is the inverse of the sum of
the weights (inverse-variance weighting). In practice the errors are correlated. `refine`: its
network predicts the logarithm of the error, which is closer to the median than to the mean.
One factor per method, fitted on training videos by `benchmarks/film_error_estimate.py`, scales
the estimates to true errors.
"""

from __future__ import annotations

import math

import numpy as np

from kinoloom.film.engine import ErrorMap
from kinoloom.motion.flow import Field

WARNING_PSNR_DB = 18.0
"""Frames with a lower estimated PSNR trigger a quality warning."""

_FIT_FACTOR, _NETWORK_FACTOR = 3.4, 2.0
LITE_FIT_FACTOR = 2.3
"""Ratio of true to estimated error for `lite`, whose four motions differ less than the
candidates of `fast`."""


def estimate_error(fit: Field, factor: float = _FIT_FACTOR) -> ErrorMap:
    """Estimate the error of a blended frame.

    Args:
        fit: (h, w), the sum of the candidates' weights: inverse squared differences in 8-bit
            levels.
        factor: ratio of true to estimated error.
    """
    return np.asarray(factor / 255 / np.sqrt(fit), np.float32)


def scale_network_error(error: Field) -> ErrorMap:
    """Scale the error predicted by the refinement network to true errors.

    Args:
        error: (h, w), see `refine.Refinement`.
    """
    return np.asarray(_NETWORK_FACTOR * error, np.float32)


def estimate_psnr_db(error: ErrorMap) -> float:
    """Return the PSNR of a frame with this error map, at most 100 dB."""
    return -10 * math.log10(max(float(np.square(error).mean()), 1e-10))
