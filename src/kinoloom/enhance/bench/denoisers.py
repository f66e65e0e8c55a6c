"""Denoisers that a benchmark compares: filters, networks and peers.

The strengths of the filters gave the best PSNR on seven photos of BSDS500's training set, at noise
of 15 and 25 levels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.enhance.bench.contestants import Source, find_named
from kinoloom.enhance.networks.denoiser import NetworkDenoiser
from kinoloom.learn.bench.peer import load_peer

Floats = NDArray[np.float32]
Denoise = Callable[[Floats, float], Floats]
"""Denoises (H, W, 3) float32 in about 0..1, not clipped; the second argument is the standard
deviation of the noise in the same unit."""

_GAUSSIAN_PX, _GAUSSIAN_SIGMA_PX = 0.3, 5.6
"""Standard deviation of the filter in pixels: a constant, and times the noise."""
_BILATERAL_DIAMETER_PX, _BILATERAL_PX, _BILATERAL_RANGE = 9, 2.2, 4.0
_NLMEANS_STRENGTH, _NLMEANS_PATCH_PX, _NLMEANS_WINDOW_PX = 0.95, 3, 21


@dataclass(frozen=True)
class Denoiser:
    """A way to remove noise; a peer's Python file defines one as DENOISER.

    Attributes:
        name: in the results.
        build: prepares the denoiser; called once in the process that measures it.
    """

    name: str
    build: Callable[[], Denoise]


def load_denoiser(source: Source) -> Denoiser:
    """Load a denoiser.

    Raises:
        RegistryError: there is no filter of this name.
        UsageError: the peer's file does not define DENOISER.
        WeightsError: the file is not an ONNX network that denoises pictures.
    """
    if source.network is not None:
        network = NetworkDenoiser(source.network)
        return Denoiser(source.name, lambda: network)
    if source.peer is not None:
        return load_peer(source.peer, "DENOISER", Denoiser)
    return find_named(FILTERS, source.name)


def _keep(picture: Floats, sigma: float) -> Floats:
    return picture


def _apply_gaussian(picture: Floats, sigma: float) -> Floats:
    width = _GAUSSIAN_PX + _GAUSSIAN_SIGMA_PX * sigma
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), width), np.float32)


def _apply_bilateral(picture: Floats, sigma: float) -> Floats:
    weights = (_BILATERAL_DIAMETER_PX, _BILATERAL_RANGE * sigma, _BILATERAL_PX)
    return np.asarray(cv2.bilateralFilter(picture, *weights), np.float32)


def _apply_nlmeans(picture: Floats, sigma: float) -> Floats:
    """Apply OpenCV's non-local means, which needs 8 bits."""
    eight = np.asarray(np.rint(np.clip(picture, 0, 1) * 255), np.uint8)
    strength = _NLMEANS_STRENGTH * sigma * 255
    sizes = (_NLMEANS_PATCH_PX, _NLMEANS_WINDOW_PX)
    result = cv2.fastNlMeansDenoising(eight, None, strength, *sizes)
    return np.asarray(result, np.float32) / np.float32(255)


FILTERS = (
    Denoiser("identity", lambda: _keep),
    Denoiser("gaussian", lambda: _apply_gaussian),
    Denoiser("bilateral", lambda: _apply_bilateral),
    Denoiser("nlmeans", lambda: _apply_nlmeans),
)
"""The baselines: no filter, and OpenCV's Gaussian, bilateral and non-local-means filters."""
