"""The main motion of both images at each pixel, and what their other candidates show.

Most of the candidates of a source agree at a pixel to a fraction of a pixel, or differ only where
there is little to see. An image is sampled once at full size, along the mean of the candidates that
agree with the heaviest one. The others, whose mean is blurred in any case, are sampled on the grid
and resized. That takes a third of the time of sampling at full size along each candidate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from kinoloom.film.synthesis.candidates import Candidate
from kinoloom.motion.flow import Field, Flow, pixel_grid, sample

_AGREEMENT_PX = 1.0
"""Candidates whose samples are this close to the heaviest one's are averaged before sampling."""
_MIN_REST = 1 / 255
"""Smaller shares of the other candidates are left out."""
_TINY = np.float32(1e-6)


@dataclass(frozen=True)
class MainMotion:
    """How both images move to a time.

    Attributes:
        displacements: (h, w, 4), from a pixel of the frame to the first image and to the second,
            as (x, y) each, in pixels of the frame.
        weights: (h, w) each, the sum of the candidates' weights of the first and second image.
        rests: (h, w, 4) each: what the other candidates show in the first and second image, in
            0..255, times their share, and the share of the main motion; None if it is 1.
    """

    displacements: Field
    weights: tuple[Field, Field]
    rests: tuple[Field | None, Field | None]


def find_main_motion(
    candidates: Sequence[Candidate],
    time: float,
    planes: tuple[Field, Field],
    height: int,
    width: int,
) -> MainMotion:
    """Find how both images move to a time.

    Args:
        candidates: at that time.
        time: in the open interval (0, 1).
        planes: (h, w, 4) each: the colours of the images in 0..255 and one more plane. Several
            candidates for one image are on this grid.
        height, width: of the frame, in pixels.
    """
    rows, columns = candidates[0].motion.shape[:2]
    scale = width / columns, height / rows
    parts, weights, rests = [], [], []
    for side, elapsed in enumerate((-time, 1 - time)):
        motion, weight, rest = _reduce(candidates, side, elapsed, planes[side], scale[0])
        parts += [
            axis * np.float32(elapsed * k) for axis, k in zip(cv2.split(motion), scale, strict=True)
        ]
        weights.append(weight)
        rests.append(rest)
    return MainMotion(
        np.asarray(cv2.merge(parts), np.float32), (weights[0], weights[1]), (rests[0], rests[1])
    )


def _reduce(
    candidates: Sequence[Candidate], side: int, elapsed: float, planes: Field, scale: float
) -> tuple[Flow, Field, Field | None]:
    """Return the main motion of one image, its weight, and the rest."""
    weights = [
        np.asarray(cv2.extractChannel(each.weights, side), np.float32) for each in candidates
    ]
    used = [k for k, weight in enumerate(weights) if weight.any()] or [0]
    motions, weights = [candidates[k].motion for k in used], [weights[k] for k in used]
    if len(used) == 1:
        return motions[0], weights[0], None
    total: Field = np.sum(weights, axis=0) + _TINY
    reach = _AGREEMENT_PX / (scale * max(abs(elapsed), 1e-6))
    motion, agreeing = _average_agreeing(motions, weights, reach)
    others = [(weight - own) / total for weight, own in zip(weights, agreeing, strict=True)]
    return motion, total, _sample_others(motions, others, elapsed, planes)


def _average_agreeing(
    motions: Sequence[Flow], weights: Sequence[Field], reach: float
) -> tuple[Flow, list[Field]]:
    """Return the mean motion of the candidates that agree with the heaviest, and their weights."""
    heaviest, main = weights[0].copy(), motions[0].copy()
    for motion, weight in zip(motions[1:], weights[1:], strict=True):
        is_heavier = cv2.compare(weight, heaviest, cv2.CMP_GT)
        cv2.copyTo(weight, is_heavier, heaviest)
        cv2.copyTo(motion, is_heavier, main)
    total, offset = np.full_like(heaviest, _TINY), np.zeros_like(main)
    agreeing = []
    for motion, weight in zip(motions, weights, strict=True):
        away = cv2.subtract(motion, main)
        x, y = cv2.split(away)
        distance = cv2.magnitude(x, y)
        own = weight * (np.asarray(distance) < np.float32(reach))
        cv2.accumulateProduct(away, cv2.merge([own, own]), offset)
        total += own
        agreeing.append(own)
    return np.asarray(main + offset / cv2.merge([total, total]), np.float32), agreeing


def _sample_others(
    motions: Sequence[Flow], shares: Sequence[Field], elapsed: float, planes: Field
) -> Field | None:
    """Return what the other candidates show, and the share of the main motion."""
    height, width = shares[0].shape
    here = pixel_grid(height, width)
    rest, main = np.zeros((height, width, 4), np.float32), np.ones((height, width), np.float32)
    is_used = False
    for motion, share in zip(motions, shares, strict=True):
        if share.max() < _MIN_REST:
            continue
        positions = np.asarray(cv2.scaleAdd(motion, elapsed, here), np.float32)
        cv2.accumulateProduct(sample(planes, positions), cv2.merge([share] * 4), rest)
        main -= share
        is_used = True
    cv2.insertChannel(main, rest, 3)
    return rest if is_used else None
