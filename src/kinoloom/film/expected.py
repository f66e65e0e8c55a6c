"""How far off a new picture is likely to be, before anyone has seen the truth.

`fast`: where the weights of guesses are inverses of the squared errors of their samples, and
these errors are independent, the squared error of the mix is the inverse of the sum of the weights
(the usual rule of weighted means). They are not independent: guesses err together. `refine`: its
network was taught to say the error. Either is brought to the scale of true errors by two numbers
that `benchmarks/film_doubt.py` fits on the training videos.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from kinoloom.film.engine import ErrorMap
from kinoloom.film.flow import Field

DOUBTFUL_DB = 20.0
"""New pictures that are expected below this will probably look bad."""


def error_of_fit(fit: Field) -> ErrorMap:
    """The expected error of a mix of guesses.

    Args:
        fit: (h, w), the sum of their weights: inverses of squared differences in levels of 8 bits.
    """
    return _calibrated(1 / (255 * np.sqrt(fit)), scale=9.7, power=1.18)


def error_of_network(error: Field) -> ErrorMap:
    """The expected error of what the refining network judged.

    Args:
        error: (h, w), as `refine.Refined`.
    """
    return _calibrated(error, scale=5.3, power=1.22)


def expected_psnr_db(error: ErrorMap) -> float:
    """The ratio of signal to noise of a picture with these errors; at most 100 dB."""
    return -10 * math.log10(max(float(np.square(error).mean()), 1e-10))


def _calibrated(error: NDArray[np.floating], scale: float, power: float) -> ErrorMap:
    return np.asarray(scale * error**power, np.float32)
