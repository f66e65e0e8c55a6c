"""Regions of triplets with their motion candidates, stored as files for the refinement network.

Optical flow takes longer than a training step, so it is computed once, on whole frames; a region
is stored, from which each step takes a patch. Frames are first resized so that the grid of the
candidates has exactly the frame's resolution, or half of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import sqrt
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture
from kinoloom.errors import UsageError
from kinoloom.film.engines.fast import MAX_FULL_SIZE_CELLS, Fast, resize_colors
from kinoloom.film.selection import build_engine_options
from kinoloom.film.synthesis.blending import blend_candidates
from kinoloom.film.synthesis.candidates import build_candidates
from kinoloom.film.train.samples.preparation import load_arrays
from kinoloom.learn.data.source import FrameTriplet
from kinoloom.learn.synthetic.scenes import Scene
from kinoloom.metrics import psnr
from kinoloom.motion.flow import Field

REGION_CELLS = 96
"""Side of a region, in grid cells."""
MARGIN_PX = 96
"""Width of the surroundings stored with a region, which motion may bring in."""
_REGIONS_PER_SHOT = 2
_TRIALS = 3
"""Random regions per stored one; the one with the lowest PSNR is stored, as the most useful."""
_USEFUL_PSNR_DB = (17.0, 42.0)
"""Regions outside this range are skipped: they show different scenes, or no motion."""


@dataclass(frozen=True)
class Region:
    """A region of a triplet and its motion candidates.

    Attributes:
        ratio: pixels per grid cell along an axis, 1 or 2.
        time: of the truth, in the open interval (0, 1).
        first, second: (H + 2 MARGIN_PX, W + 2 MARGIN_PX, 3) uint8: the region and its
            surroundings.
        truth: (H, W, 3) uint8.
        consistency: (2, h + 2 margin, w + 2 margin) float16, of the flows from the first and from
            the second image, where margin is MARGIN_PX / ratio.
        motions: (candidates - 1, h, w, 2) float16, in cells; the last candidate has no motion.
        weights: (candidates, h, w, 2) float16.
    """

    ratio: int
    time: float
    first: Picture
    second: Picture
    truth: Picture
    consistency: NDArray[np.float16]
    motions: NDArray[np.float16]
    weights: NDArray[np.float16]

    def build_planes(self) -> tuple[Field, Field]:
        """Return both images with their surroundings, as `candidates.View.planes`."""
        rows, columns = self.consistency.shape[1:]
        first, second = (
            np.dstack([resize_colors(image, rows, columns), consistency.astype(np.float32)])
            for image, consistency in zip((self.first, self.second), self.consistency, strict=True)
        )
        return first, second


def extract_regions(shot: FrameTriplet | Scene, rng: np.random.Generator) -> Iterator[Region]:
    """Extract random regions of a shot, preferably difficult ones.

    Args:
        shot: the frames; small frames or unsuitable motion give fewer regions.
        rng: source of all randomness.

    Raises:
        UsageError: the sample is a synthetic scene.
    """
    if isinstance(shot, Scene):
        raise UsageError("Regions can only be extracted from real triplets, not from scenes.")
    ratio, (first, truth, second) = _resize_to_grid(shot)
    if min(first.shape[:2]) < REGION_CELLS * ratio:
        return
    views = _get_engine().analyse(first, second)
    candidates = build_candidates(*views, shot.time)
    frame = blend_candidates(first, second, candidates, shot.time)
    consistency = np.stack([view.planes[..., 3] for view in views])
    side = REGION_CELLS * ratio
    for _ in range(_REGIONS_PER_SHOT):
        corners = [_draw_corner(first, ratio, rng) for _ in range(_TRIALS)]
        boxes = [_box(*corner, side) for corner in corners]
        scores = [psnr(frame[box], truth[box]) for box in boxes]
        worst = int(np.argmin(scores))
        if not _USEFUL_PSNR_DB[0] < scores[worst] < _USEFUL_PSNR_DB[1]:
            continue
        top, left = corners[worst]
        cell = top // ratio, left // ratio
        cells = _box(*cell, REGION_CELLS)
        padded = [
            _crop_with_margin(plane, *cell, REGION_CELLS, MARGIN_PX // ratio)
            for plane in consistency
        ]
        yield Region(
            ratio,
            shot.time,
            _crop_with_margin(first, top, left, side, MARGIN_PX),
            _crop_with_margin(second, top, left, side, MARGIN_PX),
            truth[_box(top, left, side)],
            np.stack(padded).astype(np.float16),
            np.stack([each.motion[cells] for each in candidates[:-1]]).astype(np.float16),
            np.stack([each.weights[cells] for each in candidates]).astype(np.float16),
        )


def load_region(file: Path) -> Region:
    """Read a stored region."""
    return Region(**load_arrays(file))


@cache
def _get_engine() -> Fast:
    return Fast(build_engine_options(None))


def _resize_to_grid(shot: FrameTriplet) -> tuple[int, list[Picture]]:
    """Return the ratio, and the frames resized so that the grid divides them evenly."""
    height, width = shot.frames[0].shape[:2]
    ratio = 2 if height * width >= 4 * MAX_FULL_SIZE_CELLS else 1
    scale = min(1.0, sqrt(MAX_FULL_SIZE_CELLS / (height * width))) if ratio == 1 else 1.0
    size = [int(side * scale) // ratio * ratio for side in (height, width)]
    frames = [
        np.ascontiguousarray(frame[: size[0], : size[1]])
        if scale == 1
        else np.asarray(cv2.resize(frame, (size[1], size[0]), interpolation=cv2.INTER_AREA))
        for frame in shot.frames
    ]
    return ratio, frames


def _draw_corner(image: Picture, ratio: int, rng: np.random.Generator) -> tuple[int, int]:
    """Draw the position (top, left) of a region, aligned to the grid."""
    height, width = (side // ratio - REGION_CELLS for side in image.shape[:2])
    return int(rng.integers(height + 1)) * ratio, int(rng.integers(width + 1)) * ratio


def _box(top: int, left: int, side: int) -> tuple[slice, slice]:
    return slice(top, top + side), slice(left, left + side)


def _crop_with_margin(
    plane: NDArray[Any], top: int, left: int, side: int, margin: int
) -> NDArray[Any]:
    """Crop a square with its surroundings; outside the plane its edge is repeated."""
    rows, columns = (
        np.clip(np.arange(begin - margin, begin + side + margin), 0, size - 1)
        for begin, size in zip((top, left), plane.shape[:2], strict=True)
    )
    return np.ascontiguousarray(plane[rows][:, columns])
