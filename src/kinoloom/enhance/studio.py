"""The enhance page of the studio."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from kinoloom.base.options import option
from kinoloom.base.page import Blob, Context, Page, call
from kinoloom.base.provenance import to_jsonable
from kinoloom.enhance.options import EnhanceOptions
from kinoloom.errors import UsageError

if TYPE_CHECKING:
    from kinoloom.enhance.preview.rendering import Place, Preview
    from kinoloom.enhance.preview.sources import Source, Sources

_HERE = "kinoloom.enhance.studio"
_OWN_PRESET = ".toml"
_QUALITY = 92

PAGE = Page(
    name="enhance",
    title="Enhance",
    icon="enhance",
    summary="Clean, sharpen and enlarge photos and videos",
    module="kinoloom.enhance:studio/enhance.js",
    opens=("Clip",),
    calls={
        "presets": f"{_HERE}:presets",
        "describe": f"{_HERE}:describe",
        "before": f"{_HERE}:before",
        "after": f"{_HERE}:after",
    },
    order=20,
)


@dataclass(frozen=True)
class JobOptions(EnhanceOptions):
    """One input, and the options of `enhance`."""

    file: str = option("", "A photo or a video")


@dataclass(frozen=True)
class ViewOptions(JobOptions):
    """A part of a photo or of a frame."""

    time: Fraction = option(Fraction(0), "Time of the frame", low=0, unit="s")
    view: Literal["whole", "region"] = option("whole", "The whole picture, or a region of it")
    x: float = option(0.5, "Centre of the region, as a share of the width", low=0, high=1)
    y: float = option(0.5, "Centre of the region, as a share of the height", low=0, high=1)
    columns: int = option(960, "Largest width of the picture", low=16, high=2048, unit="px")
    rows: int = option(640, "Largest height of a region", low=16, high=2048, unit="px")


@dataclass(frozen=True)
class NoChoices:
    """The options of a call without any."""


@call(cost="model")
def presets(context: Context, options: NoChoices) -> list[Mapping[str, Any]]:
    """Return the presets: name, summary, and the values of their options."""
    from kinoloom.enhance.planning.presets import list_presets

    return [
        {"name": one.name, "summary": one.summary, "values": to_jsonable(one.values)}
        for one in list_presets()
    ]


@call(cost="model")
def describe(context: Context, options: JobOptions) -> Mapping[str, Any]:
    """Return what the job would do to an input; see `preview.outlook.describe_job`."""
    from kinoloom.enhance.preview.outlook import describe_job

    return describe_job(_open(context, options), _choose(context, options))


@call(cost="model")
def before(context: Context, options: ViewOptions) -> Blob:
    """Return a part of the input as a picture, as large as the result."""
    from kinoloom.enhance.preview.rendering import render_before

    begun = time.monotonic()
    source = _open(context, options)
    preview = render_before(source, _choose(context, options), _find_place(options))
    return _encode(preview, options, begun)


@call(cost="model")
def after(context: Context, options: ViewOptions) -> Blob:
    """Return the same part of the result as a picture."""
    from kinoloom.enhance.preview.rendering import render_after

    begun = time.monotonic()
    source, chosen = _open(context, options), _choose(context, options)
    preview = render_after(source, chosen, _find_place(options), context.cancelled)
    return _encode(preview, options, begun)


def _open(context: Context, options: JobOptions) -> Source:
    """Return the input of the options.

    Raises:
        UsageError: no file was given.
    """
    if not options.file:
        raise UsageError("Choose a photo or a video.")
    return _sources().open(context.path(options.file))


@cache
def _sources() -> Sources:
    from kinoloom.enhance.preview.sources import Sources

    return Sources()


def _choose(context: Context, options: JobOptions) -> EnhanceOptions:
    """Return the options of the job, with the locations of files."""
    values = {one.name: getattr(options, one.name) for one in fields(EnhanceOptions)}
    for name in ("lut", "weights"):
        if values[name] is not None:
            values[name] = context.path(str(values[name]))
    if (options.preset or "").endswith(_OWN_PRESET):
        values["preset"] = str(context.path(options.preset or ""))
    return EnhanceOptions(**values)


def _find_place(options: ViewOptions) -> Place:
    from kinoloom.enhance.preview.rendering import Place

    region = (options.columns, options.rows) if options.view == "region" else None
    return Place(options.time, (options.x, options.y), region)


def _encode(preview: Preview, options: ViewOptions, begun: float) -> Blob:
    """Encode a region exactly, and the whole picture at the requested width."""
    from kinoloom.enhance.pictures.resizing import resize
    from kinoloom.media.photo.writing import encode_picture

    picture, shown = preview.picture, preview.view.shown
    media_type: Literal["image/png", "image/jpeg"] = "image/png"
    if options.view == "whole":
        media_type = "image/jpeg"
        height, width = picture.shape[:2]
        factor = min(1.0, options.columns / width)
        picture = resize(picture, max(1, round(width * factor)), max(1, round(height * factor)))
    facts = (
        ("time", str(preview.time)),
        ("shown", f"{shown.left} {shown.top} {shown.width} {shown.height}"),
        ("reduced", "yes" if preview.view.is_reduced else ""),
        ("seconds", f"{time.monotonic() - begun:.1f}"),
    )
    return Blob(encode_picture(picture, media_type, quality=_QUALITY), media_type, facts)
