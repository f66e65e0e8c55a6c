"""Outlines of cut-out layers: smooth blobs, polygons, both also with holes, rings and bars."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Outline = NDArray[np.float64]
"""(n, 2): vertices in pixels from the centre."""

_SUPERSAMPLING = 2
_FRACTION_BITS = 4
"""OpenCV receives vertices in sixteenths of a pixel."""


def draw_shape(rng: np.random.Generator, radius_px: float, size_px: int) -> NDArray[np.uint8]:
    """Draw a random shape around the centre of a square.

    Args:
        rng: decides everything.
        radius_px: maximum distance of the shape from the centre, less than half of `size_px`.
        size_px: side of the square.

    Returns:
        (size_px, size_px) uint8: coverage of each pixel, 0..255; 0 at the border.
    """
    kind = _KINDS[rng.integers(len(_KINDS))]
    canvas = np.zeros((size_px * _SUPERSAMPLING, size_px * _SUPERSAMPLING), np.uint8)
    middle = (size_px * _SUPERSAMPLING - 1) / 2
    corners = [
        np.rint((outline * radius_px * _SUPERSAMPLING + middle) * (1 << _FRACTION_BITS)).astype(
            np.int32
        )
        for outline in kind(rng)
    ]
    cv2.fillPoly(canvas, corners, 255, cv2.LINE_8, _FRACTION_BITS)  # overlapping parts are holes
    coverage = cv2.resize(canvas, (size_px, size_px), interpolation=cv2.INTER_AREA)
    return np.asarray(coverage, np.uint8)


def _blob(rng: np.random.Generator) -> list[Outline]:
    """Return a smooth closed outline, whose radius varies with the angle."""
    return [_blob_outline(rng, 1.0)]


def _polygon(rng: np.random.Generator) -> list[Outline]:
    """Return a polygon with three to nine vertices, usually concave."""
    n = int(rng.integers(3, 10))
    angles = np.sort(rng.uniform(0, 2 * np.pi, n))
    return [_from_polar(rng.uniform(0.35, 1.0, n), angles)]


def _holed_polygon(rng: np.random.Generator) -> list[Outline]:
    """Return a roughly circular polygon with one to three holes."""
    n = int(rng.integers(5, 10))
    angles = np.linspace(0, 2 * np.pi, n, endpoint=False) + rng.uniform(-0.2, 0.2, n)
    return [_from_polar(rng.uniform(0.85, 1.0, n), angles), *_holes(rng)]


def _holed_blob(rng: np.random.Generator) -> list[Outline]:
    return [_from_polar(np.full(64, 0.95), np.linspace(0, 2 * np.pi, 64)), *_holes(rng)]


def _ring(rng: np.random.Generator) -> list[Outline]:
    outer = _blob_outline(rng, 1.0)
    return [outer, outer * rng.uniform(0.5, 0.9)]


def _bars(rng: np.random.Generator) -> list[Outline]:
    """Return two to six parallel bars, like a fence."""
    n = int(rng.integers(2, 7))
    gap = 1.4 / n
    width = gap * rng.uniform(0.15, 0.7)
    lefts = -0.7 + gap * np.arange(n) + (gap - width) / 2
    return [np.array([[a, -0.7], [a + width, -0.7], [a + width, 0.7], [a, 0.7]]) for a in lefts]


def _holes(rng: np.random.Generator) -> list[Outline]:
    n = int(rng.integers(1, 4))
    angles = rng.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(n) / n
    distance = 0.0 if n == 1 else 0.45
    middles = distance * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return [_blob_outline(rng, rng.uniform(0.1, 0.3)) + middle for middle in middles]


def _blob_outline(rng: np.random.Generator, radius: float) -> Outline:
    angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    log_radius = sum(
        rng.uniform(0, 0.5 / k) * np.cos(k * angles + rng.uniform(0, 2 * np.pi))
        for k in range(1, 6)
    )
    radii = np.exp(log_radius)
    return _from_polar(radius * radii / radii.max(), angles)


def _from_polar(radii: NDArray[np.float64], angles: NDArray[np.float64]) -> Outline:
    return np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)


_KINDS: list[Callable[[np.random.Generator], list[Outline]]] = [
    _blob,
    _blob,
    _polygon,
    _holed_polygon,
    _holed_blob,
    _ring,
    _bars,
]
