"""Motion candidates at a time between two pictures, from the motion at their midpoint.

The flow network (`motion.flow_network`) estimates for each pixel of the midpoint where it is seen
in the first picture, where in the second, and which of both to trust. At the midpoint that gives
two candidates, each with a sample from one picture. For another time the motion is projected there
along itself.
"""

from __future__ import annotations

import numpy as np

from kinoloom.film.synthesis.candidates import Guess
from kinoloom.motion.flow import Flow, pixel_grid, sample
from kinoloom.motion.flow_network import MidpointFlow
from kinoloom.motion.splat import project

_LEAST_ARRIVED = 1e-4


def at(middle: MidpointFlow, time: float) -> list[Guess]:
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
