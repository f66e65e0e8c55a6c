"""The standard deviation of the noise in a picture, and its dependence on brightness.

Patches of natural pictures lie near a subspace, so the smallest eigenvalues of the covariance of
all patches are the variance of the noise. How many they are is found by a property of Gaussian
samples: their mean is their median. Black and white clip noise, which lowers the estimate. So only
patches are used where clipping costs little variance, and each column of the covariance is
corrected for the expected loss, from the moments of a clipped Gaussian at the local brightness.

Differences to the source: patches of 5x5 instead of 8x8 pixels, whose smaller covariance needs
fewer samples; the correction for clipping; and for rounding to 8 bits.

Errors: benchmarks/results/enhance_estimates.json, on photos that were not used to tune the
constants. Noise is assumed to be independent between pixels: noise that was resized, compressed or
demosaiced is underestimated.

Source: Chen, Zhu and Heng, "An efficient statistical method for image noise level estimation",
ICCV 2015.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture
from kinoloom.enhance.estimate.levels import Values, to_grey_levels, to_rgb_levels

_SIDE_PX = 5
_MAX_PATCHES = 30_000
_MIN_PATCHES = 300
"""Four times the rows of the covariance."""
_ROUNDING_VARIANCE = 1 / 12
_LOCAL_PX = 1.5
"""Standard deviation of the Gaussian filter for the local brightness."""
_MIN_KEPT_VARIANCE, _MIN_SHARE = 0.8, 0.15
"""Patches that keep this share of the variance of the noise are used, but at least this share of
all patches: those that keep most."""
_ROUNDS, _SETTLED = 4, 0.003
_MIN_SIGMA = 0.5
"""Below, clipping is not corrected."""
_BANDS = 8
"""Of brightness, with equally many patches, for the signal dependence."""
_MIN_RANGE = 40.0
"""Levels between the darkest and the brightest band, for a slope."""


@dataclass(frozen=True)
class Noise:
    """An estimate of noise, in 8-bit levels; nan if the picture is too small.

    Attributes:
        sigma: standard deviation over the whole picture, at least 0.
        constant, slope: the variance at brightness x in 0..255 is about constant + slope x, both at
            least 0. The slope is 0 if the picture has too little contrast for an estimate.
    """

    sigma: float
    constant: float
    slope: float


@dataclass(frozen=True)
class _Patches:
    """Patches of a picture.

    Attributes:
        values: (n, channels * 25).
        local: brightness around each pixel of a patch, of the same shape.
    """

    values: Values
    local: Values

    def select(self, chosen: NDArray[np.bool_]) -> _Patches:
        return _Patches(self.values[chosen], self.local[chosen])


def estimate_noise(picture: Picture, *, luma_only: bool = False) -> Noise:
    """Estimate the noise of a picture; see the module docstring.

    Args:
        picture: (H, W, 3) or (H, W, 4), see `base.arrays`.
        luma_only: measure the noise of luma instead of that of red, green and blue: for sources
            with subsampled chroma. Grey pictures are always measured so.

    Raises:
        ArrayError: not a picture.
    """
    levels = to_rgb_levels(picture)
    if luma_only or not np.ptp(levels, axis=2).any():
        levels = to_grey_levels(picture)[..., None]
    patches = _extract_patches(levels)
    if len(patches.values) < _MIN_PATCHES:
        return Noise(float("nan"), float("nan"), float("nan"))
    sigma = _estimate_sigma(patches)
    return Noise(sigma, *_fit_variance(patches, sigma))


def clip_moments(true: Values, sigma: float) -> tuple[Values, Values]:
    """Return the mean and the variance of Gaussian samples that are clipped to 0..255.

    Args:
        true: means before clipping, (n,).
        sigma: standard deviation before clipping, above 0.

    Returns:
        Both (n,).
    """
    z = np.linspace(-5, 5, 201)
    weights = np.exp(-z * z / 2)
    weights /= weights.sum()
    samples = np.clip(true[:, None] + sigma * z, 0, 255)
    mean = samples @ weights
    return mean, (samples * samples) @ weights - mean * mean


def _extract_patches(levels: Values) -> _Patches:
    """Return patches evenly spaced over a picture, (H, W, C) levels."""
    height, width, channels = levels.shape
    if min(height, width) < _SIDE_PX:
        empty = np.zeros((0, channels * _SIDE_PX**2))
        return _Patches(empty, empty)
    smooth = cv2.GaussianBlur(levels, (0, 0), _LOCAL_PX, borderType=cv2.BORDER_REFLECT)
    local = np.asarray(smooth, np.float64).reshape(levels.shape)
    count = (height - _SIDE_PX + 1) * (width - _SIDE_PX + 1)
    step = max(1, int(np.ceil(np.sqrt(count / _MAX_PATCHES))))
    return _Patches(_cut(levels, step), _cut(local, step))


def _cut(levels: Values, step: int) -> Values:
    side = (_SIDE_PX, _SIDE_PX)
    windows = np.lib.stride_tricks.sliding_window_view(levels, side, (0, 1))[::step, ::step]
    return windows.reshape(-1, levels.shape[2] * _SIDE_PX**2)


def _estimate_sigma(patches: _Patches) -> float:
    sigma = float(np.sqrt(_find_noise_variance(patches.values)))
    for _ in range(_ROUNDS):
        if sigma < _MIN_SIGMA:
            break
        shares = _keep_share(patches.local, sigma)
        kept = shares.mean(axis=1)
        chosen = kept >= min(_MIN_KEPT_VARIANCE, float(np.quantile(kept, 1 - _MIN_SHARE)))
        # Of each column on its own: a dark scene under red light clips green and blue only.
        losses = np.sqrt(shares[chosen].mean(axis=0))
        variance = _find_noise_variance(patches.values[chosen] / losses)
        previous, sigma = sigma, float(np.sqrt(variance))
        if abs(sigma - previous) < _SETTLED * sigma:
            break
    return float(np.sqrt(max(sigma**2 - _ROUNDING_VARIANCE, 0)))


def _find_noise_variance(patches: Values) -> float:
    """Return the mean of the largest set of smallest eigenvalues whose mean is its median."""
    values = np.linalg.eigvalsh(np.cov(patches, rowvar=False))
    means = np.cumsum(values) / np.arange(1, len(values) + 1)
    for count in range(len(values), 1, -1):
        mean = means[count - 1]
        if (values[:count] > mean).sum() >= (values[:count] < mean).sum():
            return max(float(mean), 0.0)
    return max(float(values[0]), 0.0)


def _keep_share(local: Values, sigma: float) -> Values:
    """Return the share of the variance that clipping leaves, at local brightnesses."""
    mean, variance = clip_moments(np.linspace(-3 * sigma, 255 + 3 * sigma, 400), sigma)
    return np.asarray(np.interp(local, mean, variance / sigma**2))


def _fit_variance(patches: _Patches, sigma: float) -> tuple[float, float]:
    """Fit constant + slope x to the variances of bands of brightness."""
    brightness = patches.values.mean(axis=1)
    edges = np.quantile(brightness, np.linspace(0, 1, _BANDS + 1))
    found = []
    for low, high in pairwise(edges):
        inside = (brightness >= low) & (brightness <= high)
        if inside.sum() >= _MIN_PATCHES:
            band = _estimate_sigma(patches.select(inside))
            found.append((float(brightness[inside].mean()), band**2))
    x, y = np.array(found).T if found else (np.zeros(1), np.zeros(1))
    if np.ptp(x) < _MIN_RANGE:
        return sigma**2, 0.0
    slope, constant = np.polyfit(x, y, 1)
    if slope < 0:
        return sigma**2, 0.0
    if constant < 0:
        return 0.0, float((x @ y) / (x @ x))
    return float(constant), float(slope)
