"""What a job would do to one input, as plain values for a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from kinoloom.base.clip import Clip
from kinoloom.enhance.estimate.report import list_quantities
from kinoloom.enhance.options import EnhanceOptions
from kinoloom.enhance.photos import TIER, enhance_photos
from kinoloom.enhance.pictures.building import choose_networks
from kinoloom.enhance.planning.settings import CORRECTIONS, Settings, resolve
from kinoloom.enhance.preview.sources import Source
from kinoloom.enhance.video.enhancement import VideoWork
from kinoloom.errors import UsageError

_PHOTO_OPTIONS = ("metadata",)


def describe_job(source: Source, options: EnhanceOptions) -> dict[str, Any]:
    """Describe what a job would do, and check its options as the job does.

    Args:
        source: its input.
        options: of the job.

    Returns:
        photo; width, height, duration, rate and frames of the input; result: the same of the
        output; corrections in effect; networks; measured: pairs of text; choices: objects with
        option and reason; order: why the steps have their order, or "".

    Raises:
        KinoloomError: as the job.
    """
    settings = resolve(options, source.measure)
    result = _open_result(source, options, settings)
    networks = choose_networks(settings, *source.size, tier=TIER)
    names = [one.name for one in (networks.denoiser, *networks.upscalers) if one is not None]
    width, height = settings.find_size(*source.size)
    return {
        "photo": source.is_photo,
        **_describe(source.clip, *source.size),
        "result": _describe(result, width, height),
        "corrections": _list_corrections(settings),
        "networks": names,
        "measured": [list(pair) for pair in list_quantities(settings.measurement)]
        if settings.measurement
        else [],
        "choices": [{"option": one.option, "reason": one.reason} for one in settings.choices],
        "order": " ".join(note.message for note in result.notes if note.kind == "order"),
    }


def _open_result(source: Source, options: EnhanceOptions, settings: Settings) -> Clip:
    """Return the lazy result, with all checks of the job."""
    if source.is_photo:
        return enhance_photos(source.clip, options)
    for name in _PHOTO_OPTIONS:
        if getattr(options, name):
            raise UsageError(f"--{name} applies to photos, but the input is a video.")
    return VideoWork(source.clip, settings, source.typical).build()


def _describe(clip: Clip, width: int, height: int) -> Mapping[str, Any]:
    return {
        "width": width,
        "height": height,
        "duration": str(clip.duration or ""),
        "rate": str(clip.rate or ""),
        "frames": clip.frame_count,
    }


def _list_corrections(settings: Settings) -> list[str]:
    defaults = {one.name: one.default for one in fields(EnhanceOptions)}
    given = settings.options
    return [
        name
        for name in CORRECTIONS
        if getattr(given, name) != defaults[name]
        and not (name == "denoise" and settings.denoise == "off")
    ]
