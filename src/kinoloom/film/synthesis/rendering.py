"""Renders a frame from motion sources and fusion weights, for films of photos.

It differs from `warping`, which training and videos use, in what it leaves out: candidates that
agree are sampled once (`main_motion`), and sums are not normalised before they are blended.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.film.synthesis.main_motion import MainMotion, find_main_motion
from kinoloom.film.synthesis.pixels import split_bands
from kinoloom.film.synthesis.sampling import round_levels, sample_levels, top_level
from kinoloom.film.synthesis.upsampling import upsample_rows
from kinoloom.film.synthesis.warping import MotionSource
from kinoloom.motion.flow import Field

ReadWeights = Callable[[int, int, slice], Field]
"""(source, side, rows) -> (rows, W): the weights of an image in some rows of a frame."""


def render_frame(
    pair: tuple[Picture, Picture],
    planes: tuple[Field, Field],
    sources: Sequence[MotionSource],
    time: float,
    read_weights: ReadWeights | None = None,
) -> Picture:
    """Render the frame at a time.

    Args:
        pair: (H, W, 3) each.
        planes: (h, w, 4) float32 each, see `find_main_motion`.
        sources: at that time.
        time: in the open interval (0, 1).
        read_weights: reads the weights of each image of each source, of any scale; None weighs
            the images of a single source by its own weights.

    Returns:
        (H, W, 3) in the dtype of the images.
    """
    height, width = pair[0].shape[:2]
    motions = [find_main_motion(each.candidates, time, planes, height, width) for each in sources]
    frame = np.empty_like(pair[0])
    columns = np.arange(width, dtype=np.float32)[None]
    for top, bottom in split_bands(height, width):
        rows = slice(top, bottom)
        here = columns, np.arange(top, bottom, dtype=np.float32)[:, None]
        blend = _Blend()
        for k, (source, motion) in enumerate(zip(sources, motions, strict=True)):
            ways = cv2.split(upsample_rows([motion.displacements], rows, height, width))
            for side, picture in enumerate(pair):
                if read_weights is None:
                    weight = upsample_rows([motion.weights[side]], rows, height, width)
                else:
                    weight = read_weights(k, side, rows)
                x, y = (at + way for at, way in zip(here, ways[2 * side :][:2], strict=True))
                moved = sample_levels(picture, x, y, source.kernel)
                blend.add(_add_rest(moved, motion, side, rows, frame), weight)
        frame[rows] = round_levels(blend.mean, frame.dtype)
    return frame


class _Blend:
    """A weighted mean that grows by one picture at a time."""

    def __init__(self) -> None:
        self.mean: Field = np.zeros((0, 0, 3), np.float32)
        self._total: Field | None = None

    def add(self, picture: Field, weight: Field) -> None:
        """Add a picture, (h, w, 3), with its weights, (h, w)."""
        if self._total is None:
            self.mean, self._total = picture, weight
            return
        blended = cv2.blendLinear(self.mean, picture, self._total, weight)
        self.mean, self._total = np.asarray(blended, np.float32), self._total + weight


def _add_rest(moved: Field, motion: MainMotion, side: int, rows: slice, frame: Picture) -> Field:
    """Add what the other candidates show to some rows of an image along its main motion."""
    rest = motion.rests[side]
    if rest is None:
        return moved
    height, width = frame.shape[:2]
    there = upsample_rows([rest], rows, height, width)
    share = cv2.extractChannel(there, 3)
    main = cv2.multiply(moved, cv2.merge([share] * 3))
    others = cv2.cvtColor(there, cv2.COLOR_RGBA2RGB)
    return np.asarray(cv2.scaleAdd(others, top_level(frame) / 255, main), np.float32)
