"""Photos, enhanced one by one, each by what was measured in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kinoloom.base.arrays import Picture, from_float, to_float
from kinoloom.base.budget import Budget
from kinoloom.base.clip import Clip
from kinoloom.enhance.estimate.measure import Measurement, measure_photo
from kinoloom.enhance.options import EnhanceOptions
from kinoloom.enhance.pictures.building import (
    Networks,
    build_work,
    choose_networks,
    describe_context,
)
from kinoloom.enhance.pictures.resizing import resize
from kinoloom.enhance.pictures.work import PictureWork, least_bytes
from kinoloom.enhance.planning.settings import Settings, check_size, merge_preset, resolve
from kinoloom.errors import UsageError
from kinoloom.media.photo.editing import EditablePhoto, EditedPhoto, edit_photos

_VIDEO_OPTIONS = ("fps", "times", "slow", "dedup", "order", "latency", "preview")
TIER = "fast"
"""What `--tier auto` is for photos."""
_WRITING_BYTES = 10
"""Memory of encoding for each pixel beyond those of the source."""


def enhance_photos(clip: Clip, options: EnhanceOptions) -> Clip:
    """Return the lazy clip of enhanced photos.

    Raises:
        UsageError: an option for videos, or options that contradict each other.
        RegistryError: an unknown preset.
        WeightsError: a network is missing; the hint has the command that gets it.
        BudgetError: the memory limit is too low for one tile of a network.
    """
    check_photo_options(options)
    given = Settings(merge_preset(options))
    networks = choose_networks(given, clip.width, clip.height, tier=TIER)
    memory = _declare(clip, options, given, networks)
    edited = edit_photos(clip, _Editor(options, memory, clip).edit)
    return edited.with_(made_with={**clip.made_with, **networks.details})


def check_photo_options(options: EnhanceOptions) -> None:
    """Check that no option is for videos only.

    Raises:
        UsageError: one is.
    """
    for name in _VIDEO_OPTIONS:
        if getattr(options, name):
            raise UsageError(
                f"--{name} applies to videos, but the input is a photo.",
                hint="Leave it out; 'kinoloom interpolate' makes films of photos.",
            )


def enhance_picture(picture: Picture, settings: Settings, memory_bytes: int, bits: int) -> Picture:
    """Return an enhanced picture in its own type.

    Args:
        picture: (H, W, 3) uint8, uint16 or float32.
        settings: of the work.
        memory_bytes: the most memory of the tiles.
        bits: per sample of the result.

    Raises:
        UsageError, WeightsError, BudgetError: as `enhance_photos`.
    """
    _, work = plan_photo(settings, picture, memory_bytes)
    return work.run(picture, describe_context(settings, picture, bits), picture.dtype)


def plan_photo(
    settings: Settings, picture: Picture, memory_bytes: int = 1
) -> tuple[Networks, PictureWork]:
    """Return the networks for a photo, and the work on it.

    Raises:
        UsageError, WeightsError: as `enhance_photos`.
    """
    height, width = picture.shape[:2]
    check_size(*settings.find_size(width, height))
    networks = choose_networks(settings, width, height, tier=TIER)
    return networks, build_work(settings, networks, memory_bytes)


@dataclass(frozen=True)
class _Editor:
    """Enhances the photos of a clip."""

    options: EnhanceOptions
    memory_bytes: int
    clip: Clip

    def edit(self, photo: EditablePhoto) -> EditedPhoto:
        """Return the enhanced photo."""
        colors = find_colors(photo)
        settings = resolve_photo(photo, self.options)
        self._note(photo, settings)
        if photo.alpha is None:
            result = enhance_picture(colors, settings, self.memory_bytes, photo.bits)
            alpha = None
        else:
            result, alpha = self._edit_transparent(photo, colors, settings)
        samples = _to_grey(result) if photo.is_grey else result
        return EditedPhoto(photo, samples, alpha, settings.options.metadata or "keep")

    def _edit_transparent(
        self, photo: EditablePhoto, colors: Picture, settings: Settings
    ) -> tuple[Picture, Picture]:
        """Enhance colours multiplied by alpha, so that those of clear pixels do not leak."""
        assert photo.alpha is not None
        alpha = to_float(photo.alpha)[..., None]
        dtype = np.dtype(np.uint16)
        covered = from_float(to_float(colors) * alpha, dtype)
        result = to_float(enhance_picture(covered, settings, self.memory_bytes, photo.bits))
        large = resize(alpha, result.shape[1], result.shape[0]).clip(0, 1)
        straight = np.where(large > 0, result / np.maximum(large, 1 / 65535), result)
        return from_float(straight, photo.samples.dtype), from_float(large, photo.alpha.dtype)[
            ..., 0
        ]

    def _note(self, photo: EditablePhoto, settings: Settings) -> None:
        for choice in settings.choices:
            self.clip.notes.add("choice", f"{photo.path.name}: {choice.reason}")


def resolve_photo(photo: EditablePhoto, options: EnhanceOptions) -> Settings:
    """Return what is done to a photo.

    Raises:
        RegistryError, UsageError: as `planning.settings.resolve`.
    """

    def measure() -> Measurement:
        return measure_photo(find_colors(photo), photo.path)

    return resolve(options, measure)


def find_colors(photo: EditablePhoto) -> Picture:
    """Return the samples of a photo as (H, W, 3), without a copy."""
    return np.broadcast_to(photo.samples, (*photo.samples.shape[:2], 3))


def _to_grey(picture: Picture) -> Picture:
    """Return the mean of the channels, (H, W, 1)."""
    mean = to_float(picture).mean(axis=2, keepdims=True, dtype=np.float32)
    return from_float(mean, picture.dtype)


def _declare(clip: Clip, options: EnhanceOptions, given: Settings, networks: Networks) -> int:
    """Declare the memory of the work, and return what is left for its tiles.

    Raises:
        BudgetError: the limit of the user is too low.
    """
    budget = clip.budget or Budget(options.memory)
    work = build_work(given, networks, 1)
    held = work.count_held_bytes(clip.width, clip.height, 1 if clip.bits <= 8 else 2)
    least = least_bytes(work.stages, clip.width, clip.height)
    width, height = work.size(clip.width, clip.height)
    growth = max(0, width * height - clip.width * clip.height)
    budget.require("reading", "to read and write the photo", clip.reading_bytes)
    budget.require("computing", "to enhance it", least + held)
    budget.require("writing", "to write more pixels", growth * _WRITING_BYTES)
    budget.check()
    return max(budget.share("computing") - held, 1)
