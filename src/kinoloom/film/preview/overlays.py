"""Motion and expected error of a new frame, drawn over it."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import cv2
import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.errors import UsageError
from kinoloom.film.preview.films import OpenFilm
from kinoloom.film.preview.finding import Place
from kinoloom.film.quality.error_color import draw_error_map
from kinoloom.film.quality.error_estimate import estimate_psnr_db
from kinoloom.media.figures.panels import shrink_to_width
from kinoloom.motion.flow_color import draw_flow, typical_speed_px


class Overlay(NamedTuple):
    """A drawing of the size of the preview.

    Attributes:
        picture: (H, W, 3) uint8.
        caption: what it shows, with units.
    """

    picture: Picture
    caption: str


def draw_motion(film: OpenFilm, number: int, width: int) -> Overlay | None:
    """Draw the optical flow between the source pictures around a frame; None if there is none.

    Raises:
        UsageError: nothing is interpolated there.
    """
    flows = _find_continuous(film, number).pair.estimate_flow()
    if flows is None:
        return None
    full_px = typical_speed_px(flows[0])
    picture = shrink_to_width(draw_flow(flows[0], full_px), width)
    return Overlay(picture, f"Motion to the next source frame; full colour is {full_px:.0f} px")


def draw_expected_error(film: OpenFilm, number: int, width: int) -> Overlay | None:
    """Draw the engine's own estimate of a frame's error; None if the engine has none.

    The middle of a pair stands for its ends, which are source pictures.

    Raises:
        UsageError: nothing is interpolated there.
    """
    pair, position = _find_continuous(film, number)
    frame, error = pair.render(position if 0 < position < 1 else Fraction(1, 2))
    if error is None:
        return None
    height, columns = shrink_to_width(frame, width).shape[:2]
    resized = cv2.resize(error, (columns, height), interpolation=cv2.INTER_LINEAR)
    picture = draw_error_map(np.asarray(resized, np.float32))
    return Overlay(picture, f"Expected error; about {estimate_psnr_db(error):.0f} dB PSNR")


def _find_continuous(film: OpenFilm, number: int) -> Place:
    place = film.find(number)
    if not place.pair.is_continuous:
        raise UsageError(f"Nothing is interpolated at frame {number}: a scene ends there.")
    return place
