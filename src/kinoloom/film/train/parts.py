"""Parts of prepared regions: flipped, turned, reversed in time, colours in another order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinoloom.film.synthesis.candidates import Guess
from kinoloom.film.synthesis.refine import log_weights, seen
from kinoloom.film.train.prepared import AROUND_PX, Region
from kinoloom.motion.flow import Field

_LEAST_ERROR = 1e-4
_REVERSED = [1, 0, 3, 2, 4]
"""Which guess is which when time runs backwards: those of the second picture are the first's."""


@dataclass(frozen=True)
class Part:
    """What one sample of a training step needs; arrays are float32, colours in 0..1.

    Attributes:
        seen: (guesses, PLANES, h, w), what the network sees.
        motions: (guesses, 2, h, w), in pixels.
        logs: (guesses, 2, h, w), logarithms of the weights.
        errors: (guesses, 2, h, w), logarithms of the squared error of each sample.
        first, second: (3, H + 2 AROUND_PX, W + 2 AROUND_PX), the part and what is around it.
        truth: (3, H, W).
        time: of the truth.
    """

    seen: Field
    motions: Field
    logs: Field
    errors: Field
    first: Field
    second: Field
    truth: Field
    time: float


def part(region: Region, cells: int, rng: np.random.Generator) -> Part:
    """A random part of a region, changed at random.

    Args:
        region: prepared.
        cells: sides of the part on the grid.
        rng: decides everything.
    """
    turned = _turned(region, rng)
    height, width = turned.motions.shape[1:3]
    top, left = int(rng.integers(height - cells + 1)), int(rng.integers(width - cells + 1))
    ratio, around = turned.ratio, AROUND_PX // turned.ratio
    box = (slice(top, top + cells), slice(left, left + cells))
    motions = turned.motions[:, *box].astype(np.float32)
    motions = np.concatenate([motions, np.zeros_like(motions[:1])])
    weights = turned.weights[:, *box].astype(np.float32)
    made = [Guess(motion, weight) for motion, weight in zip(motions, weights, strict=True)]
    looked = seen(*turned.planes(), made, turned.time, top + around, left + around)
    pixels = tuple(slice(each.start * ratio, each.stop * ratio) for each in box)
    reach = tuple(slice(each.start, each.stop + 2 * AROUND_PX) for each in pixels)
    truth = _colours(turned.truth[pixels])
    return Part(
        looked,
        np.moveaxis(motions, 3, 1) * np.float32(ratio),
        log_weights(made),
        _errors(looked, truth, ratio),
        _colours(turned.first[reach]),
        _colours(turned.second[reach]),
        truth,
        turned.time,
    )


def _turned(region: Region, rng: np.random.Generator) -> Region:
    """The region reversed, flipped, turned, with other colours, each half of the time."""
    reverse, across, down, turn = rng.random(4) < 0.5
    colours = rng.permutation(3)
    pictures = [picture[..., colours] for picture in (region.first, region.second, region.truth)]
    consistency, motions, weights, time = (
        region.consistency,
        region.motions,
        region.weights,
        region.time,
    )
    if reverse:
        pictures[:2] = pictures[1::-1]
        consistency, time = consistency[::-1], 1 - time
        motions, weights = -motions[_REVERSED[:-1]], weights[_REVERSED][..., ::-1]
    sign = np.ones(2, np.float16)
    for flipped, axis in ((across, 1), (down, 0)):
        if flipped:
            pictures = [np.flip(picture, axis) for picture in pictures]
            consistency, motions, weights = (
                np.flip(field, axis + 1) for field in (consistency, motions, weights)
            )
            sign[1 - axis] = -1
    motions = motions * sign
    if turn:
        pictures = [picture.swapaxes(0, 1) for picture in pictures]
        consistency, motions, weights = (
            field.swapaxes(1, 2) for field in (consistency, motions, weights)
        )
        motions = motions[..., ::-1]
    first, second, truth = (np.ascontiguousarray(picture) for picture in pictures)
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


def _errors(looked: Field, truth: Field, ratio: int) -> Field:
    """Logarithms of the squared error of each sample, averaged over 3x3 cells."""
    import cv2

    rows, columns = looked.shape[2:]
    small = cv2.resize(np.moveaxis(truth, 0, 2), (columns, rows), interpolation=cv2.INTER_AREA)
    target = np.moveaxis(small, 2, 0)
    mean, half = (looked[:, 0:3] + 1) / 2, looked[:, 3:6] * np.float32(32 / 255)
    samples = np.stack([mean + half, mean - half], axis=1)
    squared = np.square(samples - target).mean(axis=2)
    blurred = [[cv2.blur(plane, (3, 3)) for plane in guess] for guess in squared]
    return np.asarray(np.log(np.asarray(blurred) + _LEAST_ERROR), np.float32)


def _colours(picture: NDArray[Any]) -> Field:
    """(3, H, W) in 0..1 of (H, W, 3) uint8."""
    return np.ascontiguousarray(np.moveaxis(picture, 2, 0), np.float32) / np.float32(255)
