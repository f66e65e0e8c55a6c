"""Guesses of the motion at a moment between two pictures, and how far to trust each.

A guess M (the whole way from first to second) says of each pixel x that it is seen at x - t M in
the first picture and at x + (1 - t) M in the second. Guessed are, for every pixel: both flows,
as they are there and projected to the moment; and no motion. None is right everywhere: at the
edges of moving things the projected flows are, in hidden parts often one of the others.

Trust follows three observations:
- Where M is right its two samples agree. On video, the squared error of a sample grows about with
  the square of the difference around it, so a guess weighs the inverse of that: the best mean of
  samples whose errors are independent.
- A sample beyond the edge of its picture is not worth much.
- A pixel whose flow does not lead back is often hidden in the other picture. It can then be had
  from its own picture only, so its sample counts up to twice.

All is done on a grid of half the picture's size or less.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from kinoloom.motion.flow import Field, Flow, consistency, pixel_grid, resize_flow, sample
from kinoloom.motion.splat import project

_AROUND_PX = 3.0
"""Standard deviation of the window over which two samples are compared."""
_NOISE = 1.0
"""Mean squared difference of samples that agree, in levels of 8 bits: no fit is better."""
_OUTSIDE = 0.1
"""The worth of a sample from beyond the edge."""
_SHARPNESS = 2
"""Power of the weights. On training videos frames are then a sixth nearer to the truth by ST-LPIPS
and 0.06 dB further from it; with 4 a quarter nearer, and 0.3 dB further."""
_LEAST_ARRIVED = 1e-4
_MEAN_OF_COLOURS = np.array([[1 / 3, 1 / 3, 1 / 3, 0]])


@dataclass(frozen=True)
class View:
    """One picture of a pair on the grid.

    Attributes:
        planes: (h, w, 4): red, green and blue in 0..255, and the consistency of `flow`, 0..1.
        flow: (h, w, 2), the motion to the other picture, in pixels of the grid.
        fit: (h, w), how well the other picture agrees along the flow.
    """

    planes: Field
    flow: Flow
    fit: Field


@dataclass(frozen=True)
class Guess:
    """A guess of the motion at a moment.

    Attributes:
        motion: (h, w, 2), the whole way from first to second, in pixels of the grid.
        weights: (h, w, 2), of its samples from the first and from the second picture.
    """

    motion: Flow
    weights: Field


def views(first: Field, second: Field, forward: Flow, backward: Flow) -> tuple[View, View]:
    """What is known of a pair at whatever moment.

    Args:
        first, second: (h, w, 3) float32, colours in 0..255.
        forward, backward: (h, w, 2), the flows from first to second and back.
    """
    planes1 = np.dstack([first, consistency(forward, backward)])
    planes2 = np.dstack([second, consistency(backward, forward)])
    here = pixel_grid(*forward.shape[:2])
    return (
        View(planes1, forward, _fit(planes1, sample(planes2, here + forward))),
        View(planes2, backward, _fit(planes2, sample(planes1, here + backward))),
    )


def guesses(first: View, second: View, time: float) -> list[Guess]:
    """Guess the motion at a moment; arguments and result as `guesses_and_fit`."""
    return guesses_and_fit(first, second, time)[0]


def guesses_and_fit(first: View, second: View, time: float) -> tuple[list[Guess], Field]:
    """Guess the motion at a moment, and say how well all guesses together fit.

    Args:
        first, second: from `views`.
        time: in the open interval (0, 1).

    Returns:
        The guesses; over all of them the weights of a pixel sum to 1. And (h, w), what they
        summed to before.
    """
    planes = first.planes, second.planes
    found = [_weighed(*planes, motion, time) for motion in _motions(first, second, time)]
    total: Field = np.sum([guess.weights for guess in found], axis=(0, 3), dtype=np.float32)
    return [Guess(guess.motion, guess.weights / total[..., None]) for guess in found], total


def fit_of(first: Field, second: Field, motions: Sequence[Flow], time: float) -> Field:
    """How well samples along motions fit together, (h, w), as the sum of weights of guesses.

    Args:
        first, second: (h, w, 3) float32, colours in 0..255.
        motions: (h, w, 2), the whole way from first to second, in pixels of this grid.
        time: in the open interval (0, 1).
    """
    planes = _plain(first), _plain(second)
    found = [_weighed(*planes, motion, time).weights for motion in motions]
    return np.asarray(np.sum(found, axis=(0, 3)), np.float32)


def sharpened(guesses: Sequence[Guess], grid: tuple[int, int]) -> list[Guess]:
    """Guesses of which each pixel takes rather the best than the mean of all.

    Args:
        guesses: on grids of any size; over all of them the weights of a pixel sum to 1.
        grid: rows and columns of the result.
    """
    rows, columns = grid
    motions = [resize_flow(guess.motion, rows, columns) for guess in guesses]
    weights = np.stack([cv2.resize(guess.weights, (columns, rows)) for guess in guesses])
    powers = weights**_SHARPNESS
    weights = powers / powers.sum(axis=(0, 3))[..., None]
    return [Guess(motion, each) for motion, each in zip(motions, weights, strict=True)]


def _plain(colours: Field) -> Field:
    """As `View.planes` where nothing is known of the consistency."""
    return np.dstack([colours, np.ones(colours.shape[:2], np.float32)])


def _motions(first: View, second: View, time: float) -> Iterator[Flow]:
    yield first.flow
    yield -second.flow
    mean = (first.flow - second.flow) * np.float32(0.5)
    yield _projected(first, time, mean)
    yield -_projected(second, 1 - time, -mean)
    yield np.zeros_like(mean)


def _projected(view: View, passed: float, filler: Flow) -> Flow:
    """The view's flow on the pixels of the moment; `filler` where nothing of it arrives."""
    motion, arrived = project(view.flow, passed, view.fit)
    return np.where(arrived[..., None] > _LEAST_ARRIVED, motion, filler)


def _weighed(first: Field, second: Field, motion: Flow, time: float) -> Guess:
    here = pixel_grid(*motion.shape[:2])
    before, after = here - np.float32(time) * motion, here + np.float32(1 - time) * motion
    seen_before, seen_after = sample(first, before), sample(second, after)
    fit = _fit(seen_before, seen_after)
    weight_before = np.float32(1 - time) * fit * _worth(before, seen_before)
    weight_after = np.float32(time) * fit * _worth(after, seen_after)
    return Guess(motion, np.dstack([weight_before, weight_after]))


def _fit(first: Field, second: Field) -> Field:
    """1 / squared difference of colours around each pixel, (h, w); of (h, w, 4) planes."""
    difference = cv2.transform(cv2.absdiff(first, second), _MEAN_OF_COLOURS)
    around = cv2.GaussianBlur(difference, (0, 0), _AROUND_PX)
    return np.asarray(1 / (around * around + np.float32(_NOISE)), np.float32)


def _worth(positions: Field, seen: Field) -> Field:
    """What samples of planes at the positions are worth beside their fit, 0.1..2, (h, w)."""
    height, width = seen.shape[:2]
    worth = 2 - seen[..., 3]
    worth[cv2.inRange(positions, (-1, -1), (width, height)) == 0] = _OUTSIDE
    return worth
