"""The film page of the studio."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from kinoloom.base.options import option
from kinoloom.base.page import Blob, Context, Page, call
from kinoloom.errors import UsageError
from kinoloom.film.options import InterpolateOptions

if TYPE_CHECKING:
    from kinoloom.base.clip import Clip
    from kinoloom.film.preview.films import Films, OpenFilm

_HERE = "kinoloom.film.studio"

PAGE = Page(
    name="film",
    title="Film",
    icon="film",
    summary="New frames between photos, or in a video",
    module="kinoloom.film:studio/film.js",
    opens=("Clip",),
    calls={
        "plan": f"{_HERE}:plan",
        "frame": f"{_HERE}:frame",
        "overlay": f"{_HERE}:overlay",
        "loop": f"{_HERE}:loop",
        "cuts": f"{_HERE}:cuts",
        "engines": f"{_HERE}:engines",
    },
    order=10,
)


@dataclass(frozen=True)
class FilmOptions(InterpolateOptions):
    """A film, by its files and the options of `interpolate`."""

    files: str = option("", "Photos or one video, one path per line")


@dataclass(frozen=True)
class FrameOptions(FilmOptions):
    """One frame of a film."""

    number: int = option(0, "Number of the frame, from 0", low=0)
    width: int = option(960, "Largest width of the picture", low=16, high=3840, unit="px")


@dataclass(frozen=True)
class OverlayOptions(FrameOptions):
    """A drawing over a frame."""

    kind: Literal["motion", "error"] = option("motion", "What is drawn")


@dataclass(frozen=True)
class LoopOptions(FilmOptions):
    """A part of a film as a small animation."""

    start: Fraction = option(Fraction(0), "Start of the part", low=0, unit="s")
    duration: Fraction = option(Fraction(2), "Duration of the part", low=0.1, high=20, unit="s")
    width: int = option(480, "Width of the animation", low=16, high=1280, unit="px")


@dataclass(frozen=True)
class CutsOptions:
    """A part of a video in which cuts are detected."""

    file: str = option("", "The video")
    start: Fraction = option(Fraction(0), "Start of the part", low=0, unit="s")
    duration: Fraction = option(Fraction(10), "Duration of the part", low=0.1, high=60, unit="s")


@dataclass(frozen=True)
class NoChoices:
    """The options of a call without any."""


@call(cost="model")
def plan(context: Context, options: FilmOptions) -> Mapping[str, Any]:
    """Return what the film would be: its frames, times, size and engine."""
    film = _open(context, options, options.size)
    return {
        "frames": film.count_frames(),
        "rate": str(film.film.rate or ""),
        "duration": str(film.film.duration or ""),
        "width": film.film.width,
        "height": film.film.height,
        "engine": film.film.made_with["engine"],
        "stills": film.source.stills,
        "sources": film.source.frame_count,
    }


@call(cost="model")
def frame(context: Context, options: FrameOptions) -> Blob:
    """Return one frame of the film as a picture."""
    film = _open(context, options, options.width)
    picture = film.read_frame(options.number)
    facts = (
        ("time", str(film.time_of(options.number))),
        ("engine", str(film.film.made_with["engine"])),
        ("size", f"{picture.shape[1]} x {picture.shape[0]}"),
    )
    return _encode(picture, options.width, facts)


@call(cost="model")
def overlay(context: Context, options: OverlayOptions) -> Blob:
    """Return the motion or the expected error of a frame as a picture.

    Raises:
        UsageError: the engine provides none.
    """
    from kinoloom.film.preview.overlays import draw_expected_error, draw_motion

    film = _open(context, options, options.width)
    draw = draw_motion if options.kind == "motion" else draw_expected_error
    drawing = draw(film, options.number, options.width)
    if drawing is None:
        raise UsageError(f"The engine {film.film.made_with['engine']} does not estimate this.")
    return _encode(drawing.picture, options.width, (("caption", drawing.caption),))


@call(cost="model")
def loop(context: Context, options: LoopOptions) -> Blob:
    """Return a part of the film as a small animation that repeats."""
    from kinoloom.film.preview.loop import render_loop

    data = render_loop(
        _films(),
        *_choose(context, options),
        start=options.start,
        seconds=options.duration,
        width=options.width,
    )
    return Blob(data, "image/webp")


@call(cost="model")
def cuts(context: Context, options: CutsOptions) -> Mapping[str, Any]:
    """Return the scene cuts of a part of a video, in seconds, and where the next part starts."""
    from kinoloom.film.preview.cuts import find_cuts

    video = _read(context.path(options.file))
    found, reached = find_cuts(video, options.start, options.start + options.duration)
    is_end = reached <= options.start or (video.duration is not None and reached >= video.duration)
    return {"times": [str(time) for time in found], "next": None if is_end else str(reached)}


@call(cost="model")
def engines(context: Context, options: NoChoices) -> list[Mapping[str, Any]]:
    """Return the engines: name, summary, and what is missing."""
    from kinoloom.film.selection import build_engine_options, list_engines

    limits = build_engine_options(None)
    return [
        {"name": one.name, "summary": one.summary, "missing": one.missing(limits)}
        for one in list_engines()
    ]


def _open(context: Context, options: FilmOptions, size: int) -> OpenFilm:
    return _films().open(*_choose(context, options), size)


def _choose(context: Context, options: FilmOptions) -> tuple[list[Path], InterpolateOptions]:
    """Return the files and the options of a film.

    Raises:
        UsageError: no files were given.
    """
    files = [context.path(line) for line in options.files.splitlines() if line]
    if not files:
        raise UsageError("Choose two or more photos, or a video.")
    values = {one.name: getattr(options, one.name) for one in fields(InterpolateOptions)}
    if options.weights is not None:
        values["weights"] = context.path(str(options.weights))
    return files, InterpolateOptions(**values)


@cache
def _films() -> Films:
    from kinoloom.film.preview.films import Films

    return Films()


def _read(file: Path) -> Clip:
    from kinoloom.base.clip import Clip
    from kinoloom.base.files import files_of

    reader = files_of(Clip)
    video: Clip = reader.read([file], reader.read_options())
    return video


def _encode(image: Any, width: int, facts: tuple[tuple[str, str], ...]) -> Blob:
    from kinoloom.media.figures.panels import shrink_to_width
    from kinoloom.media.photo.reading import encode_picture

    data = encode_picture(shrink_to_width(image, width), "image/jpeg")
    return Blob(data, "image/jpeg", facts)
