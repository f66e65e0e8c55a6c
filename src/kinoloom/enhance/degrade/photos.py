"""Degraded photos: each by a recipe of its own, written in its own format."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kinoloom.base.arrays import Picture, from_float, to_float
from kinoloom.base.clip import Clip
from kinoloom.enhance.degrade.recipe import Recipe, apply_recipe
from kinoloom.enhance.degrade.steps.step import to_grey
from kinoloom.errors import UsageError
from kinoloom.media.photo.editing import EditablePhoto, EditedPhoto, edit_photos

_UINT8 = np.dtype(np.uint8)


def degrade_photos(clip: Clip, recipes: Sequence[Recipe]) -> Clip:
    """Degrade photos one by one, in the colour spaces of their files; metadata is kept.

    Args:
        clip: photos from files.
        recipes: one per file, in order.

    Returns:
        A clip of edited photos with 8 bits per sample.

    Raises:
        UsageError: the photos are not from files.
    """
    if not clip.files:
        raise UsageError(
            "degrade takes photos from files.", hint="Call apply_recipe for arrays in memory."
        )
    by_path = dict(zip(clip.files, recipes, strict=True))

    def edit(photo: EditablePhoto) -> EditedPhoto:
        degraded = apply_recipe(_join(photo), by_path[photo.path])
        alpha = None if photo.alpha is None else np.ascontiguousarray(degraded[..., 3])
        colours = degraded[..., :3]
        if photo.is_grey:
            colours = from_float(to_grey(to_float(colours)), _UINT8)[..., None]
        return EditedPhoto(photo, np.ascontiguousarray(colours), alpha)

    scale = recipes[0].scale
    width, height = max(1, clip.width // scale), max(1, clip.height // scale)
    return edit_photos(clip, edit).with_(width=width, height=height, bits=8)


def _join(photo: EditablePhoto) -> Picture:
    """Return the photo as (H, W, 3), or (H, W, 4) with alpha."""
    colours = np.broadcast_to(photo.samples, (*photo.samples.shape[:2], 3))
    if photo.alpha is None:
        return np.ascontiguousarray(colours)
    return np.dstack([colours, photo.alpha])
