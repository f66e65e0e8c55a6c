"""The frames of a pair of photos, rendered from states at key times."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.film.engine import ErrorMap, NewFrames
from kinoloom.film.synthesis.candidates import View
from kinoloom.film.synthesis.fusion import fuse
from kinoloom.film.synthesis.key_states import BlendedState, KeyState, KeyStates
from kinoloom.film.synthesis.parallel import render_in_order
from kinoloom.film.synthesis.pixels import split_bands, unpremultiply_alpha
from kinoloom.film.synthesis.rendering import render_frame
from kinoloom.film.synthesis.static import StaticPixels
from kinoloom.film.synthesis.warping import warp_pair


def render_photo_frames(
    pair: tuple[Picture, Picture],
    views: tuple[View, View],
    times: Sequence[float],
    keys: Sequence[float],
    compute_state: Callable[[float], KeyState],
) -> NewFrames:
    """Render the frames of a pair of photos.

    Args:
        pair: contiguous, (H, W, C).
        views: both on the grid.
        times: of the frames.
        keys: the key times, see `key_states.choose_key_times`.
        compute_state: returns the state at a key time.
    """
    first = pair[0]
    states, static = KeyStates(keys, compute_state), StaticPixels(*pair)
    planes = views[0].planes, views[1].planes

    def render(time: float) -> tuple[Picture, ErrorMap]:
        state = states.blend(time)
        if first.shape[2] == 3:
            read_weights = state.read_weights if state.has_weights else None
            frame = render_frame(pair, planes, state.sources, time, read_weights)
        else:
            frame = _render_with_alpha(pair, state, time)
        static.copy_to(frame, time)
        return frame, state.error

    yield from render_in_order(render, times, first.shape[0] * first.shape[1])


def _render_with_alpha(pair: tuple[Picture, Picture], state: BlendedState, time: float) -> Picture:
    """Render the frame at a time; all candidates are sampled at full size."""
    frame = np.empty_like(pair[0])
    height, width = frame.shape[:2]
    for top, bottom in split_bands(height, width):
        rows = slice(top, bottom)
        box = rows, slice(0, width)
        warped = [warp_pair(*pair, source, time, box) for source in state.sources]
        if state.has_weights:
            weights = np.stack(
                [state.read_weights(k, side, rows) for side in (0, 1) for k in range(len(warped))]
            )
            blended = fuse(warped, weights / weights.sum(axis=0))
        else:
            blended = warped[0].blend()
        frame[rows] = unpremultiply_alpha(blended, like=frame)
    return frame
