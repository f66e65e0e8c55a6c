"""What the refining network sees of the guesses of a motion, and what becomes of its answers.

The network (`nets.refine_net`) looks at all guesses of the motion at a moment
(`film.synthesis.candidates`) and says how far to trust each of their samples, how far each motion
is off, what the mix of samples still lacks, and how wrong the result is likely to be. Nothing here
needs torch: what is seen is made by the same functions in training and afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kinoloom.film.synthesis.candidates import Guess
from kinoloom.motion.flow import Field, pixel_grid, sample

PLANES = 13
"""Seen of each guess: colours (3), their difference (3), how far the motion is from the mean of
both flows (2), logarithms of the weights (2), consistency of both samples (2), the time (1)."""
ANSWERS = 4
"""Said of each guess: what to add to the logarithm of either weight, and to the motion (x, y)."""
MULTIPLE = 4
"""The network takes sides of a multiple of this."""

_LEAST_WEIGHT = 1e-5
TRUST, SHIFT, LIGHT = 4.0, 2.0, 0.1
"""Units of the network's answers: in the logarithm of weights, in cells, in whole brightness."""


@dataclass(frozen=True)
class Refined:
    """Guesses after the network's answers.

    Attributes:
        guesses: over all of them the weights of a pixel sum to 1.
        light: (h, w, 3), to be added to the mix, where 1 is the whole brightness.
        error: (h, w), the expected error of the result (root mean square), likewise.
    """

    guesses: list[Guess]
    light: Field
    error: Field


def seen(
    first: Field, second: Field, guesses: Sequence[Guess], time: float, top: int = 0, left: int = 0
) -> Field:
    """What the network sees.

    Args:
        first, second: (H, W, 4), colours in 0..255 and consistency, as `guesses.View.planes`.
        guesses: (h, w) of the cells that are looked at.
        time: in the open interval (0, 1).
        top, left: where those cells begin.

    Returns:
        (guesses, PLANES, h, w) float32, each plane about -1..1.
    """
    height, width = guesses[0].motion.shape[:2]
    here = pixel_grid(height, width, top) + np.array([left, 0], np.float32)
    mean = (guesses[0].motion + guesses[1].motion) * np.float32(0.5)
    planes = np.empty((len(guesses), PLANES, height, width), np.float32)
    for guess, plane in zip(guesses, planes, strict=True):
        before = sample(first, here - np.float32(time) * guess.motion)
        after = sample(second, here + np.float32(1 - time) * guess.motion)
        plane[0:3] = _planes((before + after)[..., :3] / 255 - 1)
        plane[3:6] = _planes((before - after)[..., :3] / 64)
        apart = guess.motion - mean
        plane[6:8] = _planes(np.sign(apart) * np.log1p(np.abs(apart)) * np.float32(0.5))
        plane[10], plane[11] = before[..., 3], after[..., 3]
        plane[12] = time - 0.5
    planes[:, 8:10] = log_weights(guesses) / 4 + 1
    return planes


def log_weights(guesses: Sequence[Guess]) -> Field:
    """Logarithms of the weights, (guesses, 2, h, w); of none at all, about -11.5."""
    weights = np.stack([guess.weights for guess in guesses])
    return np.moveaxis(np.log(np.maximum(weights, np.float32(_LEAST_WEIGHT))), 3, 1)


def refined(guesses: Sequence[Guess], answers: Field, light: Field, error: Field) -> Refined:
    """The guesses after the network's answers.

    Args:
        guesses: as they were shown to it, (h, w).
        answers: (guesses, ANSWERS, h, w).
        light: (3, h, w).
        error: (h, w), the logarithm of the expected error.
    """
    logs = log_weights(guesses) + np.float32(TRUST) * answers[:, :2]
    weights = np.exp(logs - logs.max(axis=(0, 1)))
    weights /= weights.sum(axis=(0, 1))
    shifts = np.float32(SHIFT) * answers[:, 2:]
    return Refined(
        [
            Guess(guess.motion + np.moveaxis(shift, 0, 2), np.moveaxis(weight, 0, 2))
            for guess, shift, weight in zip(guesses, shifts, weights, strict=True)
        ],
        np.float32(LIGHT) * np.moveaxis(light, 0, 2),
        np.exp(error),
    )


def padded(planes: Field) -> Field:
    """Planes whose sides are continued to a multiple of `MULTIPLE` by repeating their edge."""
    height, width = planes.shape[-2:]
    more = [(0, -height % MULTIPLE), (0, -width % MULTIPLE)]
    return np.pad(planes, [(0, 0)] * (planes.ndim - 2) + more, mode="edge")


def _planes(values: Field) -> Field:
    return np.moveaxis(values, 2, 0)
