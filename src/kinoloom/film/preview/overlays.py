"""Motion and expected error of a new frame, drawn over it."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import cv2
import numpy as np

from kinoloom.base import registry
from kinoloom.base.arrays import Picture
from kinoloom.base.clip import Frame
from kinoloom.film.engine import Interpolator
from kinoloom.film.panels import shrink_to_width
from kinoloom.film.preview.films import OpenFilm
from kinoloom.film.quality.error_color import draw_error_map
from kinoloom.film.quality.error_estimate import estimate_psnr_db
from kinoloom.film.selection import derive_engine_options
from kinoloom.motion import matching
from kinoloom.motion.flow_color import draw_flow, typical_speed_px

_COLORS = 3


class Overlay(NamedTuple):
    """A drawing of the size of the preview.

    Attributes:
        picture: (H, W, 3) uint8.
        caption: what it shows, with units.
    """

    picture: Picture
    caption: str


def draw_motion(film: OpenFilm, number: int, width: int) -> Overlay | None:
    """Draw the optical flow between the source frames around a frame; None if there is none."""
    first, second, _ = _find_pair(film, number)
    flows = _build_interpolator(film).estimate_flow(first, second)
    if flows is None:
        return None
    full_px = typical_speed_px(flows[0])
    picture = shrink_to_width(draw_flow(flows[0], full_px), width)
    return Overlay(picture, f"Motion to the next source frame; full colour is {full_px:.0f} px")


def draw_expected_error(film: OpenFilm, number: int, width: int) -> Overlay | None:
    """Draw the engine's own estimate of its error; None if the engine has none."""
    first, second, position = _find_pair(film, number)
    frames = _build_interpolator(film).interpolate(first, second, [float(position)])
    frame, error = next(frames)
    if error is None:
        return None
    height, columns = shrink_to_width(frame, width).shape[:2]
    resized = cv2.resize(error, (columns, height), interpolation=cv2.INTER_LINEAR)
    picture = draw_error_map(np.asarray(resized, np.float32))
    return Overlay(picture, f"Expected error; about {estimate_psnr_db(error):.0f} dB PSNR")


def _build_interpolator(film: OpenFilm) -> Interpolator:
    engine = registry.load("interpolators", film.film.made_with["engine"])
    interpolator: Interpolator = engine.build(derive_engine_options(film.options))
    return interpolator


def _find_pair(film: OpenFilm, number: int) -> tuple[Picture, Picture, Fraction]:
    """Return the source frames around a frame, in the film's size, and its place between them."""
    time = film.time_of(number)
    first, second, position = (
        _find_photos(film, time) if film.source.stills else _find_frames(film, time)
    )
    images = [_fit(film, frame) for frame in (first, second)]
    return images[0], images[1], position


def _find_photos(film: OpenFilm, time: Fraction) -> tuple[Frame, Frame, Fraction]:
    """Return the photos of a transition; its middle stands for its ends, which are photos."""
    count = film.source.frame_count or 2
    duration = film.film.duration or Fraction(1)
    place = min(time / duration, Fraction(999, 1000)) * (count - 1)
    index = int(place)
    position = place - index
    first, second = (next(film.source.read(Fraction(k))) for k in (index, index + 1))
    return first, second, position or Fraction(1, 2)


def _find_frames(film: OpenFilm, time: Fraction) -> tuple[Frame, Frame, Fraction]:
    at = time / film.film.time_scale * film.source.time_scale
    frames = film.source.read(at)
    first = next(frames, None) or next(iter(film.source))
    second = next(frames, first)
    span = second.time - first.time
    position = (at - first.time) / span if span else Fraction(1, 2)
    return first, second, position if 0 < position < 1 else Fraction(1, 2)


def _fit(film: OpenFilm, frame: Frame) -> Picture:
    fitted = matching.fit(frame.image, film.film.width, film.film.height)
    return np.ascontiguousarray(fitted[..., :_COLORS])
