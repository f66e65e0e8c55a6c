"""Pictures, recipes and clips that the tests of degradations share."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.clip import Clip, Frame
from kinoloom.enhance.degrade.recipe import Recipe
from kinoloom.enhance.degrade.sampling.presets import sample_recipe

Pixels = NDArray[np.uint8]
RATE = Fraction(24)


def draw_scene(height: int = 72, width: int = 96, shift: int = 0) -> Pixels:
    """Draw a smooth coloured scene with a bright bar, moved to the right by `shift` pixels."""
    coarse = np.random.default_rng(5).integers(20, 236, (6, 8, 3)).astype(np.uint8)
    scene = cv2.resize(coarse, (width + 64, height), interpolation=cv2.INTER_CUBIC)
    scene[height // 3 : height // 2, 70:90] = 250
    return np.ascontiguousarray(scene[:, 64 - shift : 64 - shift + width])


def sample(preset: str, seed: int = 7, scale: int | None = None, *, moving: bool = False) -> Recipe:
    return sample_recipe(preset, np.random.default_rng((seed, 0)), scale, moving=moving)


def make_clip(count: int = 24, height: int = 72, width: int = 96) -> Clip:
    frames = [
        Frame(draw_scene(height, width, k % 60), Fraction(k) / RATE, 1 / RATE) for k in range(count)
    ]
    return Clip.from_frames(frames, rate=RATE)
