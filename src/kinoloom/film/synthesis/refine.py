"""Input and output of the refinement network, without torch.

The network (`nets.refine_net`) sees all motion candidates at a time
(`film.synthesis.candidates`) and predicts how much to change their weights and motions, a colour
residual, and the error of the result. Training and inference build its input by the same
functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kinoloom.film.synthesis.candidates import Candidate
from kinoloom.motion.flow import Field, pixel_grid, sample

INPUT_PLANES = 13
"""Per candidate: mean colours (3), colour difference (3), offset of its motion from the mean of
both flows (2), log weights (2), consistency of both samples (2), time (1)."""
OUTPUT_PLANES = 4
"""Per candidate: corrections of both log weights and of its motion (x, y)."""
SIZE_MULTIPLE = 4
"""Height and width of the input are multiples of this."""
WEIGHT_SCALE, MOTION_SCALE, RESIDUAL_SCALE = 4.0, 2.0, 0.1
"""Units of the network's outputs: in log weight, in grid cells, and in full scale."""

_MIN_WEIGHT = 1e-5


@dataclass(frozen=True)
class Refinement:
    """Motion candidates after the network's corrections.

    Attributes:
        candidates: their weights sum to 1 at each pixel.
        residual: (h, w, 3), to be added to the blended frame, where 1 is full scale.
        error: (h, w), the estimated root mean square error of the result, likewise.
    """

    candidates: list[Candidate]
    residual: Field
    error: Field


def build_network_input(
    first: Field,
    second: Field,
    candidates: Sequence[Candidate],
    time: float,
    top: int = 0,
    left: int = 0,
) -> Field:
    """Build the input of the network.

    Args:
        first, second: (H, W, 4), colours in 0..255 and consistency, as `candidates.View.planes`.
        candidates: (h, w), the cells to show.
        time: in the open interval (0, 1).
        top, left: position of those cells in the images.

    Returns:
        (candidates, INPUT_PLANES, h, w) float32, each plane roughly in -1..1.
    """
    height, width = candidates[0].motion.shape[:2]
    here = pixel_grid(height, width, top) + np.array([left, 0], np.float32)
    mean = (candidates[0].motion + candidates[1].motion) * np.float32(0.5)
    planes = np.empty((len(candidates), INPUT_PLANES, height, width), np.float32)
    for candidate, plane in zip(candidates, planes, strict=True):
        before = sample(first, here - np.float32(time) * candidate.motion)
        after = sample(second, here + np.float32(1 - time) * candidate.motion)
        plane[0:3] = _channels_first((before + after)[..., :3] / 255 - 1)
        plane[3:6] = _channels_first((before - after)[..., :3] / 64)
        offset = candidate.motion - mean
        plane[6:8] = _channels_first(np.sign(offset) * np.log1p(np.abs(offset)) * np.float32(0.5))
        plane[10], plane[11] = before[..., 3], after[..., 3]
        plane[12] = time - 0.5
    planes[:, 8:10] = compute_log_weights(candidates) / 4 + 1
    return planes


def compute_log_weights(candidates: Sequence[Candidate]) -> Field:
    """Return the logarithms of the weights, (candidates, 2, h, w), at least about -11.5."""
    weights = np.stack([candidate.weights for candidate in candidates])
    return np.moveaxis(np.log(np.maximum(weights, np.float32(_MIN_WEIGHT))), 3, 1)


def apply_network_output(
    candidates: Sequence[Candidate], corrections: Field, residual: Field, log_error: Field
) -> Refinement:
    """Correct candidates by the output of the network.

    Args:
        candidates: as passed to `build_network_input`, (h, w).
        corrections: (candidates, OUTPUT_PLANES, h, w).
        residual: (3, h, w).
        log_error: (h, w), the logarithm of the estimated error.
    """
    logs = compute_log_weights(candidates) + np.float32(WEIGHT_SCALE) * corrections[:, :2]
    weights = np.exp(logs - logs.max(axis=(0, 1)))
    weights /= weights.sum(axis=(0, 1))
    shifts = np.float32(MOTION_SCALE) * corrections[:, 2:]
    return Refinement(
        [
            Candidate(candidate.motion + np.moveaxis(shift, 0, 2), np.moveaxis(weight, 0, 2))
            for candidate, shift, weight in zip(candidates, shifts, weights, strict=True)
        ],
        np.float32(RESIDUAL_SCALE) * np.moveaxis(residual, 0, 2),
        np.exp(log_error),
    )


def pad_to_multiple(planes: Field) -> Field:
    """Pad the last two axes to a multiple of `SIZE_MULTIPLE` by repeating the edge."""
    height, width = planes.shape[-2:]
    padding = [(0, -height % SIZE_MULTIPLE), (0, -width % SIZE_MULTIPLE)]
    return np.pad(planes, [(0, 0)] * (planes.ndim - 2) + padding, mode="edge")


def _channels_first(values: Field) -> Field:
    return np.moveaxis(values, 2, 0)
