"""Random patches of prepared regions, with flips, rotation, time reversal and channel shuffling."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinoloom.film.synthesis.candidates import Candidate
from kinoloom.film.synthesis.refine import build_network_input, compute_log_weights
from kinoloom.film.train.samples.regions import MARGIN_PX, Region
from kinoloom.motion.flow import Field

_MIN_SQUARED_ERROR = 1e-4
_REVERSED = [1, 0, 3, 2, 4]
"""The candidates' order after time reversal: those of both images are exchanged."""


@dataclass(frozen=True)
class Patch:
    """One sample of a training step; arrays are float32, colours in 0..1.

    Attributes:
        planes: (candidates, INPUT_PLANES, h, w), the input of the network.
        motions: (candidates, 2, h, w), in pixels.
        log_weights: (candidates, 2, h, w).
        log_errors: (candidates, 2, h, w), logarithms of the squared error of each sample.
        first, second: (3, H + 2 MARGIN_PX, W + 2 MARGIN_PX), the patch and its surroundings.
        truth: (3, H, W).
        time: of the truth.
    """

    planes: Field
    motions: Field
    log_weights: Field
    log_errors: Field
    first: Field
    second: Field
    truth: Field
    time: float


def sample_patch(region: Region, cells: int, rng: np.random.Generator) -> Patch:
    """Draw a random, augmented patch of a region.

    Args:
        region: a prepared region.
        cells: side of the patch on the grid.
        rng: source of all randomness.
    """
    augmented = _augment(region, rng)
    height, width = augmented.motions.shape[1:3]
    top, left = int(rng.integers(height - cells + 1)), int(rng.integers(width - cells + 1))
    ratio, margin = augmented.ratio, MARGIN_PX // augmented.ratio
    box = (slice(top, top + cells), slice(left, left + cells))
    motions = augmented.motions[:, *box].astype(np.float32)
    motions = np.concatenate([motions, np.zeros_like(motions[:1])])
    weights = augmented.weights[:, *box].astype(np.float32)
    candidates = [Candidate(*each) for each in zip(motions, weights, strict=True)]
    planes = build_network_input(
        *augmented.build_planes(), candidates, augmented.time, top + margin, left + margin
    )
    pixels = tuple(slice(each.start * ratio, each.stop * ratio) for each in box)
    padded = tuple(slice(each.start, each.stop + 2 * MARGIN_PX) for each in pixels)
    truth = _to_planes(augmented.truth[pixels])
    return Patch(
        planes,
        np.moveaxis(motions, 3, 1) * np.float32(ratio),
        compute_log_weights(candidates),
        _compute_log_errors(planes, truth),
        _to_planes(augmented.first[padded]),
        _to_planes(augmented.second[padded]),
        truth,
        augmented.time,
    )


def _augment(region: Region, rng: np.random.Generator) -> Region:
    """Shuffle the channels; reverse, flip and transpose, each with probability one half."""
    reverse, flip_x, flip_y, transpose = rng.random(4) < 0.5
    channels = rng.permutation(3)
    images = [image[..., channels] for image in (region.first, region.second, region.truth)]
    consistency, motions, weights, time = (
        region.consistency,
        region.motions,
        region.weights,
        region.time,
    )
    if reverse:
        images[:2] = images[1::-1]
        consistency, time = consistency[::-1], 1 - time
        motions, weights = -motions[_REVERSED[:-1]], weights[_REVERSED][..., ::-1]
    sign = np.ones(2, np.float16)
    for flipped, axis in ((flip_x, 1), (flip_y, 0)):
        if flipped:
            images = [np.flip(image, axis) for image in images]
            consistency, motions, weights = (
                np.flip(field, axis + 1) for field in (consistency, motions, weights)
            )
            sign[1 - axis] = -1
    motions = motions * sign
    if transpose:
        images = [image.swapaxes(0, 1) for image in images]
        consistency, motions, weights = (
            field.swapaxes(1, 2) for field in (consistency, motions, weights)
        )
        motions = motions[..., ::-1]
    first, second, truth = (np.ascontiguousarray(image) for image in images)
    return replace(
        region,
        time=time,
        first=first,
        second=second,
        truth=truth,
        consistency=np.ascontiguousarray(consistency),
        motions=motions,
        weights=weights,
    )


def _compute_log_errors(planes: Field, truth: Field) -> Field:
    """Return the logarithms of the squared error of each sample, averaged over 3x3 cells."""
    import cv2

    rows, columns = planes.shape[2:]
    small = cv2.resize(np.moveaxis(truth, 0, 2), (columns, rows), interpolation=cv2.INTER_AREA)
    target = np.moveaxis(small, 2, 0)
    mean, half = (planes[:, 0:3] + 1) / 2, planes[:, 3:6] * np.float32(32 / 255)
    samples = np.stack([mean + half, mean - half], axis=1)
    squared = np.square(samples - target).mean(axis=2)
    blurred = [[cv2.blur(plane, (3, 3)) for plane in candidate] for candidate in squared]
    return np.asarray(np.log(np.asarray(blurred) + _MIN_SQUARED_ERROR), np.float32)


def _to_planes(image: NDArray[Any]) -> Field:
    """Convert (H, W, 3) uint8 to (3, H, W) in 0..1."""
    return np.ascontiguousarray(np.moveaxis(image, 2, 0), np.float32) / np.float32(255)
