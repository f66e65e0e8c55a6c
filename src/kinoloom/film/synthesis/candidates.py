"""Motion candidates at a time between two images, and the confidence in each.

A candidate M is the whole motion from first to second: pixel x of the new frame is visible at
x - t M in the first image and at x + (1 - t) M in the second. Each pixel gets five candidates:
both flows as they are, both flows projected to the time, and zero motion. The projected flows are
usually best at the borders of moving objects, the others in occluded regions.

The weight of a candidate follows from three observations:
- Where M is right, its two samples agree. On video the squared error of a sample grows roughly
  with the squared difference in its neighbourhood, so a candidate is weighted by the inverse of
  that: the optimal mean of samples with independent errors.
- A sample from outside the image deserves little confidence.
- A pixel that fails the forward-backward consistency check is often occluded in the other image.
  Only its own image shows it, so its sample counts up to twice.

Everything is computed on a grid of at most half the image size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

import cv2
import numpy as np

from kinoloom.motion.flow import Field, Flow, consistency, pixel_grid, sample
from kinoloom.motion.splat import project, project_quickly

_WINDOW_SIGMA_PX = 3.0
"""Standard deviation of the window over which two samples are compared."""
_NOISE_VARIANCE = 1.0
"""Mean squared difference of matching samples, in 8-bit levels; no fit is better."""
_OUTSIDE_CONFIDENCE = 0.1
"""Confidence in a sample from outside the image."""
_MIN_ARRIVED_WEIGHT = 1e-4
Project = Callable[[Flow, float, Field], tuple[Flow, Field]]
"""See `motion.splat`."""
_MEAN_OF_COLOURS = np.array([[1 / 3, 1 / 3, 1 / 3, 0]])


@dataclass(frozen=True)
class View:
    """One image of a pair on the grid.

    Attributes:
        planes: (h, w, 4): red, green and blue in 0..255, and the consistency of `flow` in 0..1.
        flow: (h, w, 2), the motion to the other image, in pixels of the grid.
        reverse: (h, w, 2), its negative.
        fit: (h, w), how well the other image agrees along the flow.
    """

    planes: Field
    flow: Flow
    reverse: Flow
    fit: Field


@dataclass(frozen=True)
class Candidate:
    """A motion candidate at a time.

    Attributes:
        motion: (h, w, 2), the whole motion from first to second, in pixels of the grid.
        weights: (h, w, 2), the weights of its samples from the first and the second image.
    """

    motion: Flow
    weights: Field


def build_views(first: Field, second: Field, forward: Flow, backward: Flow) -> tuple[View, View]:
    """Build the time-independent description of a pair.

    Args:
        first, second: (h, w, 3) float32, colours in 0..255.
        forward, backward: (h, w, 2), the flows from first to second and back.
    """
    planes1 = np.dstack([first, consistency(forward, backward)])
    planes2 = np.dstack([second, consistency(backward, forward)])
    here = pixel_grid(*forward.shape[:2])
    return (
        View(planes1, forward, -forward, _compute_fit(planes1, sample(planes2, here + forward))),
        View(planes2, backward, -backward, _compute_fit(planes2, sample(planes1, here + backward))),
    )


def measure_top_speed(views: tuple[View, View], width: int) -> float:
    """Return the 95th percentile of the lengths of both flows, in pixels of an image.

    Args:
        views: from `build_views`.
        width: of the image.
    """
    speeds = [np.hypot(view.flow[..., 0], view.flow[..., 1]) for view in views]
    top = float(np.percentile(np.stack(speeds), 95))
    return float(top * width / views[0].flow.shape[1])


def build_candidates(
    first: View, second: View, time: float, *, is_quick: bool = False
) -> tuple[list[Candidate], Field]:
    """Build the motion candidates at a time and measure their joint fit.

    Args:
        first, second: from `build_views`.
        time: in the open interval (0, 1).
        is_quick: project flows by `splat.project_quickly`.

    Returns:
        The candidates, whose weights sum to 1 at each pixel; and (h, w), the sum of the weights
        before normalisation.
    """
    planes = first.planes, second.planes
    here = pixel_grid(*first.fit.shape)
    splat = project_quickly if is_quick else project
    motions = list(_enumerate_motions(first, second, time, splat))
    weights = [_weigh_samples(*planes, motion, here, time) for motion in motions]
    motions.append(np.zeros_like(here))
    weights.append(_weigh_still(*planes, time))
    total = np.zeros_like(first.fit)
    for side in chain.from_iterable(weights):
        total += side
    inverse = np.float32(1) / total
    return [
        Candidate(motion, np.asarray(cv2.merge([side * inverse for side in sides]), np.float32))
        for motion, sides in zip(motions, weights, strict=True)
    ], total


def _enumerate_motions(first: View, second: View, time: float, splat: Project) -> Iterator[Flow]:
    """Yield the candidates that move."""
    yield first.flow
    yield second.reverse
    mean = (first.flow + second.reverse) * np.float32(0.5)
    yield _project_flow(splat, first, time, mean)
    yield -_project_flow(splat, second, 1 - time, -mean)


def _project_flow(splat: Project, view: View, elapsed: float, fallback: Flow) -> Flow:
    """Project the view's flow to a time; use `fallback` where no pixel arrives."""
    motion, arrived = splat(view.flow, elapsed, view.fit)
    has_arrived = np.asarray(arrived > _MIN_ARRIVED_WEIGHT, np.uint8)
    return np.asarray(cv2.copyTo(motion, has_arrived, fallback.copy()), np.float32)


def _weigh_samples(
    first: Field, second: Field, motion: Flow, here: Field, time: float
) -> tuple[Field, Field]:
    """Return the weights of a motion's samples from both images, each (h, w)."""
    before, after = (
        np.asarray(cv2.scaleAdd(motion, elapsed, here), np.float32) for elapsed in (-time, 1 - time)
    )
    sample_before, sample_after = sample(first, before), sample(second, after)
    fit = _compute_fit(sample_before, sample_after)
    weight_before = np.float32(1 - time) * fit * _compute_confidence(before, sample_before)
    weight_after = np.float32(time) * fit * _compute_confidence(after, sample_after)
    return weight_before, weight_after


def _weigh_still(first: Field, second: Field, time: float) -> tuple[Field, Field]:
    """Return the weights of zero motion, whose samples are the images themselves."""
    fit = _compute_fit(first, second)
    confidences = (np.float32(2) - cv2.extractChannel(each, 3) for each in (first, second))
    before, after = (fit * confidence for confidence in confidences)
    return np.float32(1 - time) * before, np.float32(time) * after


def _compute_fit(first: Field, second: Field) -> Field:
    """Return the inverse squared colour difference around each pixel, (h, w), of planes."""
    difference = cv2.transform(cv2.absdiff(first, second), _MEAN_OF_COLOURS)
    around = cv2.GaussianBlur(difference, (0, 0), _WINDOW_SIGMA_PX)
    return np.asarray(1 / (around * around + np.float32(_NOISE_VARIANCE)), np.float32)


def _compute_confidence(positions: Field, samples: Field) -> Field:
    """Return the confidence in samples of planes apart from their fit, (h, w) in 0.1..2."""
    height, width = samples.shape[:2]
    confidence = 2 - cv2.extractChannel(samples, 3)
    inside = cv2.inRange(positions, (-1, -1), (width, height))
    return np.asarray(cv2.copyTo(confidence, inside, np.full_like(confidence, _OUTSIDE_CONFIDENCE)))
