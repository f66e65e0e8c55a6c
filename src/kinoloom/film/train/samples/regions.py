"""Regions of triplets with both images moved to the middle frame, stored for the fusion network.

Motion estimation takes longer than a training step, so it is done once, on whole frames; regions
are stored, from which each step takes patches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from kinoloom.film.synthesis.warping import Box, MotionSource, warp_pair
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
_CROP_PX = 384
"""Side of the parts of real frames in which motion is estimated, around a region."""
_REGIONS_PER_SHOT = 4
_TRIALS = 3
"""Random parts per stored region; the one that changes most is taken."""
_MIN_CHANGE_LEVELS = 1.0
_USEFUL_PSNR_DB = (22.0, 43.0)
"""Regions on which the mean of the sources is outside this range are skipped: no choice among the
sources helps, or none is needed."""
_REFINED_SHARE = 0.35
"""Share of the regions with motion at full size, which takes longest."""
_FULL_GRID_SHARE = 0.2
"""Share of synthetic scenes with a grid of full size, as small frames have it."""


@dataclass(frozen=True)
class Region:
    """A region of a triplet, and both images moved to its middle frame by S sources.

    S is `COARSE_SOURCES` without motion at full size, `SOURCES` with it.

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
        scale = 1.0 if rng.random() < _FULL_GRID_SHARE else 0.5
        yield from _extract_region(_render_scene(drawn), drawn.time, scale, rng)
        return
    if min(drawn.frames[0].shape[:2]) < SCENE_PX:
        return
    change = cv2.absdiff(drawn.frames[0], drawn.frames[2]).mean(axis=2)
    for _ in range(_REGIONS_PER_SHOT):
        boxes = [_draw_box(change, _CROP_PX, rng) for _ in range(_TRIALS)]
        box = max(boxes, key=lambda each: change[each].mean())
        if change[box].mean() < _MIN_CHANGE_LEVELS:
            continue
        crops = [np.ascontiguousarray(frame[box]) for frame in drawn.frames]
        yield from _extract_region(crops, drawn.time, 1.0, rng)


def _extract_region(
    frames: Sequence[Picture],
    time: float,
    flow_scale: float,
    rng: np.random.Generator,
) -> Iterator[Region]:
    """Yield the middle of three frames, or a random region if they are a scene, if it is useful."""
    first, truth, second = frames
    height, width = first.shape[:2]
    estimator = _get_estimator(flow_scale)
    motion = estimator.estimate_coarse(first, second)
    top, left = (2 * int(rng.integers((side - REGION_PX) // 2 + 1)) for side in (height, width))
    region = _warp_region(first, second, truth, motion, time, top, left)
    if not _USEFUL_PSNR_DB[0] < _measure_mean(region) < _USEFUL_PSNR_DB[1]:
        return
    if rng.random() < _REFINED_SHARE:
        refined = _refine_around(estimator, first, second, motion, top, left)
        region = _warp_region(first, second, truth, refined, time, top, left)
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


def _draw_box(image: NDArray[Any], side_px: int, rng: np.random.Generator) -> Box:
    """Draw a box with even corners, at most side_px high and wide."""
    rows, columns = (_draw_span(side, side_px, rng) for side in image.shape[:2])
    return rows, columns


def _draw_span(side: int, length: int, rng: np.random.Generator) -> slice:
    length = min(length, side // 2 * 2)
    start = 2 * int(rng.integers((side - length) // 2 + 1))
    return slice(start, start + length)


def _box(top: int, left: int) -> Box:
    return slice(top, top + REGION_PX), slice(left, left + REGION_PX)


def _stack(fields: list[NDArray[Any]]) -> NDArray[np.float16]:
    return np.stack(fields).astype(np.float16)
