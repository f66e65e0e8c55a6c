"""Warping: both images of a pair, moved to a time along the motion candidates of one estimator.

A `MotionSource` has candidates and the kernel with which images are sampled along them. Samples are
taken at full size, one part of the frame at a time, to bound the memory. A part is bit-identical to
that part of the whole frame.

Optical flow is sampled with a cubic kernel: a bilinear one softens every frame between two pixels.
The flow network was trained with bilinear samples, and its motion fits them best.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture
from kinoloom.film.synthesis.candidates import Candidate
from kinoloom.film.synthesis.pixels import premultiply_alpha, split_bands, unpremultiply_alpha
from kinoloom.motion.flow import Field, Kernel, pixel_grid, sample

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
    for top, bottom in split_bands(*first.shape[:2]):
        box = slice(top, bottom), slice(0, first.shape[1])
        warped = warp_pair(first, second, source, time, box)
        frame[top:bottom] = unpremultiply_alpha(warped.blend(), like=first)
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
    channels = first.shape[2]
    here = pixel_grid(height, width, rows.start) + np.array([columns.start, 0], np.float32)
    sums = np.zeros((2, height, width, channels), np.float32)
    totals = np.zeros((2, height, width), np.float32)
    scale = _grid_scale(source.candidates[0].motion, *first.shape[:2])
    on_grid = _to_grid(here, scale)
    for candidate in source.candidates:
        # OpenCV samples four channels in a third of the time of twice two.
        fields = sample(np.dstack([candidate.motion, candidate.weights]), on_grid)
        *motion, before, after = cv2.split(fields)
        for k, (image, elapsed, weight) in enumerate(
            ((first, -time, before), (second, 1 - time, after))
        ):
            if weight.max() < _MIN_WEIGHT:
                continue
            positions = here + cv2.merge(
                [
                    np.float32(elapsed * by) * way
                    for by, way in zip(np.diag(scale), motion, strict=True)
                ]
            )
            samples = np.asarray(_sample_image(image, positions, source.kernel), np.float32)
            cv2.accumulateProduct(samples, cv2.merge([weight] * channels), sums[k])
            totals[k] += weight
    presence = np.ones((height, width), np.float32)
    if source.presence is not None:
        presence = source.presence[box]
    return _normalise(np.asarray(sums / _full_scale(first), np.float32), totals, presence)


def _normalise(
    sums: NDArray[np.float32], totals: NDArray[np.float32], presence: Field
) -> WarpedPair:
    """Divide the weighted sums of both images by their weights.

    Where an image has no weight, the mean of all samples takes its place.
    """
    whole = totals.sum(axis=0)
    mean = (sums[0] + sums[1]) / whole[..., None]
    before, after = (
        (total + _SHARE_OFFSET * mean) / (weight + _SHARE_OFFSET)[..., None]
        for total, weight in zip(sums, totals, strict=True)
    )
    return WarpedPair(before, after, totals[0] / whole, presence)


def _grid_scale(field: Field, height: int, width: int) -> NDArray[np.float64]:
    """Return the (2, 2) matrix from grid units of a field to pixels."""
    return np.diag([width / field.shape[1], height / field.shape[0]])


def _to_grid(here: Field, scale: NDArray[np.float64]) -> Field:
    """Return the grid positions of pixel positions."""
    moved = cv2.transform(here + np.float32(0.5), np.linalg.inv(scale)) - np.float32(0.5)
    return np.asarray(moved, np.float32)


def _sample_image(image: Picture, positions: Field, kernel: Kernel) -> NDArray[np.float32]:
    """Sample an image: its own values, or premultiplied ones if it has alpha.

    The overshoot of a cubic kernel is clipped, as it is in integers.
    """
    samples = _sample_values(image, positions, kernel)
    if kernel == "cubic" and samples.dtype.kind == "f":
        np.clip(samples, 0, 1, out=samples)
    return samples


def _sample_values(image: Picture, positions: Field, kernel: Kernel) -> NDArray[np.float32]:
    if image.shape[2] == 3:
        return sample(image, positions, kernel)
    last = len(image) - 1
    reach = 1 if kernel == "cubic" else 0  # of the kernel beyond the next pixels
    top = int(np.clip(np.floor(positions[..., 1].min()) - reach, 0, last))
    bottom = int(np.clip(np.ceil(positions[..., 1].max()) + reach, 0, last)) + 1
    inside = positions - np.array([0, top], np.float32)
    return sample(premultiply_alpha(image[top:bottom]), inside, kernel)


def _full_scale(image: Picture) -> np.float32:
    """Return the sample value that represents 1."""
    is_integer = image.shape[2] == 3 and image.dtype.kind == "u"
    return np.float32(np.iinfo(image.dtype).max if is_integer else 1)
