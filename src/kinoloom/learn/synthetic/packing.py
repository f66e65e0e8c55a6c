"""Scenes packed as tensors, so that a batch of them can be rendered on any device.

The result consists of plain tensors in dicts, which a training loop can move to its device.
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
"""Number of frames: frame 0, the middle frame and frame 1, in this order."""

Window = tuple[int, int, int, int]
"""A part of the canvas: first row, end row, first column, end column."""


class LayerMotions(TypedDict):
    """The motion of n layers at T times, as tensors.

    Attributes:
        to_layer: (n, T, 3, 3) homographies from the canvas to the layer.
        to_canvas: (n, T, 3, 3) homographies from the layer to the canvas.
        deformation: (n, T) amplitude of the waves.
        waves: (n, WAVES, 5), see `paths.Motion`; (n, 0, 5) if none of the layers is deformed.
    """

    to_layer: Tensor
    to_canvas: Tensor
    deformation: Tensor
    waves: Tensor


class DepthLevel(TypedDict):
    """The cut-outs at one depth, at most one per scene.

    Attributes:
        scene: (n,) int64, index of the scene of each cut-out.
        texture: (n, 4, S, S) uint8: RGB and coverage.
        exact: motion at the times of the frames.
        blurred: motion at each exposure time, `exposures` * FRAMES of them; empty for 1.
        window: contains all visible pixels of these cut-outs, in any frame.
    """

    scene: Tensor
    texture: Tensor
    exact: LayerMotions
    blurred: LayerMotions
    window: Window


class PackedScenes(TypedDict):
    """B scenes of equal size and number of exposures.

    Attributes:
        background: (B, 3, T, T) uint8.
        exact, blurred: motion of the backgrounds, as in `DepthLevel`.
        levels: from the farthest to the nearest.
        time: (B,) of the middle frame.
        gain: (B, 3) of the exposure; see `degradations.Degradations`.
        noisy, compressed: (n,) int64, indices of the scenes with noise and with compression.
        noise, seed, quality: (n,) of these scenes.
        size: side of the frames in pixels.
    """

    background: Tensor
    exact: LayerMotions
    blurred: LayerMotions
    levels: list[DepthLevel]
    time: Tensor
    gain: Tensor
    noisy: Tensor
    noise: Tensor
    seed: Tensor
    compressed: Tensor
    quality: Tensor
    size: int


def pack(scenes: Sequence[Scene]) -> PackedScenes:
    """Pack scenes of equal size and number of exposures.

    Raises:
        UsageError: there are no scenes, or they differ in size or number of exposures.
    """
    kinds = {(scene.size_px, scene.exposures) for scene in scenes}
    if len(kinds) != 1:
        raise UsageError(
            f"Scenes must agree in size and number of exposures, not {sorted(kinds)}.",
            hint="Pack scenes with motion blur separately.",
        )
    degradations = [scene.degradations for scene in scenes]
    noisy = [k for k, each in enumerate(degradations) if each.noise]
    compressed = [k for k, each in enumerate(degradations) if each.quality]
    depth = max(len(scene.cutouts) for scene in scenes)
    levels = [_pack_level(scenes, level) for level in range(depth)]
    exact, blurred = _pack_motions([(scene, 0) for scene in scenes])
    return PackedScenes(
        background=torch.from_numpy(np.stack([scene.background for scene in scenes])),
        exact=exact,
        blurred=blurred,
        levels=[level for level in levels if _area(level["window"])],
        time=_to_float32([scene.time for scene in scenes]),
        gain=_to_float32(np.stack([each.gain for each in degradations])),
        noisy=torch.tensor(noisy, dtype=torch.int64),
        noise=_to_float32([degradations[k].noise for k in noisy]),
        seed=torch.tensor([degradations[k].seed for k in noisy], dtype=torch.int64),
        compressed=torch.tensor(compressed, dtype=torch.int64),
        quality=_to_float32([degradations[k].quality for k in compressed]),
        size=scenes[0].size_px,
    )


def _pack_level(scenes: Sequence[Scene], level: int) -> DepthLevel:
    members = [k for k, scene in enumerate(scenes) if len(scene.cutouts) > level]
    exact, blurred = _pack_motions([(scenes[k], level + 1) for k in members])
    return DepthLevel(
        scene=torch.tensor(members, dtype=torch.int64),
        texture=torch.from_numpy(np.stack([scenes[k].cutouts[level] for k in members])),
        exact=exact,
        blurred=blurred,
        window=_unite([_find_window(scenes[k], level) for k in members]),
    )


def _find_window(scene: Scene, level: int) -> Window:
    """Return the part of the canvas that contains a cut-out in all frames."""
    motion, size = scene.motions[level + 1], scene.size_px
    covered = scene.cutouts[level, 3] > 0
    sides = [np.flatnonzero(covered.any(axis)) for axis in (0, 1)]
    if not sides[0].size:
        return 0, 0, 0, 0
    deformation = 0.5 * np.abs(motion.waves[:, 3:]).sum() + 1
    middle = (size - 1) / 2
    x, y = ((side[0] - deformation - middle, side[-1] + deformation - middle) for side in sides)
    corners = np.array([[a, b, 1.0] for a in x for b in y])
    canvas_points = motion.matrices(scene.exposure_times().ravel()) @ corners.T
    canvas_points = canvas_points[:, :2] / canvas_points[:, 2:] + middle
    low = np.clip(np.floor(canvas_points.min(axis=(0, 2))), 0, size).astype(int).tolist()
    high = np.clip(np.ceil(canvas_points.max(axis=(0, 2))) + 1, 0, size).astype(int).tolist()
    return low[1], high[1], low[0], high[0]


def _unite(windows: Sequence[Window]) -> Window:
    seen = [window for window in windows if _area(window)] or [(0, 0, 0, 0)]
    top, bottom, left, right = zip(*seen, strict=True)
    return min(top), max(bottom), min(left), max(right)


def _area(window: Window) -> int:
    top, bottom, left, right = window
    return (bottom - top) * (right - left)


def _pack_motions(layers: Sequence[tuple[Scene, int]]) -> tuple[LayerMotions, LayerMotions]:
    """Pack the motion of layers, each the k-th of a scene, at frame times and exposure times."""
    exact, blurred = [], []
    for scene, k in layers:
        motion = scene.motions[k]
        exact.append(_sample_motion(motion, np.array([0.0, scene.time, 1.0])))
        if scene.exposures > 1:
            blurred.append(_sample_motion(motion, scene.exposure_times().ravel()))
    waves = np.stack([scene.motions[k].waves for scene, k in layers])
    if not waves[..., 3:].any():
        waves = waves[:, :0]
    return _stack_motions(exact, waves), _stack_motions(blurred, waves[: len(blurred)])


_MotionSamples = tuple[NDArray[np.float64], NDArray[np.float64]]


def _sample_motion(motion: Motion, times: NDArray[np.float64]) -> _MotionSamples:
    return motion.matrices(times), motion.deformation(times)


def _stack_motions(motions: Sequence[_MotionSamples], waves: NDArray[np.float64]) -> LayerMotions:
    to_canvas = np.stack([motion[0] for motion in motions]) if motions else np.empty((0, 0, 3, 3))
    deformation = np.stack([motion[1] for motion in motions]) if motions else np.empty((0, 0))
    return LayerMotions(
        to_layer=_to_float32(np.linalg.inv(to_canvas)),
        to_canvas=_to_float32(to_canvas),
        deformation=_to_float32(deformation),
        waves=_to_float32(waves),
    )


def _to_float32(values: object) -> Tensor:
    return torch.from_numpy(np.asarray(values, np.float32))
