"""The frames of a pair of photos."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.film.engine import ErrorMap, NewFrames
from kinoloom.film.synthesis.candidates import View
from kinoloom.film.synthesis.fusion import fuse
from kinoloom.film.synthesis.key_weights import BlendedWeights, KeyWeights
from kinoloom.film.synthesis.parallel import render_in_order
from kinoloom.film.synthesis.pixels import split_bands, unpremultiply_alpha
from kinoloom.film.synthesis.rendering import render_frame
from kinoloom.film.synthesis.static import StaticPixels
from kinoloom.film.synthesis.warping import MotionSource, warp_pair

BuildSources = Callable[[float], tuple[list[MotionSource], ErrorMap]]
"""Builds the motion sources at a time, and the error estimate of its frame."""


def render_photo_frames(
    pair: tuple[Picture, Picture],
    views: tuple[View, View],
    times: Sequence[float],
    build_sources: BuildSources,
    key_weights: KeyWeights | None = None,
) -> NewFrames:
    """Render the frames of a pair of photos.

    Args:
        pair: contiguous, (H, W, C).
        views: both on the grid.
        times: of the frames.
        build_sources: called with each time.
        key_weights: the fusion weights; None weighs a single source by its own weights.
    """
    first = pair[0]
    static = StaticPixels(*pair)
    planes = views[0].planes, views[1].planes

    def render(time: float) -> tuple[Picture, ErrorMap]:
        sources, error = build_sources(time)
        weights = None if key_weights is None else key_weights.blend(time)
        if first.shape[2] == 3:
            read = None if weights is None else weights.read
            frame = render_frame(pair, planes, sources, time, read)
        else:
            frame = _render_with_alpha(pair, sources, weights, time)
        static.copy_to(frame, time)
        return frame, error

    yield from render_in_order(render, times, first.shape[0] * first.shape[1])


def _render_with_alpha(
    pair: tuple[Picture, Picture],
    sources: Sequence[MotionSource],
    weights: BlendedWeights | None,
    time: float,
) -> Picture:
    """Render the frame at a time; all candidates are sampled at full size."""
    frame = np.empty_like(pair[0])
    height, width = frame.shape[:2]
    for top, bottom in split_bands(height, width):
        rows = slice(top, bottom)
        box = rows, slice(0, width)
        warped = [warp_pair(*pair, source, time, box) for source in sources]
        if weights is None:
            blended = warped[0].blend()
        else:
            shares = np.stack(
                [weights.read(k, side, rows) for side in (0, 1) for k in range(len(warped))]
            )
            blended = fuse(warped, shares / shares.sum(axis=0))
        frame[rows] = unpremultiply_alpha(blended, like=frame)
    return frame
