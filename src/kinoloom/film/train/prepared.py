"""Prepared regions: parts of triplets with the guesses that optical flow makes, as files.

Flow takes longer than a step of training, so it is done once, on whole frames; what is kept is a
region of them, of which each step takes a part. Frames are first brought to a size for which the
grid of the guesses is exactly as fine as the frame, or half as fine.
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
from kinoloom.film.choose import engine_options
from kinoloom.film.engines.fast import FINE_CELLS, Fast, colours
from kinoloom.film.synthesis.candidates import guesses
from kinoloom.film.synthesis.mix import mix
from kinoloom.film.train.preparing import load_arrays
from kinoloom.learn.data.source import FrameTriplet
from kinoloom.learn.synthetic.scenes import Scene
from kinoloom.metrics import psnr
from kinoloom.motion.flow import Field

REGION_CELLS = 96
"""Sides of a region, in cells of the grid."""
AROUND_PX = 96
"""What is kept of the pictures around a region: motion may bring it in."""
_EACH = 2
"""Regions of each shot."""
_TRIED = 3
"""Regions looked at for each that is kept: the worst is, as there is more to be learned."""
_LEARNED_FROM_DB = (17.0, 42.0)
"""A region that is made worse or better than this teaches nothing: another scene, or no motion."""


@dataclass(frozen=True)
class Region:
    """A part of a triplet and the guesses of its motion.

    Attributes:
        ratio: pixels for each cell of the grid along an axis, 1 or 2.
        time: of the truth, in the open interval (0, 1).
        first, second: (H + 2 AROUND_PX, W + 2 AROUND_PX, 3) uint8: the region and around it.
        truth: (H, W, 3) uint8.
        consistency: (2, h + 2 around, w + 2 around) float16, of the flow from the first and from
            the second picture, where around is AROUND_PX / ratio.
        motions: (guesses - 1, h, w, 2) float16, in cells; the last guess is that nothing moves.
        weights: (guesses, h, w, 2) float16.
    """

    ratio: int
    time: float
    first: Picture
    second: Picture
    truth: Picture
    consistency: NDArray[np.float16]
    motions: NDArray[np.float16]
    weights: NDArray[np.float16]

    def planes(self) -> tuple[Field, Field]:
        """Of both pictures with what is around them, as `guesses.View.planes`."""
        rows, columns = self.consistency.shape[1:]
        made = [
            np.dstack([colours(picture, rows, columns), agreed.astype(np.float32)])
            for picture, agreed in zip((self.first, self.second), self.consistency, strict=True)
        ]
        return made[0], made[1]


def regions(shot: FrameTriplet | Scene, rng: np.random.Generator) -> Iterator[Region]:
    """Take regions of a shot, as random as the generator, the harder ones rather.

    Args:
        shot: the frames; where they are small, or too easy or hard, there are fewer regions.
        rng: decides.

    Raises:
        UsageError: the frames are made.
    """
    if isinstance(shot, Scene):
        raise UsageError("Regions are prepared of real triplets only.")
    ratio, (first, truth, second) = _fitted(shot)
    if min(first.shape[:2]) < REGION_CELLS * ratio:
        return
    views = _engine().analyse(first, second)
    made = guesses(*views, shot.time)
    picture = mix(first, second, made, shot.time)
    consistency = np.stack([view.planes[..., 3] for view in views])
    side = REGION_CELLS * ratio
    for _ in range(_EACH):
        places = [_place(first, ratio, rng) for _ in range(_TRIED)]
        scores = [
            psnr(picture[place], truth[place]) for place in (_box(*at, side) for at in places)
        ]
        worst = int(np.argmin(scores))
        if not _LEARNED_FROM_DB[0] < scores[worst] < _LEARNED_FROM_DB[1]:
            continue
        top, left = places[worst]
        cells = _box(top // ratio, left // ratio, REGION_CELLS)
        yield Region(
            ratio,
            shot.time,
            _around(first, top, left, side, AROUND_PX),
            _around(second, top, left, side, AROUND_PX),
            truth[_box(top, left, side)],
            np.stack(
                [
                    _around(plane, top // ratio, left // ratio, REGION_CELLS, AROUND_PX // ratio)
                    for plane in consistency
                ]
            ).astype(np.float16),
            np.stack([guess.motion[cells] for guess in made[:-1]]).astype(np.float16),
            np.stack([guess.weights[cells] for guess in made]).astype(np.float16),
        )


def load(file: Path) -> Region:
    """Read a region that was prepared."""
    return Region(**load_arrays(file))


@cache
def _engine() -> Fast:
    return Fast(engine_options(None))


def _fitted(shot: FrameTriplet) -> tuple[int, list[Picture]]:
    """The ratio, and the frames at a size that fits it: at most FINE_CELLS, or four times that."""
    height, width = shot.frames[0].shape[:2]
    ratio = 2 if height * width >= 4 * FINE_CELLS else 1
    scale = min(1.0, sqrt(FINE_CELLS / (height * width))) if ratio == 1 else 1.0
    size = [int(side * scale) // ratio * ratio for side in (height, width)]
    frames = [
        np.ascontiguousarray(frame[: size[0], : size[1]])
        if scale == 1
        else np.asarray(cv2.resize(frame, (size[1], size[0]), interpolation=cv2.INTER_AREA))
        for frame in shot.frames
    ]
    return ratio, frames


def _place(picture: Picture, ratio: int, rng: np.random.Generator) -> tuple[int, int]:
    """Where a region begins, (top, left), on a cell."""
    height, width = (side // ratio - REGION_CELLS for side in picture.shape[:2])
    return int(rng.integers(height + 1)) * ratio, int(rng.integers(width + 1)) * ratio


def _box(top: int, left: int, side: int) -> tuple[slice, slice]:
    return slice(top, top + side), slice(left, left + side)


def _around(plane: NDArray[Any], top: int, left: int, side: int, around: int) -> NDArray[Any]:
    """A square and what is around it; beyond the plane its edge is repeated."""
    rows, columns = (
        np.clip(np.arange(begin - around, begin + side + around), 0, size - 1)
        for begin, size in zip((top, left), plane.shape[:2], strict=True)
    )
    return np.ascontiguousarray(plane[rows][:, columns])
