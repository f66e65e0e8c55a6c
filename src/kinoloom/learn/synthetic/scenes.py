"""Scenes: a background and one to six cut-out layers, each of its own photo and motion.

A `Scene` is small (textures and numbers) and is drawn on the CPU from a generator alone; frames
at any time are made of it by `samples`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kinoloom.errors import UsageError
from kinoloom.learn.synthetic.degradations import Degradations, DegradeOptions, draw_degradations
from kinoloom.learn.synthetic.paths import Motion, MotionOptions, draw_motion
from kinoloom.learn.synthetic.shapes import draw_shape
from kinoloom.learn.synthetic.textures import Album, Texture, cut_texture

_BACKGROUND = 1.25
"""Side of the background's texture over that of the canvas; mirrored beyond."""
_LEAST_RADIUS, _MOST_RADIUS = 0.05, 0.45
_LEAST_TIME, _MOST_TIME = 0.05, 0.95
_BLUR_STEP_PX = 2.5


@dataclass(frozen=True)
class SceneOptions:
    """What scenes are drawn.

    Attributes:
        size_px: side of the frames, at least 32.
        layers: the least and the most cut-out layers.
        motion: how they move.
        any_time: share of scenes whose middle frame is at a time other than 0.5.
        camouflaged: share of layers cut from the photo of the background.
        shuffled: share of textures whose colour channels change places.
        blurred: share of scenes with motion blur.
        exposures: moments that a blurred frame is the mean of.
        degrade: light, noise and compression.

    Raises:
        UsageError: frames or numbers of layers out of range.
    """

    size_px: int = 256
    layers: tuple[int, int] = (1, 6)
    motion: MotionOptions = field(default_factory=MotionOptions)
    any_time: float = 0.5
    camouflaged: float = 0.2
    shuffled: float = 0.2
    blurred: float = 0.15
    exposures: int = 7
    degrade: DegradeOptions = field(default_factory=DegradeOptions)

    def __post_init__(self) -> None:
        if self.size_px < 32 or self.size_px % 2:
            raise UsageError(
                f"The side of made frames is an even number from 32 px, not {self.size_px}."
            )
        if not 0 <= self.layers[0] <= self.layers[1] <= 16:
            raise UsageError(f"A scene has 0 to 16 layers, not {self.layers}.")


@dataclass(frozen=True)
class Scene:
    """A background and the layers over it, the last one in front.

    Attributes:
        size_px: side of the frames.
        time: of the middle frame.
        background: (3, T, T) uint8, mirrored beyond its edges.
        cutouts: (n, 4, size_px, size_px) uint8: colours, and how far they cover.
        motions: of the background, then of each cut-out.
        exposure: how long the shutter is open, as a part of the time from frame 0 to frame 1.
        exposures: moments that a frame is the mean of; 1 without motion blur.
        degradations: what the frames suffer.
    """

    size_px: int
    time: float
    background: Texture
    cutouts: NDArray[np.uint8]
    motions: tuple[Motion, ...]
    exposure: float
    exposures: int
    degradations: Degradations

    def moments(self) -> NDArray[np.float64]:
        """(exposures, 3): the times whose mean frame 0, the middle and frame 1 are."""
        within = (np.arange(self.exposures) + 0.5) / self.exposures - 0.5
        return np.array([0.0, self.time, 1.0]) + self.exposure * within[:, None]


def make_scene(photos: Album, rng: np.random.Generator, options: SceneOptions) -> Scene:
    """Draw a scene.

    Args:
        photos: (H, W, 3) uint8 each.
        rng: decides everything.
        options: what may be drawn.
    """
    size = options.size_px
    count = int(rng.integers(options.layers[0], options.layers[1] + 1))
    behind = int(rng.integers(len(photos)))
    time = 0.5
    if rng.random() < options.any_time:
        time = float(rng.uniform(_LEAST_TIME, _MOST_TIME))
    side = int(size * _BACKGROUND) // 2 * 2
    background = cut_texture(rng, photos[behind], side, options.shuffled)
    motions = [draw_motion(rng, options.motion, np.zeros(2), size / 2, 0.2)]
    cutouts = np.empty((count, 4, size, size), np.uint8)
    for cutout in cutouts:
        hidden = rng.random() < options.camouflaged
        photo = photos[behind if hidden else int(rng.integers(len(photos)))]
        cutout[:3] = cut_texture(rng, photo, size, options.shuffled)
        radius = size * np.exp(rng.uniform(np.log(_LEAST_RADIUS), np.log(_MOST_RADIUS)))
        cutout[3] = draw_shape(rng, radius, size)
        centre = rng.uniform(-size / 2, size / 2, 2)
        motions.append(draw_motion(rng, options.motion, centre, radius, np.pi))
    exposure, exposures = 0.0, 1
    if rng.random() < options.blurred:
        exposure, exposures = _draw_exposure(rng, motions, options.exposures)
    degradations = draw_degradations(rng, options.degrade)
    return Scene(size, time, background, cutouts, tuple(motions), exposure, exposures, degradations)


def _draw_exposure(
    rng: np.random.Generator, motions: Sequence[Motion], exposures: int
) -> tuple[float, int]:
    """A shutter time in which nothing moves so far that single exposures could be told apart."""
    fastest = max(float(np.hypot(*motion.shift)) for motion in motions)
    most = _BLUR_STEP_PX * exposures / max(fastest, 1.0)
    return float(rng.uniform(0.0, min(0.5, most))), exposures
