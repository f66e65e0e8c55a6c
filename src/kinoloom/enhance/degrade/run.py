"""The work of `degrade`: sample or read recipes, and degrade a clip or photos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kinoloom.base.clip import Clip
from kinoloom.enhance.degrade.clips import degrade_clip
from kinoloom.enhance.degrade.photos import degrade_photos
from kinoloom.enhance.degrade.recipe import Recipe
from kinoloom.enhance.degrade.records import read_record, write_record
from kinoloom.enhance.degrade.sampling.presets import sample_recipe
from kinoloom.errors import UsageError

if TYPE_CHECKING:
    from kinoloom.enhance.options import DegradeOptions


def degrade(clip: Clip, options: DegradeOptions) -> Clip:
    """Degrade a video or photos; see `ops.degrade`.

    Raises:
        DefinitionError: the record to replay is damaged.
        InputNotFoundError: it does not exist.
        OutputExistsError: the record to write exists, with other recipes.
        UnsupportedMediaError: the clip is HDR.
        UsageError: the record is for another number of pictures.
    """
    count = len(clip.files) if clip.stills else 1
    recipes = find_recipes(options, count, moving=not clip.stills)
    if options.record is not None:
        write_record(recipes, options.record)
    result = degrade_photos(clip, recipes) if clip.stills else degrade_clip(clip, recipes[0])
    if options.recipe is None:
        return result
    return result.with_(made_with={**result.made_with, "recipe": options.recipe})


def find_recipes(options: DegradeOptions, count: int, *, moving: bool) -> list[Recipe]:
    """Read the recipes of a record, or sample one for each picture.

    Args:
        options: of `degrade`.
        count: number of pictures; 1 for a video.
        moving: whether it is a video.

    Raises:
        DefinitionError, InputNotFoundError, UsageError: as `degrade`.
    """
    if options.recipe is not None:
        return _replay(options.recipe, count)
    return [
        sample_recipe(
            options.preset,
            np.random.default_rng((options.seed, index)),
            options.scale,
            moving=moving,
        )
        for index in range(count)
    ]


def _replay(path: Path, count: int) -> list[Recipe]:
    """Read a record; a single recipe is for any number of pictures."""
    recipes = read_record(path)
    if len(recipes) not in (1, count):
        raise UsageError(
            f"{path.name} has {len(recipes)} recipes for {count} input(s).",
            hint="Pass as many inputs as when it was written, or a record with one recipe.",
        )
    return recipes * count if len(recipes) == 1 else recipes
