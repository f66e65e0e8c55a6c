"""Outlines of cut-out layers: smooth blobs, polygons, either with holes, rings and bars."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Outline = NDArray[np.float64]
"""(n, 2): corners in pixels from the centre."""

_FINE = 2
_SHIFT = 4
"""Corners are told to OpenCV in sixteenths of a pixel."""


def draw_shape(rng: np.random.Generator, radius_px: float, size_px: int) -> NDArray[np.uint8]:
    """Draw a random shape around the middle of a square.

    Args:
        rng: decides everything.
        radius_px: no part of the shape is farther from the centre than this; less than half of
            `size_px`.
        size_px: side of the square.

    Returns:
        (size_px, size_px) uint8: how much of each pixel the shape covers, 0..255; 0 at the rim.
    """
    kind = _KINDS[rng.integers(len(_KINDS))]
    fine = np.zeros((size_px * _FINE, size_px * _FINE), np.uint8)
    middle = (size_px * _FINE - 1) / 2
    corners = [
        np.rint((outline * radius_px * _FINE + middle) * (1 << _SHIFT)).astype(np.int32)
        for outline in kind(rng)
    ]
    cv2.fillPoly(fine, corners, 255, cv2.LINE_8, _SHIFT)  # overlapping parts are holes
    cover = cv2.resize(fine, (size_px, size_px), interpolation=cv2.INTER_AREA)
    return np.asarray(cover, np.uint8)


def _blob(rng: np.random.Generator) -> list[Outline]:
    """A smooth closed line: a circle whose radius swings with the angle."""
    return [_wavy(rng, 1.0)]


def _polygon(rng: np.random.Generator) -> list[Outline]:
    """Three to nine corners, seldom convex."""
    n = int(rng.integers(3, 10))
    angles = np.sort(rng.uniform(0, 2 * np.pi, n))
    return [_polar(rng.uniform(0.35, 1.0, n), angles)]


def _holed_polygon(rng: np.random.Generator) -> list[Outline]:
    """A polygon close to a circle, with one to three holes."""
    n = int(rng.integers(5, 10))
    angles = np.linspace(0, 2 * np.pi, n, endpoint=False) + rng.uniform(-0.2, 0.2, n)
    return [_polar(rng.uniform(0.85, 1.0, n), angles), *_holes(rng)]


def _holed_blob(rng: np.random.Generator) -> list[Outline]:
    return [_polar(np.full(64, 0.95), np.linspace(0, 2 * np.pi, 64)), *_holes(rng)]


def _ring(rng: np.random.Generator) -> list[Outline]:
    outer = _wavy(rng, 1.0)
    return [outer, outer * rng.uniform(0.5, 0.9)]


def _bars(rng: np.random.Generator) -> list[Outline]:
    """Two to six parallel bars, as of a fence."""
    n = int(rng.integers(2, 7))
    gap = 1.4 / n
    width = gap * rng.uniform(0.15, 0.7)
    begins = -0.7 + gap * np.arange(n) + (gap - width) / 2
    return [np.array([[a, -0.7], [a + width, -0.7], [a + width, 0.7], [a, 0.7]]) for a in begins]


def _holes(rng: np.random.Generator) -> list[Outline]:
    n = int(rng.integers(1, 4))
    around = rng.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(n) / n
    away = 0.0 if n == 1 else 0.45
    middles = away * np.stack([np.cos(around), np.sin(around)], axis=1)
    return [_wavy(rng, rng.uniform(0.1, 0.3)) + middle for middle in middles]


def _wavy(rng: np.random.Generator, radius: float) -> Outline:
    angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    swing = sum(
        rng.uniform(0, 0.5 / k) * np.cos(k * angles + rng.uniform(0, 2 * np.pi))
        for k in range(1, 6)
    )
    radii = np.exp(swing)
    return _polar(radius * radii / radii.max(), angles)


def _polar(radii: NDArray[np.float64], angles: NDArray[np.float64]) -> Outline:
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
