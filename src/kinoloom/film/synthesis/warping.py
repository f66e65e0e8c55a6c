"""Warping: both images of a pair, moved to a time along the motion candidates of one estimator.

A `MotionSource` has candidates and the kernel with which images are sampled along them. Samples are
taken at full size, one part of the frame at a time, to bound the memory. A part is bit-identical to
that part of the whole frame.

Optical flow is sampled with a cubic kernel: a bilinear one softens every frame between two pixels.
The flow network was trained with bilinear samples, and its motion fits them best.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture
from kinoloom.film.synthesis.candidates import Candidate
from kinoloom.film.synthesis.pixels import split_bands, unpremultiply_alpha
from kinoloom.film.synthesis.sampling import round_levels, sample_levels, top_level
from kinoloom.film.synthesis.upsampling import upsample_rows
from kinoloom.motion.flow import Field, Kernel

Box = tuple[slice, slice]
"""The rows and columns of a part of a frame."""

_MIN_WEIGHT = 1e-3
"""Samples with a lower weight in all of a part are not taken."""
_SHARE_OFFSET = np.float32(1e-3)
"""Keeps the mean of the samples from one image defined where their weights are 0."""


@dataclass(frozen=True)
class MotionSource:
    """The motion candidates of one estimator at a time.

    Attributes:
        candidates: on grids of one size; their weights sum to 1 at each pixel.
        kernel: with which images are sampled.
        presence: (H, W) in 0..1, where in the frame the source exists; None is everywhere.
    """

    candidates: list[Candidate]
    kernel: Kernel
    presence: Field | None = None


@dataclass(frozen=True)
class WarpedPair:
    """A part of both images, moved to a time.

    Attributes:
        before, after: (h, w, C) float32, the images in 0..1, premultiplied by alpha if there is
            one.
        share: (h, w) in 0..1, the weight of the first image.
        presence: (h, w) in 0..1, where the source exists.
    """

    before: NDArray[np.float32]
    after: NDArray[np.float32]
    share: Field
    presence: Field

    def blend(self) -> NDArray[np.float32]:
        """Return the weighted mean of both images, (h, w, C)."""
        share = self.share[..., None]
        return np.asarray(share * self.before + (1 - share) * self.after)


def blend_source(first: Picture, second: Picture, source: MotionSource, time: float) -> Picture:
    """Blend the frame at a time from one source.

    Args:
        first, second: (H, W, C).
        source: at that time.
        time: in the open interval (0, 1).

    Returns:
        (H, W, C) in the dtype of the images.
    """
    frame = np.empty_like(first)
    height, width, channels = first.shape
    for top, bottom in split_bands(height, width):
        box = slice(top, bottom), slice(0, width)
        colors = np.zeros((bottom - top, width, channels), np.float32)
        total: Field = np.zeros((bottom - top, width), np.float32)
        for _, samples, weight in _sample_candidates(first, second, source, time, box):
            cv2.accumulateProduct(samples, _repeat(weight, channels), colors)
            total += weight
        cv2.multiply(colors, _repeat(np.float32(1) / total, channels), dst=colors)
        if channels == 3:
            frame[top:bottom] = round_levels(colors, frame.dtype)
        else:
            frame[top:bottom] = unpremultiply_alpha(colors, like=frame)
    return frame


def warp_pair(
    first: Picture, second: Picture, source: MotionSource, time: float, box: Box
) -> WarpedPair:
    """Warp a part of both images to a time.

    Args:
        first, second: (H, W, C).
        source: at that time.
        time: in the open interval (0, 1).
        box: the rows and columns of the part.
    """
    rows, columns = box
    height, width = rows.stop - rows.start, columns.stop - columns.start
    sides = np.zeros((2, height, width, first.shape[2]), np.float32)
    share = np.empty((height, width), np.float32)
    for top, bottom in split_bands(height, width):
        band = slice(rows.start + top, rows.start + bottom), columns
        sums, totals = sides[:, top:bottom], np.zeros((2, bottom - top, width), np.float32)
        for side, samples, weight in _sample_candidates(first, second, source, time, band):
            cv2.accumulateProduct(samples, _repeat(weight, first.shape[2]), sums[side])
            totals[side] += weight
        share[top:bottom] = _normalise(sums, totals, 1 / top_level(first))
    presence = np.ones((height, width), np.float32)
    if source.presence is not None:
        presence = source.presence[box]
    return WarpedPair(sides[0], sides[1], share, presence)


def _sample_candidates(
    first: Picture, second: Picture, source: MotionSource, time: float, box: Box
) -> Iterator[tuple[int, NDArray[np.float32], Field]]:
    """Yield the samples of each candidate that has weight in a part of a frame.

    Yields:
        The image, 0 or 1; the samples, (h, w, C) in levels; and their weights, (h, w).
    """
    rows, columns = box
    height, width = first.shape[:2]
    x = np.arange(columns.start, columns.stop, dtype=np.float32)[None]
    y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None]
    grid_rows, grid_columns = source.candidates[0].motion.shape[:2]
    right, down = width / grid_columns, height / grid_rows
    for candidate in source.candidates:
        fields = upsample_rows([candidate.motion, candidate.weights], rows, height, width)
        across, along, *weights = cv2.split(fields[:, columns])
        for side, (image, elapsed) in enumerate(((first, -time), (second, 1 - time))):
            weight = np.asarray(weights[side], np.float32)
            if weight.max() < _MIN_WEIGHT:
                continue
            there = (
                x + np.float32(elapsed * right) * across,
                y + np.float32(elapsed * down) * along,
            )
            yield side, sample_levels(image, *there, source.kernel), weight


def _normalise(sums: NDArray[np.float32], totals: NDArray[np.float32], scale: float) -> Field:
    """Divide the weighted sums of both images by their weights, in place.

    Where an image has no weight, the mean of all samples takes its place.

    Args:
        sums: (2, h, w, C).
        totals: (2, h, w).
        scale: of the results.

    Returns:
        (h, w), the share of the first image in the weights.
    """
    channels = sums.shape[3]
    whole = totals[0] + totals[1]
    mean = cv2.multiply(cv2.add(sums[0], sums[1]), _repeat(_SHARE_OFFSET / whole, channels))
    for part, weight in zip(sums, totals, strict=True):
        cv2.add(part, mean, dst=part)
        divisor = (weight + _SHARE_OFFSET) * np.float32(1 / scale)
        cv2.multiply(part, _repeat(np.float32(1) / divisor, channels), dst=part)
    return np.asarray(totals[0] / whole, np.float32)


def _repeat(plane: Field, channels: int) -> Field:
    """Return a plane for each channel of a picture."""
    return np.asarray(cv2.merge([plane] * channels), np.float32)
