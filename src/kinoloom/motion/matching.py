"""Matching photos: a common frame, a common exposure, and whether they show one scene."""

from kinoloom.motion.alignment import SceneMatch, same_scene
from kinoloom.motion.exposure import apply_gain, exposure_gain
from kinoloom.motion.framing import common_size, convert, fit

__all__ = [
    "SceneMatch",
    "apply_gain",
    "common_size",
    "convert",
    "exposure_gain",
    "fit",
    "same_scene",
]
