"""Bringing photos together: one frame, one light, and whether they belong together at all."""

from kinoloom.film.exposure import apply_gain, exposure_gain
from kinoloom.film.framing import common_size, convert, fit
from kinoloom.film.overlay import SceneMatch, same_scene

__all__ = [
    "SceneMatch",
    "apply_gain",
    "common_size",
    "convert",
    "exposure_gain",
    "fit",
    "same_scene",
]
