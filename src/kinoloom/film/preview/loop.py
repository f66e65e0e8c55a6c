"""A short animation of a part of a film: a few evenly spaced frames, small, as WebP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from io import BytesIO
from itertools import islice
from pathlib import Path

from PIL import Image

from kinoloom.film.options import InterpolateOptions
from kinoloom.film.preview.films import Films
from kinoloom.media.figures.panels import shrink_to_width

MAX_FRAMES = 24
_QUALITY = 75


def render_loop(
    films: Films,
    files: Sequence[Path],
    options: InterpolateOptions,
    *,
    start: Fraction,
    seconds: Fraction,
    width: int,
) -> bytes:
    """Return an animated WebP that repeats.

    The part is interpolated at a rate that gives at most 24 frames, in order, so that motion is
    estimated once per pair.

    Args:
        films: opens the film.
        files: photos, or one video.
        options: of `interpolate`.
        start: of the part that is shown, in seconds of the film.
        seconds: of that part.
        width: in pixels.

    Raises:
        KinoloomError: as `Films.open` does.
    """
    full = films.open(files, options, width).film
    length = min(seconds, (full.duration or seconds) - start)
    rate = min(full.rate or Fraction(30), Fraction(MAX_FRAMES) / max(length, Fraction(1, 10)))
    sparse = films.open(files, replace(options, fps=rate, times=None), width).film
    frames = islice(sparse.read(start), max(2, int(length * rate)))
    pictures = [Image.fromarray(shrink_to_width(frame.image, width)) for frame in frames]
    output = BytesIO()
    pictures[0].save(
        output,
        "WEBP",
        save_all=True,
        append_images=pictures[1:],
        duration=round(1000 / rate),
        loop=0,
        quality=_QUALITY,
    )
    return output.getvalue()
