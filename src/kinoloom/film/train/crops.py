"""Prepared crops: parts of triplets with the motion that explains the middle frame best, as files.

A network learns motion soonest when it is shown some. Of made scenes it is known. Of real triplets
the best of all guesses is taken: those of optical flow and of the flow network (engine `deep`) are
compared with the middle frame, and of each cell the motion is kept whose samples meet it best. No
engine could do that, as it does not know the frame; so what is learned from can be better than any.
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
from kinoloom.film.choose import engine_options
from kinoloom.film.engines.deep import Deep
from kinoloom.film.engines.fast import colours
from kinoloom.film.synthesis.candidates import guesses
from kinoloom.film.synthesis.midpoint_flow import at
from kinoloom.learn.data.source import FrameTriplet
from kinoloom.learn.synthetic.packing import pack
from kinoloom.learn.synthetic.samples import render_samples
from kinoloom.learn.synthetic.scenes import Scene
from kinoloom.motion.flow import Field, Flow, pixel_grid, resize_flow, sample

CROP_PX = 224
_EACH = 3
"""Crops of each shot."""
_TRIED = 3
"""Crops looked at for each that is kept: the one in which motions differ most is."""
_AROUND_CELLS = 1.5
"""Standard deviation of the window over which samples are compared with the truth."""
_TRUSTED = 8.0
"""Mean difference in levels of 8 bits at which a motion is half trusted."""
_MOST_DIFFERENCE = 40.0
"""A crop that even the best motion explains worse than this shows two scenes."""


@dataclass(frozen=True)
class Crop:
    """A part of a triplet and the motion in it.

    Attributes:
        time: of the middle frame, in the open interval (0, 1).
        frames: (3, CROP_PX, CROP_PX, 3) uint8: first, middle, second.
        motion: (CROP_PX / 2, CROP_PX / 2, 4) float16: the whole way from first to second of what
            is there in the middle frame, going by the first and by the second, in pixels of this
            grid.
        trust: (CROP_PX / 2, CROP_PX / 2) float16 in 0..1, how well that motion explains the frame.
    """

    time: float
    frames: NDArray[np.uint8]
    motion: NDArray[np.float16]
    trust: NDArray[np.float16]


def crops(drawn: FrameTriplet | Scene, rng: np.random.Generator) -> Iterator[Crop]:
    """Take crops of what was drawn; none where frames are small, or no motion explains them.

    Args:
        drawn: real frames, or a scene of CROP_PX a side.
        rng: decides which parts of real frames.
    """
    if isinstance(drawn, Scene):
        yield _of_scene(drawn)
        return
    height, width = (side // 2 * 2 for side in drawn.frames[0].shape[:2])
    if min(height, width) < CROP_PX:
        return
    first, truth, second = (np.ascontiguousarray(frame[:height, :width]) for frame in drawn.frames)
    motion, difference = _best_motion(first, truth, second, drawn.time)
    for _ in range(_EACH):
        places = [_place(height, width, rng) for _ in range(_TRIED)]
        top, left = max(places, key=lambda place: _liveliness(motion[_cells(*place)]))
        cells = _cells(top, left)
        if difference[cells].mean() > _MOST_DIFFERENCE:
            continue
        box = np.s_[top : top + CROP_PX, left : left + CROP_PX]
        yield Crop(
            drawn.time,
            np.stack([frame[box] for frame in (first, truth, second)]),
            np.tile(motion[cells], 2).astype(np.float16),
            (1 / (1 + np.square(difference[cells] / _TRUSTED))).astype(np.float16),
        )


def _of_scene(scene: Scene) -> Crop:
    made = render_samples(pack([scene]))
    frames = torch.cat([made["frame0"], made["middle"], made["frame1"]])
    flows = torch.cat(
        [made["truth"]["flow_t0"] / -scene.time, made["truth"]["flow_t1"] / (1 - scene.time)], 1
    )
    motion = functional.avg_pool2d(flows, 2)[0] / 2
    return Crop(
        scene.time,
        (frames * 255).round().byte().permute(0, 2, 3, 1).numpy(),
        motion.permute(1, 2, 0).half().numpy(),
        np.ones(motion.shape[1:], np.float16),
    )


@cache
def _engine() -> Deep:
    return Deep(engine_options(None))


def _best_motion(
    first: Picture, truth: Picture, second: Picture, time: float
) -> tuple[Flow, Field]:
    """The motion at half the size of the pictures, and how far its samples are from the truth."""
    rows, columns = (side // 2 for side in truth.shape[:2])
    pair, middle = _engine().analyse(first, second), _engine().middle(first, second)
    found = [*guesses(*pair, time), *at(middle, time)]
    motions = [resize_flow(guess.motion, rows, columns) for guess in found]
    small = [colours(picture, rows, columns) for picture in (first, truth, second)]
    differences = np.stack([_difference(small, motion, time) for motion in motions])
    best = differences.argmin(0)
    motion = np.take_along_axis(np.stack(motions), best[None, ..., None], 0)[0]
    return motion, differences.min(0)


def _difference(frames: Sequence[Field], motion: Flow, time: float) -> Field:
    """(h, w): of the samples along a motion from the truth; the better one counts twice."""
    first, truth, second = frames
    here = pixel_grid(*truth.shape[:2])
    before = sample(first, here - np.float32(time) * motion)
    after = sample(second, here + np.float32(1 - time) * motion)
    one, other = (
        cv2.GaussianBlur(np.abs(each - truth).mean(2), (0, 0), _AROUND_CELLS)
        for each in (before, after)
    )
    return np.asarray((2 * np.minimum(one, other) + np.maximum(one, other)) / 3, np.float32)


def _place(height: int, width: int, rng: np.random.Generator) -> tuple[int, int]:
    """Where a crop begins, (top, left), even."""
    top, left = (2 * int(rng.integers((side - CROP_PX) // 2 + 1)) for side in (height, width))
    return top, left


def _cells(top: int, left: int) -> tuple[slice, slice]:
    """A crop on the grid of the motion."""
    side = CROP_PX // 2
    return slice(top // 2, top // 2 + side), slice(left // 2, left // 2 + side)


def _liveliness(motion: Flow) -> float:
    """How far motions differ from the middle one."""
    return float(np.abs(motion - np.median(motion, axis=(0, 1))).mean())
