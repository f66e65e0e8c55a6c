"""Scenes: a background and one to six cut-out layers, each with its own photo and motion.

A `Scene` is small (textures and numbers) and is drawn on the CPU from a random generator alone;
`samples` renders its frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kinoloom.errors import UsageError
from kinoloom.learn.synthetic.degradations import (
    DegradationOptions,
    Degradations,
    draw_degradations,
)
from kinoloom.learn.synthetic.paths import Motion, MotionOptions, draw_motion
from kinoloom.learn.synthetic.shapes import draw_shape
from kinoloom.learn.synthetic.textures import PhotoCollection, Texture, cut_texture

_BACKGROUND_RATIO = 1.25
"""Side of the background's texture relative to the canvas; it is mirrored beyond."""
_MIN_RADIUS, _MAX_RADIUS = 0.05, 0.45
_MIN_TIME, _MAX_TIME = 0.05, 0.95
_MAX_BLUR_STEP_PX = 2.5


@dataclass(frozen=True)
class SceneOptions:
    """The distribution of scenes.

    Attributes:
        size_px: side of the frames, at least 32.
        layers: minimum and maximum number of cut-out layers.
        motion: distribution of their motions.
        any_time: share of scenes whose middle frame is at a time other than 0.5.
        camouflaged: share of layers cut from the photo of the background.
        shuffled: share of textures with permuted colour channels.
        blurred: share of scenes with motion blur.
        exposures: number of renderings averaged in a blurred frame.
        degrade: shares of the degradations.

    Raises:
        UsageError: the size or the number of layers is out of range.
    """

    size_px: int = 256
    layers: tuple[int, int] = (1, 6)
    motion: MotionOptions = field(default_factory=MotionOptions)
    any_time: float = 0.5
    camouflaged: float = 0.2
    shuffled: float = 0.2
    blurred: float = 0.15
    exposures: int = 7
    degrade: DegradationOptions = field(default_factory=DegradationOptions)

    def __post_init__(self) -> None:
        if self.size_px < 32 or self.size_px % 2:
            raise UsageError(
                "The side of synthetic frames must be an even number of at least 32 px, "
                f"not {self.size_px}."
            )
        if not 0 <= self.layers[0] <= self.layers[1] <= 16:
            raise UsageError(f"The range of layers must be within 0 to 16, not {self.layers}.")


@dataclass(frozen=True)
class Scene:
    """A background and its layers, the nearest one last.

    Attributes:
        size_px: side of the frames.
        time: of the middle frame.
        background: (3, T, T) uint8, mirrored beyond its edges.
        cutouts: (n, 4, size_px, size_px) uint8: RGB and coverage.
        motions: of the background, then of each cut-out.
        exposure: exposure time, as a fraction of the time from frame 0 to frame 1.
        exposures: number of renderings averaged in a frame; 1 without motion blur.
        degradations: of the frames.
    """

    size_px: int
    time: float
    background: Texture
    cutouts: NDArray[np.uint8]
    motions: tuple[Motion, ...]
    exposure: float
    exposures: int
    degradations: Degradations

    def exposure_times(self) -> NDArray[np.float64]:
        """Return the times averaged in frame 0, the middle frame and frame 1, (exposures, 3)."""
        offsets = (np.arange(self.exposures) + 0.5) / self.exposures - 0.5
        return np.array([0.0, self.time, 1.0]) + self.exposure * offsets[:, None]


def make_scene(photos: PhotoCollection, rng: np.random.Generator, options: SceneOptions) -> Scene:
    """Draw a scene.

    Args:
        photos: (H, W, 3) uint8 each.
        rng: decides everything.
        options: distribution of scenes.
    """
    size = options.size_px
    count = int(rng.integers(options.layers[0], options.layers[1] + 1))
    background_index = int(rng.integers(len(photos)))
    time = 0.5
    if rng.random() < options.any_time:
        time = float(rng.uniform(_MIN_TIME, _MAX_TIME))
    side = int(size * _BACKGROUND_RATIO) // 2 * 2
    background = cut_texture(rng, photos[background_index], side, options.shuffled)
    motions = [draw_motion(rng, options.motion, np.zeros(2), size / 2, 0.2)]
    cutouts = np.empty((count, 4, size, size), np.uint8)
    for cutout in cutouts:
        is_camouflaged = rng.random() < options.camouflaged
        photo = photos[background_index if is_camouflaged else int(rng.integers(len(photos)))]
        cutout[:3] = cut_texture(rng, photo, size, options.shuffled)
        radius = size * np.exp(rng.uniform(np.log(_MIN_RADIUS), np.log(_MAX_RADIUS)))
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
    """Draw an exposure time short enough that the averaged renderings blend."""
    fastest = max(float(np.hypot(*motion.translation)) for motion in motions)
    max_exposure = _MAX_BLUR_STEP_PX * exposures / max(fastest, 1.0)
    return float(rng.uniform(0.0, min(0.5, max_exposure))), exposures
