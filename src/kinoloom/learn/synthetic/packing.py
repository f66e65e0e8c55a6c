"""Scenes laid together as tensors, so that a batch of them is drawn at once on any device.

Only plain tensors in dicts: a training loop may move them to its device as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kinoloom.errors import UsageError
from kinoloom.learn.synthetic.paths import Motion
from kinoloom.learn.synthetic.scenes import Scene

FRAMES = 3
"""Frame 0, the middle and frame 1, in this order."""


Window = tuple[int, int, int, int]
"""A part of the canvas: its first row and the one after its last, and its columns likewise."""


class Planes(TypedDict):
    """The motion of n layers at some times, as tensors.

    Attributes:
        back: (n, T, 3, 3) from the canvas to the layer.
        forth: (n, T, 3, 3) from the layer to the canvas.
        bending: (n, T) strength of the waves.
        waves: (n, WAVES, 5), see `paths.Motion`; (n, 0, 5) where none of the layers bends.
    """

    back: Tensor
    forth: Tensor
    bending: Tensor
    waves: Tensor


class Level(TypedDict):
    """The cut-outs that lie at one depth, at most one of each scene.

    Attributes:
        scene: (n,) int64, which scene each is of.
        texture: (n, 4, S, S) uint8: colours, and how far they cover.
        exact: motion at the times of the frames.
        blurred: motion at each moment of exposure, `exposures` * FRAMES times; empty for 1.
        window: outside of which none of them is seen in any frame.
    """

    scene: Tensor
    texture: Tensor
    exact: Planes
    blurred: Planes
    window: Window


class Packed(TypedDict):
    """B scenes of one size and number of exposures.

    Attributes:
        background: (B, 3, T, T) uint8.
        exact, blurred: motion of the backgrounds, as in `Level`.
        levels: from the farthest to the nearest.
        time: (B,) of the middle frame.
        gain: (B, 3) of the light; see `degradations.Degradations`.
        noisy, compressed: (n,) int64: which scenes are.
        noise, seed, quality: (n,) of these.
        size: side of the frames in pixels.
    """

    background: Tensor
    exact: Planes
    blurred: Planes
    levels: list[Level]
    time: Tensor
    gain: Tensor
    noisy: Tensor
    noise: Tensor
    seed: Tensor
    compressed: Tensor
    quality: Tensor
    size: int


def pack(scenes: Sequence[Scene]) -> Packed:
    """Lay scenes together.

    Raises:
        UsageError: no scenes, or of several sizes or numbers of exposures.
    """
    kinds = {(scene.size_px, scene.exposures) for scene in scenes}
    if len(kinds) != 1:
        raise UsageError(f"Scenes are packed by one size and number of exposures, not {kinds}.")
    suffered = [scene.degradations for scene in scenes]
    noisy = [k for k, each in enumerate(suffered) if each.noise]
    compressed = [k for k, each in enumerate(suffered) if each.quality]
    depth = max(len(scene.cutouts) for scene in scenes)
    levels = [_level(scenes, level) for level in range(depth)]
    exact, blurred = _planes([(scene, 0) for scene in scenes])
    return Packed(
        background=torch.from_numpy(np.stack([scene.background for scene in scenes])),
        exact=exact,
        blurred=blurred,
        levels=[level for level in levels if _area(level["window"])],
        time=_floats([scene.time for scene in scenes]),
        gain=_floats(np.stack([each.gain for each in suffered])),
        noisy=torch.tensor(noisy, dtype=torch.int64),
        noise=_floats([suffered[k].noise for k in noisy]),
        seed=torch.tensor([suffered[k].seed for k in noisy], dtype=torch.int64),
        compressed=torch.tensor(compressed, dtype=torch.int64),
        quality=_floats([suffered[k].quality for k in compressed]),
        size=scenes[0].size_px,
    )


def _level(scenes: Sequence[Scene], level: int) -> Level:
    members = [k for k, scene in enumerate(scenes) if len(scene.cutouts) > level]
    exact, blurred = _planes([(scenes[k], level + 1) for k in members])
    return Level(
        scene=torch.tensor(members, dtype=torch.int64),
        texture=torch.from_numpy(np.stack([scenes[k].cutouts[level] for k in members])),
        exact=exact,
        blurred=blurred,
        window=_union([_window(scenes[k], level) for k in members]),
    )


def _window(scene: Scene, level: int) -> Window:
    """The part of the canvas where a cut-out may be seen in any frame."""
    motion, size = scene.motions[level + 1], scene.size_px
    covered = scene.cutouts[level, 3] > 0
    sides = [np.flatnonzero(covered.any(axis)) for axis in (0, 1)]
    if not sides[0].size:
        return 0, 0, 0, 0
    bending = 0.5 * np.abs(motion.waves[:, 3:]).sum() + 1
    middle = (size - 1) / 2
    x, y = ((side[0] - bending - middle, side[-1] + bending - middle) for side in sides)
    corners = np.array([[a, b, 1.0] for a in x for b in y])
    spots = motion.matrices(scene.moments().ravel()) @ corners.T
    spots = spots[:, :2] / spots[:, 2:] + middle
    low = np.clip(np.floor(spots.min(axis=(0, 2))), 0, size).astype(int).tolist()
    high = np.clip(np.ceil(spots.max(axis=(0, 2))) + 1, 0, size).astype(int).tolist()
    return low[1], high[1], low[0], high[0]


def _union(windows: Sequence[Window]) -> Window:
    seen = [window for window in windows if _area(window)] or [(0, 0, 0, 0)]
    top, bottom, left, right = zip(*seen, strict=True)
    return min(top), max(bottom), min(left), max(right)


def _area(window: Window) -> int:
    top, bottom, left, right = window
    return (bottom - top) * (right - left)


def _planes(layers: Sequence[tuple[Scene, int]]) -> tuple[Planes, Planes]:
    """The motion of layers, each the k-th of a scene: at the frames' times, and while exposed."""
    exact, blurred = [], []
    for scene, k in layers:
        motion = scene.motions[k]
        exact.append(_track(motion, np.array([0.0, scene.time, 1.0])))
        if scene.exposures > 1:
            blurred.append(_track(motion, scene.moments().ravel()))
    waves = np.stack([scene.motions[k].waves for scene, k in layers])
    if not waves[..., 3:].any():
        waves = waves[:, :0]
    return _tensors(exact, waves), _tensors(blurred, waves[: len(blurred)])


_Track = tuple[NDArray[np.float64], NDArray[np.float64]]


def _track(motion: Motion, times: NDArray[np.float64]) -> _Track:
    return motion.matrices(times), motion.bending(times)


def _tensors(tracks: Sequence[_Track], waves: NDArray[np.float64]) -> Planes:
    forth = np.stack([track[0] for track in tracks]) if tracks else np.empty((0, 0, 3, 3))
    bending = np.stack([track[1] for track in tracks]) if tracks else np.empty((0, 0))
    return Planes(
        back=_floats(np.linalg.inv(forth)),
        forth=_floats(forth),
        bending=_floats(bending),
        waves=_floats(waves),
    )


def _floats(values: object) -> Tensor:
    return torch.from_numpy(np.asarray(values, np.float32))
