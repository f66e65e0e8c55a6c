"""The report on an interpolated film: a new frame, its motion, its error estimate, a time line."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import islice

import cv2
import numpy as np

from kinoloom.base import registry
from kinoloom.base.arrays import Picture as Image
from kinoloom.base.clip import Clip
from kinoloom.base.report import Picture, Report, Section, Slider, Table, Text
from kinoloom.film.engine import ErrorMap
from kinoloom.film.options import InterpolateOptions
from kinoloom.film.quality.error_color import FULL_SCALE_ERROR, draw_error_key, draw_error_map
from kinoloom.film.quality.error_estimate import estimate_psnr_db
from kinoloom.film.selection import derive_engine_options
from kinoloom.media.figures.panels import shrink_to_width
from kinoloom.media.figures.time_line import draw_time_line
from kinoloom.media.photo.reading import encode_picture
from kinoloom.motion import matching
from kinoloom.motion.flow import Flow
from kinoloom.motion.flow_color import draw_color_wheel, draw_flow, typical_speed_px

_MAX_WIDTH_PX = 1280


def build_interpolation_page(source: Clip, film: Clip, options: InterpolateOptions) -> Report:
    """Build the report behind `--report`.

    Args:
        source: the input of `interpolate`.
        film: its result.
        options: its options.
    """
    first, second = _choose_pair(source, film)
    engine = registry.load("interpolators", film.made_with["engine"])
    interpolator = engine.build(derive_engine_options(options))
    middle, error = next(interpolator.interpolate(first, second, [0.5]))
    sections: list[Section] = [
        _tabulate_facts(film),
        Slider(
            _encode_image(first, "source frame"),
            _encode_image(middle, "interpolated frame, halfway to the next source frame"),
            "New frame",
        ),
    ]
    flows = interpolator.estimate_flow(first, second)
    if flows is not None:
        sections += _show_motion(flows[0])
    if error is not None:
        sections += _show_error_estimate(error, middle)
    sections.append(_draw_time_line(film))
    notes = [f"{note.level}: {note.message}" for note in film.notes if note.kind != "cut"]
    if notes:
        sections.append(Text("\n".join(notes), preformatted=True, title="Messages"))
    name = source.files[0].name if source.files else "images"
    return Report(f"kinoloom: {name}", tuple(sections), provenance=film.provenance)


def _tabulate_facts(film: Clip) -> Table:
    counts = Counter(note.kind for note in film.notes)
    rows: list[tuple[object, ...]] = [
        ("engine", film.made_with["engine"]),
        ("size", f"{film.width} x {film.height}"),
        ("frames per second", _format_rate(film.rate)),
        ("frames", str(film.frame_count or "")),
        ("duration in seconds", f"{float(film.duration):.3f}" if film.duration else ""),
        ("scene cuts", str(counts["cut"])),
    ]
    return Table(("film", ""), tuple(rows))


def _format_rate(rate: Fraction | None) -> str:
    if rate is None:
        return "variable"
    return str(rate) if rate.denominator == 1 else f"{rate} ({float(rate):.3f})"


def _choose_pair(source: Clip, film: Clip) -> tuple[Image, Image]:
    """Return two consecutive source images: the first photos, or the middle of a video."""
    start = Fraction(0) if source.stills else (source.duration or Fraction(0)) / 2
    frames = list(islice(source.read(start), 2)) or [next(iter(source))]
    images = [matching.fit(frame.image, film.width, film.height) for frame in frames]
    return images[0], images[-1]


def _show_motion(flow: Flow) -> list[Section]:
    full_px = typical_speed_px(flow)
    drawing = Picture(
        encode_picture(shrink_to_width(draw_flow(flow, full_px), _MAX_WIDTH_PX), "image/png"),
        "image/png",
        f"optical flow to the next source frame; full saturation is {full_px:.0f} px",
        "Motion",
    )
    key = Picture(
        encode_picture(draw_color_wheel(96), "image/png"), "image/png", "direction of each colour"
    )
    return [drawing, key]


def _show_error_estimate(error: ErrorMap, middle: Image) -> list[Section]:
    height, width = shrink_to_width(middle, _MAX_WIDTH_PX).shape[:2]
    resized = cv2.resize(error, (width, height), interpolation=cv2.INTER_LINEAR)
    drawing = Picture(
        encode_picture(draw_error_map(np.asarray(resized, np.float32)), "image/png"),
        "image/png",
        f"estimated error of the new frame: PSNR {estimate_psnr_db(error):.0f} dB, computed by "
        "the engine without the ground truth",
        "Error estimate",
    )
    key = Picture(
        encode_picture(draw_error_key(240, 14), "image/png"),
        "image/png",
        f"from 0 (black) to {FULL_SCALE_ERROR * 255:.0f} of 255 levels or more (pale yellow)",
    )
    return [drawing, key]


def _draw_time_line(film: Clip) -> Picture:
    caption = (
        "the film from its first to its last frame; red marks are scene cuts, damaged frames and "
        "the starts of intervals with a quality warning"
    )
    return draw_time_line(film, _list_note_times(film), caption, title="Time line")


def _list_note_times(film: Clip) -> list[Fraction]:
    """Return the output times of all notes that have one."""
    return [note.time * film.time_scale for note in film.notes if note.time is not None]


def _encode_image(image: Image, caption: str) -> Picture:
    encoded = encode_picture(shrink_to_width(image, _MAX_WIDTH_PX), "image/jpeg")
    return Picture(encoded, "image/jpeg", caption)
