"""Regions of triplets with both images moved to the middle frame, stored for the fusion network.

Motion estimation takes longer than a training step, so it is done once, on whole frames; regions
are stored, from which each step takes patches.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture, from_float
from kinoloom.film.engines.fast import Fast
from kinoloom.film.engines.sources import MotionEstimator, PairMotion
from kinoloom.film.selection import build_engine_options
from kinoloom.film.synthesis.fusion import measure_speed
from kinoloom.film.synthesis.resolution import find_fine_cells, plan_tiles
from kinoloom.film.synthesis.warping import MotionSource, warp_pair
from kinoloom.film.train.samples.preparation import load_arrays
from kinoloom.learn.data.source import FrameTriplet
from kinoloom.learn.synthetic.packing import pack
from kinoloom.learn.synthetic.samples import render_samples
from kinoloom.learn.synthetic.scenes import Scene
from kinoloom.metrics import psnr
from kinoloom.motion.flow import Field

SCENE_PX = 256
"""Side of synthetic scenes, and the least side of frames."""
REGION_PX = 224
_REGIONS_PER_SHOT = 2
_TRIALS = 3
"""Random regions per stored one; the one that changes most is stored."""
_MIN_CHANGE_LEVELS = 1.0
_USEFUL_PSNR_DB = (24.0, 43.0)
"""Regions on which the mean of the sources is outside this range are skipped: no choice among the
sources helps, or none is needed."""
_FULL_GRID_SHARE = 0.2
"""Share of synthetic scenes with a grid of full size, as small frames have it."""


@dataclass(frozen=True)
class Region:
    """A region of a triplet, and both images moved to its middle frame by S sources.

    Attributes:
        time: of the truth, in the open interval (0, 1).
        truth: (REGION_PX, REGION_PX, 3) uint8.
        before, after: (S, REGION_PX, REGION_PX, 3) float16, see `synthesis.warping.WarpedPair`.
        share: (S, REGION_PX, REGION_PX) float16.
        speeds: (S, REGION_PX / 2, REGION_PX / 2) float16, see `synthesis.fusion.measure_speed`.
        is_fine: whether the sources at full size are present.
    """

    time: float
    truth: Picture
    before: NDArray[np.float16]
    after: NDArray[np.float16]
    share: NDArray[np.float16]
    speeds: NDArray[np.float16]
    is_fine: bool


def extract_regions(drawn: FrameTriplet | Scene, rng: np.random.Generator) -> Iterator[Region]:
    """Extract random regions of a sample; none if frames are small, still or of two scenes.

    Args:
        drawn: real frames, or a scene with sides of SCENE_PX.
        rng: source of all randomness.
    """
    if isinstance(drawn, Scene):
        first, truth, second = _render_scene(drawn)
        scale = 1.0 if rng.random() < _FULL_GRID_SHARE else 0.5
        count = 1
    else:
        height, width = (side // 2 * 2 for side in drawn.frames[0].shape[:2])
        first, truth, second = (
            np.ascontiguousarray(frame[:height, :width]) for frame in drawn.frames
        )
        scale, count = 1.0, _REGIONS_PER_SHOT
    if min(first.shape[:2]) < SCENE_PX:
        return
    estimator = _get_estimator(scale)
    motion = estimator.estimate_coarse(first, second)
    change = cv2.absdiff(first, second).mean(axis=2)
    for _ in range(count):
        corners = [_draw_corner(first, rng) for _ in range(_TRIALS)]
        top, left = max(corners, key=lambda each: change[_box(*each)].mean())
        if change[_box(top, left)].mean() < _MIN_CHANGE_LEVELS:
            continue
        refined = _refine_around(estimator, first, second, motion, top, left)
        region = _warp_region(first, second, truth, refined, drawn.time, top, left)
        if _USEFUL_PSNR_DB[0] < _measure_mean(region) < _USEFUL_PSNR_DB[1]:
            yield region


def load_region(file: Path) -> Region:
    """Read a stored region."""
    return Region(**load_arrays(file))


@cache
def _get_estimator(flow_scale: float) -> MotionEstimator:
    return MotionEstimator(Fast(build_engine_options(None, flow_scale)))


def _refine_around(
    estimator: MotionEstimator,
    first: Picture,
    second: Picture,
    motion: PairMotion,
    top: int,
    left: int,
) -> PairMotion:
    """Add the motion at full size in a region, where the engine would compute it."""
    box = _box(top, left)
    one, other = (np.asarray(image[box], np.float32) for image in (first, second))
    fields = (motion.coarse.before, motion.coarse.after, motion.coarse.share)
    rows, columns = motion.coarse.share.shape
    down, right = first.shape[0] / rows, first.shape[1] / columns
    inside = np.s_[
        round(top / down) : round((top + REGION_PX) / down),
        round(left / right) : round((left + REGION_PX) / right),
    ]
    seen = type(motion.coarse)(*(np.ascontiguousarray(each[inside]) for each in fields))
    is_fine = find_fine_cells(one, other, seen)
    boxes = [box] if plan_tiles(is_fine, REGION_PX, REGION_PX) else []
    return estimator.refine(first, second, motion, boxes)


def _warp_region(
    first: Picture,
    second: Picture,
    truth: Picture,
    motion: PairMotion,
    time: float,
    top: int,
    left: int,
) -> Region:
    sources, _ = motion.build_sources(time)
    pairs = [warp_pair(first, second, each, time, _box(top, left)) for each in sources]
    speeds = [_measure_region_speed(each, first, top, left) for each in sources]
    return Region(
        time,
        truth[_box(top, left)],
        _stack([each.before for each in pairs]),
        _stack([each.after for each in pairs]),
        _stack([each.share for each in pairs]),
        _stack(speeds),
        bool(motion.presence is not None and motion.presence[_box(top, left)].any()),
    )


def _measure_mean(region: Region) -> float:
    """Return the PSNR of the mean of the sources."""
    share = region.share[..., None].astype(np.float32)
    mean = np.mean(share * region.before + (1 - share) * region.after, axis=0)
    return psnr(from_float(mean, np.dtype(np.uint8)), region.truth)


def _measure_region_speed(source: MotionSource, image: Picture, top: int, left: int) -> Field:
    height, width = image.shape[:2]
    speed = cv2.resize(measure_speed(source, height, width), (width // 2, height // 2))
    side = REGION_PX // 2
    return np.asarray(speed[top // 2 : top // 2 + side, left // 2 : left // 2 + side])


def _render_scene(scene: Scene) -> list[Picture]:
    batch = render_samples(pack([scene]))
    frames = (batch["frame0"], batch["middle"], batch["frame1"])
    return [
        from_float(np.ascontiguousarray(each[0].permute(1, 2, 0).numpy()), np.dtype(np.uint8))
        for each in frames
    ]


def _draw_corner(image: Picture, rng: np.random.Generator) -> tuple[int, int]:
    """Draw the even position (top, left) of a region."""
    top, left = (2 * int(rng.integers((side - REGION_PX) // 2 + 1)) for side in image.shape[:2])
    return top, left


def _box(top: int, left: int) -> tuple[slice, slice]:
    return slice(top, top + REGION_PX), slice(left, left + REGION_PX)


def _stack(fields: list[NDArray[Any]]) -> NDArray[np.float16]:
    return np.stack(fields).astype(np.float16)
