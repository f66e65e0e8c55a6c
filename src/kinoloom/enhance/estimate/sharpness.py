"""Blur, and the true resolution below the stored one.

Blur: a step edge that was blurred by a Gaussian and is blurred once more loses contrast; the ratio
of the gradients before and after gives the first blur, as the median over the strongest edges.

True resolution: an enlarged picture has little power above the highest frequency of the original.
The power spectrum of natural pictures falls with the square of the frequency; the true resolution
follows from the highest frequency at which the power, relative to that law, is above a small share
of that at low frequencies.

Errors: benchmarks/results/enhance_estimates.json.

Sources: Zhuo and Sim, "Defocus map estimation from a single image", Pattern Recognition 44(9),
2011; Field, "Relations between the statistics of natural images and the response properties of
cortical cells", JOSA A 4(12), 1987 (the law of the spectrum).
"""

from __future__ import annotations

import cv2
import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.enhance.estimate.levels import Values, to_grey_levels

_REBLUR_PX = 1.0
_STRONG = 0.97
"""Edges are pixels with a gradient above this quantile that is the largest among its neighbours."""
_MIN_GRADIENT = 2.0
"""Levels per pixel; weaker gradients are no edges."""
_MIN_EDGES = 20
_MIN_SIDE_PX = 32
_BINS = 129
_LOW = (0.03, 0.10)
"""Frequencies of the reference power, in cycles per pixel."""
_MIN_POWER = 0.03
_SPILL = 1.35
"""Ratio of the highest frequency with power to that of the original: filters that enlarge pictures
leave some power above it. Fitted to bicubic enlargement by 1.5 to 4."""
_WHOLE = 0.97
"""Highest frequencies above this are those of a picture that was not enlarged."""


def estimate_blur_px(picture: Picture) -> float:
    """Estimate the blur of the strongest edges.

    Args:
        picture: (H, W, 3) or (H, W, 4), see `base.arrays`.

    Returns:
        Standard deviation of the Gaussian in pixels, of lens, processing and pixels together; nan
        if the picture has too few edges.

    Raises:
        ArrayError: not a picture.
    """
    grey = to_grey_levels(picture)
    again = np.asarray(cv2.GaussianBlur(grey, (0, 0), _REBLUR_PX), np.float64)
    before, after = _gradient(grey), _gradient(again)
    peak = before >= np.asarray(cv2.dilate(before, np.ones((3, 3), np.uint8)))
    strong = before > max(float(np.quantile(before, _STRONG)), _MIN_GRADIENT)
    edges = peak & strong
    if edges.sum() < _MIN_EDGES:
        return float("nan")
    ratios = np.maximum(before[edges] / np.maximum(after[edges], 1e-6), 1.001)
    variances = _REBLUR_PX**2 / (ratios**2 - 1)
    return float(np.sqrt(np.median(variances)))


def estimate_true_resolution(picture: Picture) -> float:
    """Estimate the share of the stored resolution that a picture has.

    Args:
        picture: (H, W, 3) or (H, W, 4), see `base.arrays`.

    Returns:
        In 0..1, for the direction with less: 0.5 for a picture that was enlarged 2 times; nan for
        sides below 32 pixels or pictures without detail.

    Raises:
        ArrayError: not a picture.
    """
    grey = to_grey_levels(picture)
    if min(grey.shape) < _MIN_SIDE_PX or np.ptp(grey) == 0:
        return float("nan")
    return min(_find_cutoff(grey), _find_cutoff(grey.T))


def _gradient(grey: Values) -> Values:
    """Return the length of the gradient in levels per pixel."""
    parts = (cv2.Sobel(grey, cv2.CV_64F, *order) / 8 for order in ((1, 0), (0, 1)))
    return np.asarray(np.hypot(*parts), np.float64)


def _find_cutoff(grey: Values) -> float:
    """Return the highest horizontal frequency of the original, relative to the highest possible."""
    window = np.hanning(grey.shape[1])
    spectrum = np.fft.rfft((grey - grey.mean(axis=1, keepdims=True)) * window, axis=1)
    power = np.square(np.abs(spectrum)).mean(axis=0)
    frequencies = np.linspace(0, 0.5, _BINS)
    even = np.interp(frequencies, np.fft.rfftfreq(grey.shape[1]), power)
    smooth = np.convolve(np.pad(even, 2, mode="edge"), np.full(5, 0.2), "valid")
    relative = smooth * frequencies**2
    low = (frequencies > _LOW[0]) & (frequencies < _LOW[1])
    above = np.flatnonzero(relative > _MIN_POWER * relative[low].mean())
    highest = float(frequencies[above[-1]] / 0.5) if len(above) else 0.0
    return 1.0 if highest > _WHOLE else highest / _SPILL
