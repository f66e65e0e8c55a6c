"""Small pictures of files: a photo, a frame of a video, the drawing of a sound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture
from kinoloom.base.audio import Audio, Samples
from kinoloom.base.clip import Color
from kinoloom.errors import UnreadableMediaError, UnsupportedMediaError
from kinoloom.media.audio.reading import read_tracks
from kinoloom.media.photo.reading import is_photo, read_photo
from kinoloom.media.preview.display import fit, to_display
from kinoloom.media.preview.peaks import LEVELS, compute_peaks
from kinoloom.media.video.reading import open_video

_SRGB = Color(primaries=1, transfer=13, matrix=0, full_range=True)
_TALL = 2
"""A small picture is at most this many times as high as wide."""
_PLACES = (Fraction(1, 10), Fraction(2, 5), Fraction(0))
"""Where a video is looked at, as parts of its length, until a frame is not of one colour."""
_MIN_SPREAD = 6.0
"""Standard deviation of 8-bit samples; less is black, white or a fade."""
_MAX_SOUND_S = 600
"""A longer sound is drawn as far as this."""
_WAVE_COLOR = (99, 102, 190)
_WAVE_SHAPE = (9, 16)


def draw_photo(path: Path, width: int) -> NDArray[np.uint8]:
    """Return a photo upright, (H, W, 3 or 4) uint8.

    Raises:
        MediaError, MissingExtraError, BudgetError: as `read_photo`.
    """
    return to_display(fit(read_photo(path).image, width, _TALL * width), _SRGB)


def draw_video(path: Path, width: int) -> NDArray[np.uint8]:
    """Return a frame of a video that shows something, upright.

    Raises:
        MediaError: as `open_video`.
    """
    clip = open_video(path, deinterlace="off")
    best: tuple[float, Picture] | None = None
    for place in _PLACES:
        start = (clip.duration or Fraction(0)) * place
        for frame in islice(clip.read(start), 1):
            picture = fit(frame.image, width, _TALL * width, clip.pixel_aspect)
            shown = to_display(picture, clip.color)
            spread = float(shown[..., :3].std())
            if best is None or spread > best[0]:
                best = spread, shown
        if best is not None and best[0] >= _MIN_SPREAD:
            break
    if best is None:
        raise UnreadableMediaError(
            f"{path} has no frame that can be decoded.", hint="It may be damaged or truncated."
        )
    return best[1]


def draw_picture(path: Path, width: int) -> NDArray[np.uint8]:
    """Return a photo or a frame, by the content of the file.

    Raises:
        MediaError, MissingExtraError, BudgetError: as `draw_photo` and `draw_video`.
    """
    return draw_photo(path, width) if is_photo(path) else draw_video(path, width)


def draw_sound(path: Path, width: int) -> NDArray[np.uint8]:
    """Return the wave of the first sound track on a transparent ground, (H, W, 4) uint8.

    Raises:
        MediaError: the file cannot be read, or has no sound.
    """
    tracks = read_tracks(path)
    if not tracks:
        raise UnsupportedMediaError(f"{path} has no sound that can be decoded.")
    pairs = compute_peaks(_shorten(tracks[0])).levels[LEVELS[0]]
    height = width * _WAVE_SHAPE[0] // _WAVE_SHAPE[1]
    image = np.zeros((max(height, 1), width, 4), np.uint8)
    image[..., :3] = _WAVE_COLOR
    middle, reach = height / 2, height * 0.42
    for x in range(width):
        begin = x * len(pairs) // width
        part = pairs[begin : max((x + 1) * len(pairs) // width, begin + 1)].astype(int)
        low, high = (part[:, 0].min(), part[:, 1].max()) if len(part) else (0, 0)
        top = round(middle - high / 127 * reach)
        image[min(top, height - 1) : max(round(middle - low / 127 * reach), top + 1), x, 3] = 255
    return image


def _shorten(audio: Audio) -> Audio:
    def read() -> Iterator[Samples]:
        left = _MAX_SOUND_S * audio.rate_hz
        for block in audio.read():
            yield block[:left]
            left -= len(block)
            if left <= 0:
                return

    return replace(audio, read=read, duration=None)
