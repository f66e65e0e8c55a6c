"""Read animations that FFmpeg does not support fully: WebP, and AVIF with alpha, with Pillow.

In: a file. Out: a `Clip` of 8-bit sRGB pictures. Times are integer milliseconds, as these formats
store them; a frame without a duration lasts 1/10 s, as in browsers.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import numpy as np
from PIL import Image

from kinoloom.base.arrays import Picture
from kinoloom.base.budget import Budget
from kinoloom.base.clip import Clip, Color, Frame
from kinoloom.base.notes import Notes
from kinoloom.errors import UnreadableMediaError, UnsupportedMediaError
from kinoloom.media.limits import check_size, check_times
from kinoloom.media.memory import estimate_animation, refuse_to_read

_SRGB = Color(primaries=1, transfer=13, matrix=0, full_range=True)
_HEAD_BYTES = 1 << 16
_ALPHA_TRACK = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha"
_DEFAULT_S = Fraction(1, 10)
_DAMAGE = (OSError, EOFError, ValueError, SyntaxError)
"""What Pillow raises for damaged files."""


def is_for_pillow(path: Path) -> bool:
    """Whether a file is WebP, or an AVIF sequence with alpha; False if it does not exist."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    webp = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    return webp or (head[4:12] == b"ftypavis" and _ALPHA_TRACK in head)


def open_animation(path: Path, budget: Budget | None = None) -> Clip:
    """Open an animation, and decode it once to collect its times.

    If reading alone exceeds a memory limit, nothing is decoded, and the clip raises the error.

    Raises:
        UnreadableMediaError: no frame can be decoded.
        UnsupportedMediaError: its frames are too large, or last too long.
    """
    size = _find_size(path)
    needed = estimate_animation(*size, path.stat().st_size)
    if refused := refuse_to_read(path, size, needed, budget):
        return refused
    notes = Notes()
    durations, shape = [], (1, 1, 3)
    for picture, duration in _decode(path, notes):
        durations.append(duration)
        shape = picture.shape
    if not durations:
        raise UnreadableMediaError(
            f"{path} has no frame that can be decoded.",
            hint="It may be damaged or truncated; copy or download it again.",
        )

    begins = [*accumulate(durations, initial=Fraction(0))]
    check_times(path, begins, None, begins[-1])

    def read(start: Fraction) -> Iterator[Frame]:
        time = Fraction(0)
        for picture, duration in _decode(path, notes):
            if time + duration > start:
                yield Frame(picture, time, duration)
            time += duration

    return Clip(
        read,
        width=shape[1],
        height=shape[0],
        rate=1 / durations[0] if len(set(durations)) == 1 else None,
        duration=sum(durations, Fraction(0)),
        frame_count=len(durations),
        color=_SRGB,
        files=(path,),
        origin=path,
        notes=notes,
        reading_bytes=needed,
        budget=budget,
    )


def _find_size(path: Path) -> tuple[int, int]:
    """Return the width and height that a file declares; (0, 0) if it is damaged."""
    try:
        with Image.open(path) as image:
            return image.size
    except _DAMAGE:
        return 0, 0


def _decode(path: Path, notes: Notes) -> Iterator[tuple[Picture, Fraction]]:
    """Yield each frame with its duration in seconds, up to the first damaged one."""
    number = 0
    try:
        with Image.open(path) as image:
            check_size(path, *image.size)  # an AVIF, whose decoder starts with the first frame
            mode = "RGBA" if image.has_transparency_data else "RGB"
            for number in range(getattr(image, "n_frames", 1)):
                image.seek(number)
                picture = np.asarray(image.convert(mode))
                stored = Fraction(round(image.info.get("duration", 0)), 1000)
                yield picture, stored or _DEFAULT_S
    except UnsupportedMediaError:
        raise
    except _DAMAGE as error:
        message = (
            f"{path.name} is damaged after {number} frames: {error}. The readable part is used."
        )
        notes.add("damage", message, "error")
