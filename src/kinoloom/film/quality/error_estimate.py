"""How far off a new picture is likely to be, before anyone has seen the truth.

`fast`: where the weights of guesses are inverses of the squared errors of their samples, and
these errors are independent, the squared error of the mix is the inverse of the sum of the weights
(the usual rule of weighted means). They are not independent: guesses err together. `refine`: its
network was taught to say the logarithm of the error, and says rather its median than its mean.
Each is brought to the scale of true errors by one factor, which `benchmarks/film_doubt.py` fits
on training videos.
"""

from __future__ import annotations

import math

import numpy as np

from kinoloom.film.engine import ErrorMap
from kinoloom.motion.flow import Field

DOUBTFUL_DB = 18.0
"""New pictures that are expected below this will probably look bad."""

_OF_FIT, _OF_NETWORK = 3.4, 2.0
OF_LITE = 2.3
"""How many times larger true errors are, root mean square over a picture; of `lite`, whose four
motions differ less than the guesses of `fast`."""


def error_of_fit(fit: Field, factor: float = _OF_FIT) -> ErrorMap:
    """The expected error of a mix of guesses.

    Args:
        fit: (h, w), the sum of their weights: inverses of squared differences in levels of 8 bits.
        factor: to the scale of true errors.
    """
    return np.asarray(factor / 255 / np.sqrt(fit), np.float32)


def error_of_network(error: Field) -> ErrorMap:
    """The expected error of what the refining network judged.

    Args:
        error: (h, w), as `refine.Refined`.
    """
    return np.asarray(_OF_NETWORK * error, np.float32)


def expected_psnr_db(error: ErrorMap) -> float:
    """The ratio of signal to noise of a picture with these errors; at most 100 dB."""
    return -10 * math.log10(max(float(np.square(error).mean()), 1e-10))
