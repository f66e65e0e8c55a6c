"""Crops of triplets with the motion that best explains the middle frame, stored for LiteNet.

A network learns motion fastest from flow supervision. For synthetic scenes the motion is known.
For real triplets it is a pseudo ground truth: the candidates of optical flow and of the flow
network (engine `deep`) are compared with the middle frame, and each cell keeps the motion whose
samples match it best. The middle frame is not available at inference, so this supervision can be
better than any engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from kinoloom.base.arrays import Picture
from kinoloom.film.engines.deep import Deep
from kinoloom.film.engines.fast import resize_colors
from kinoloom.film.selection import build_engine_options
from kinoloom.film.synthesis.candidates import build_candidates
from kinoloom.film.synthesis.midpoint_flow import project_midpoint_flow
from kinoloom.learn.data.source import FrameTriplet
from kinoloom.learn.synthetic.packing import pack
from kinoloom.learn.synthetic.samples import render_samples
from kinoloom.learn.synthetic.scenes import Scene
from kinoloom.motion.flow import Field, Flow, pixel_grid, resize_flow, sample

CROP_PX = 224
_CROPS_PER_SHOT = 3
_TRIALS = 3
"""Random crops per stored one; the one with the most varied motion is stored."""
_WINDOW_SIGMA_CELLS = 1.5
"""Standard deviation of the window over which samples are compared with the truth."""
_HALF_TRUST_LEVELS = 8.0
"""Mean difference in 8-bit levels at which the trust in a motion is one half."""
_MAX_DIFFERENCE_LEVELS = 40.0
"""A crop with a larger mean difference, even for the best motion, shows two scenes."""


@dataclass(frozen=True)
class Crop:
    """A crop of a triplet and its motion.

    Attributes:
        time: of the middle frame, in the open interval (0, 1).
        frames: (3, CROP_PX, CROP_PX, 3) uint8: first, middle, last.
        motion: (CROP_PX / 2, CROP_PX / 2, 4) float16: the whole motion from first to last at the
            middle frame, according to the first and to the last, in pixels of this grid.
        trust: (CROP_PX / 2, CROP_PX / 2) float16 in 0..1, how well that motion explains the frame.
    """

    time: float
    frames: NDArray[np.uint8]
    motion: NDArray[np.float16]
    trust: NDArray[np.float16]


def extract_crops(drawn: FrameTriplet | Scene, rng: np.random.Generator) -> Iterator[Crop]:
    """Extract crops of a sample; none if frames are small or no motion explains them.

    Args:
        drawn: real frames, or a scene with sides of CROP_PX.
        rng: chooses the positions in real frames.
    """
    if isinstance(drawn, Scene):
        yield _render_scene(drawn)
        return
    height, width = (side // 2 * 2 for side in drawn.frames[0].shape[:2])
    if min(height, width) < CROP_PX:
        return
    first, truth, second = (np.ascontiguousarray(frame[:height, :width]) for frame in drawn.frames)
    motion, difference = _find_best_motion(first, truth, second, drawn.time)
    for _ in range(_CROPS_PER_SHOT):
        corners = [_draw_corner(height, width, rng) for _ in range(_TRIALS)]
        top, left = max(corners, key=lambda each: _measure_variation(motion[_cells(*each)]))
        cells = _cells(top, left)
        if difference[cells].mean() > _MAX_DIFFERENCE_LEVELS:
            continue
        box = np.s_[top : top + CROP_PX, left : left + CROP_PX]
        trust = 1 / (1 + np.square(difference[cells] / _HALF_TRUST_LEVELS))
        yield Crop(
            drawn.time,
            np.stack([frame[box] for frame in (first, truth, second)]),
            np.tile(motion[cells], 2).astype(np.float16),
            trust.astype(np.float16),
        )


def _render_scene(scene: Scene) -> Crop:
    batch = render_samples(pack([scene]))
    frames = torch.cat([batch["frame0"], batch["middle"], batch["frame1"]])
    truth = batch["truth"]
    flows = torch.cat([truth["flow_t0"] / -scene.time, truth["flow_t1"] / (1 - scene.time)], 1)
    motion = functional.avg_pool2d(flows, 2)[0] / 2
    return Crop(
        scene.time,
        (frames * 255).round().byte().permute(0, 2, 3, 1).numpy(),
        motion.permute(1, 2, 0).half().numpy(),
        np.ones(motion.shape[1:], np.float16),
    )


@cache
def _get_engine() -> Deep:
    return Deep(build_engine_options(None))


def _find_best_motion(
    first: Picture, truth: Picture, second: Picture, time: float
) -> tuple[Flow, Field]:
    """Return the best motion at half the image size, and its difference from the truth."""
    rows, columns = (side // 2 for side in truth.shape[:2])
    engine = _get_engine()
    pair, midpoint = engine.analyse(first, second), engine.estimate_midpoint_flow(first, second)
    candidates = [*build_candidates(*pair, time), *project_midpoint_flow(midpoint, time)]
    motions = [resize_flow(candidate.motion, rows, columns) for candidate in candidates]
    small = [resize_colors(image, rows, columns) for image in (first, truth, second)]
    differences = np.stack([_compare_with_truth(small, motion, time) for motion in motions])
    best = differences.argmin(0)
    motion = np.take_along_axis(np.stack(motions), best[None, ..., None], 0)[0]
    return motion, differences.min(0)


def _compare_with_truth(frames: Sequence[Field], motion: Flow, time: float) -> Field:
    """Return the difference of samples along a motion from the truth, (h, w).

    The better of both samples counts twice.
    """
    first, truth, second = frames
    here = pixel_grid(*truth.shape[:2])
    before = sample(first, here - np.float32(time) * motion)
    after = sample(second, here + np.float32(1 - time) * motion)
    one, other = (
        cv2.GaussianBlur(np.abs(each - truth).mean(2), (0, 0), _WINDOW_SIGMA_CELLS)
        for each in (before, after)
    )
    return np.asarray((2 * np.minimum(one, other) + np.maximum(one, other)) / 3, np.float32)


def _draw_corner(height: int, width: int, rng: np.random.Generator) -> tuple[int, int]:
    """Draw the even position (top, left) of a crop."""
    top, left = (2 * int(rng.integers((side - CROP_PX) // 2 + 1)) for side in (height, width))
    return top, left


def _cells(top: int, left: int) -> tuple[slice, slice]:
    """Return the cells of a crop on the grid of the motion."""
    side = CROP_PX // 2
    return slice(top // 2, top // 2 + side), slice(left // 2, left // 2 + side)


def _measure_variation(motion: Flow) -> float:
    """Return the mean absolute deviation of the motion from its median."""
    return float(np.abs(motion - np.median(motion, axis=(0, 1))).mean())
