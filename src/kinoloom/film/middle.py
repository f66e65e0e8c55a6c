"""Guesses of the motion at a moment, from what is known of the middle.

The flow network (`nets.flow_net`) tells of each pixel of the middle where it is seen in the first
picture, where in the second, and which of both to believe. At the middle that is two guesses, each
with a sample from one picture. For another moment the motion is carried there along itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kinoloom.film.engine import Flow
from kinoloom.film.flow import Field, pixel_grid, sample
from kinoloom.film.guesses import Guess
from kinoloom.film.splat import project

_LEAST_ARRIVED = 1e-4


@dataclass(frozen=True)
class Middle:
    """What a network says of the middle of two pictures.

    Attributes:
        before: (h, w, 2), the whole way from first to second, going by the first picture, in
            pixels of this grid.
        after: (h, w, 2), likewise going by the second.
        share: (h, w) in 0..1, how much of the middle is of the first picture.
    """

    before: Flow
    after: Flow
    share: Field


def at(middle: Middle, time: float) -> list[Guess]:
    """The guesses at a time in the open interval (0, 1); their weights sum to 1."""
    before, after, share = middle.before, middle.after, middle.share
    passed = time - 0.5
    if passed:
        before, after = _carried(before, passed), _carried(after, passed)
        back = np.float32(-passed / 2) * (before + after)
        share = sample(share, pixel_grid(*share.shape) + back)
    one, other = share * np.float32(1 - time), (1 - share) * np.float32(time)
    share = np.asarray(one / np.maximum(one + other, np.finfo(np.float32).tiny), np.float32)
    none = np.zeros_like(share)
    return [
        Guess(before, np.dstack([share, none])),
        Guess(after, np.dstack([none, 1 - share])),
    ]


def _carried(motion: Flow, passed: float) -> Flow:
    """The motion at a moment this much after the middle; where none arrives, as it is here."""
    moved, arrived = project(motion, passed, np.ones(motion.shape[:2], np.float32))
    return np.where(arrived[..., None] > _LEAST_ARRIVED, moved, motion)
