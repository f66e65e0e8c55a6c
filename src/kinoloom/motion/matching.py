"""Matching photos: a common frame, a common exposure, and whether they show one scene."""

from kinoloom.media.frames.framing import common_size, convert, fit
from kinoloom.motion.alignment import Overlay, SceneMatch, align_pictures, match_scene, same_scene
from kinoloom.motion.exposure import apply_gain, exposure_gain

__all__ = [
    "Overlay",
    "SceneMatch",
    "align_pictures",
    "apply_gain",
    "common_size",
    "convert",
    "exposure_gain",
    "fit",
    "match_scene",
    "same_scene",
]
