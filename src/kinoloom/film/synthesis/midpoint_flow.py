"""Motion candidates at a time between two images, from the motion at their midpoint.

The flow network (`motion.flow_network`) estimates for each pixel of the midpoint where it is in
the first image, where in the second, and the weight of each. At the midpoint that gives two
candidates, each with a sample from one image. For another time the motion is projected along
itself.
"""

from __future__ import annotations

import numpy as np

from kinoloom.film.synthesis.candidates import Candidate
from kinoloom.motion.flow import Flow, pixel_grid, sample
from kinoloom.motion.flow_network import MidpointFlow
from kinoloom.motion.splat import project, project_quickly

_MIN_ARRIVED_WEIGHT = 1e-4


def project_midpoint_flow(
    midpoint: MidpointFlow, time: float, *, is_quick: bool = False
) -> list[Candidate]:
    """Return the candidates at a time; their weights sum to 1.

    Args:
        midpoint: from the flow network.
        time: in the open interval (0, 1).
        is_quick: project by `splat.project_quickly`.
    """
    before, after, share = midpoint.before, midpoint.after, midpoint.share
    elapsed = time - 0.5
    if elapsed:
        before, after = (
            _project_along_itself(before, elapsed, is_quick=is_quick),
            _project_along_itself(after, elapsed, is_quick=is_quick),
        )
        back = np.float32(-elapsed / 2) * (before + after)
        share = sample(share, pixel_grid(*share.shape) + back)
    one, other = share * np.float32(1 - time), (1 - share) * np.float32(time)
    share = np.asarray(one / np.maximum(one + other, np.finfo(np.float32).tiny), np.float32)
    none = np.zeros_like(share)
    return [
        Candidate(before, np.dstack([share, none])),
        Candidate(after, np.dstack([none, 1 - share])),
    ]


def _project_along_itself(motion: Flow, elapsed: float, *, is_quick: bool) -> Flow:
    """Project motion to a later time; where no pixel arrives, keep it in place."""
    splat = project_quickly if is_quick else project
    moved, arrived = splat(motion, elapsed, np.ones(motion.shape[:2], np.float32))
    return np.where(arrived[..., None] > _MIN_ARRIVED_WEIGHT, moved, motion)
