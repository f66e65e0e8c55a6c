"""The page about a film: a new frame beside its source, the motion, the time-line."""

from __future__ import annotations

import base64
from collections import Counter
from fractions import Fraction
from itertools import islice

import cv2
import numpy as np

from kinoloom.base import registry
from kinoloom.base.arrays import Picture as Image
from kinoloom.base.clip import Clip, Frame
from kinoloom.base.report import Picture, Report, Section, Slider, Table, Text
from kinoloom.film.choose import allowed_by
from kinoloom.film.engine import ErrorMap
from kinoloom.film.options import InterpolateOptions
from kinoloom.film.panels import reduced
from kinoloom.film.quality.error_color import FULL, draw_error, error_key
from kinoloom.film.quality.error_estimate import expected_psnr_db
from kinoloom.film.quality.warnings import made_with_errors
from kinoloom.media.photo.reading import encode_picture
from kinoloom.motion import matching
from kinoloom.motion.flow import Flow
from kinoloom.motion.flow_color import colour_key, draw_flow, typical_speed_px

_WIDEST_PX = 1280
_STRIP_PICTURES = 7
_STRIP_WIDTH, _THUMB_HEIGHT = 980, 78


def interpolation_page(source: Clip, film: Clip, options: InterpolateOptions) -> Report:
    """Make the page.

    Args:
        source: what `interpolate` was given.
        film: what it gave.
        options: what it was told.
    """
    first, second = _pair(source, film)
    engine = registry.load("interpolators", film.made_with["engine"])
    interpolator = engine.make(allowed_by(options))
    middle, error = next(made_with_errors(interpolator, first, second, [0.5]))
    sections: list[Section] = [
        _facts(film),
        Slider(
            _picture(first, "frame of the source"),
            _picture(middle, "new frame, halfway to the next"),
            "A new frame",
        ),
    ]
    flows = interpolator.flows(first, second)
    if flows is not None:
        sections += _motion(flows[0])
    if error is not None:
        sections += _expected_error(error, middle)
    sections.append(_strip(film))
    notes = [f"{note.level}: {note.message}" for note in film.notes if note.kind != "cut"]
    if notes:
        sections.append(Text("\n".join(notes), preformatted=True, title="What was noticed"))
    name = source.files[0].name if source.files else "pictures"
    return Report(f"kinoloom: {name}", tuple(sections), provenance=film.provenance)


def _facts(film: Clip) -> Table:
    counts = Counter(note.kind for note in film.notes)
    rate = _rate_text(film.rate)
    rows: list[tuple[object, ...]] = [
        ("engine", film.made_with["engine"]),
        ("size", f"{film.width} x {film.height}"),
        ("frames a second", rate),
        ("frames", str(film.frame_count or "")),
        ("seconds", f"{float(film.duration):.3f}" if film.duration else ""),
        ("scene cuts", str(counts["cut"])),
    ]
    return Table(("of the film", ""), tuple(rows))


def _rate_text(rate: Fraction | None) -> str:
    if rate is None:
        return "variable"
    return str(rate) if rate.denominator == 1 else f"{rate} ({float(rate):.3f})"


def _pair(source: Clip, film: Clip) -> tuple[Image, Image]:
    """Two neighbouring pictures of the source: the first photos, or the middle of a video."""
    start = Fraction(0) if source.stills else (source.duration or Fraction(0)) / 2
    frames = list(islice(source.read(start), 2)) or [next(iter(source))]
    images = [matching.fit(frame.image, film.width, film.height) for frame in frames]
    return images[0], images[-1]


def _motion(flow: Flow) -> list[Section]:
    full_px = typical_speed_px(flow)
    drawn = Picture(
        encode_picture(reduced(draw_flow(flow, full_px), _WIDEST_PX), "image/png"),
        "image/png",
        f"motion from this frame to the next; full colour is {full_px:.0f} px",
        "The motion",
    )
    key = Picture(
        encode_picture(colour_key(96), "image/png"), "image/png", "the direction of each colour"
    )
    return [drawn, key]


def _expected_error(error: ErrorMap, middle: Image) -> list[Section]:
    """Where the new frame may be wrong, and the key to the colours."""
    height, width = reduced(middle, _WIDEST_PX).shape[:2]
    fine = cv2.resize(error, (width, height), interpolation=cv2.INTER_LINEAR)
    full = f"{FULL * 255:.0f} levels"
    drawn = Picture(
        encode_picture(draw_error(np.asarray(fine, np.float32)), "image/png"),
        "image/png",
        f"how far the new frame is likely to be off: {expected_psnr_db(error):.0f} dB in all, by "
        "what the engine can tell without the truth",
        "Where it may be wrong",
    )
    key = Picture(
        encode_picture(error_key(240, 14), "image/png"),
        "image/png",
        f"from no error (black) to {full} of 255 and more (pale yellow)",
    )
    return [drawn, key]


def _strip(film: Clip) -> Picture:
    """The time-line: frames of the film at even distances, and a bar with what was noticed."""
    length = film.duration or Fraction(1)
    frames = [_frame_at(film, length * k / _STRIP_PICTURES) for k in range(_STRIP_PICTURES)]
    pitch = _STRIP_WIDTH / _STRIP_PICTURES
    parts = []
    for k, frame in enumerate(frames):
        data = base64.b64encode(encode_picture(_thumb(frame.image), "image/jpeg")).decode()
        parts.append(
            f'<image x="{k * pitch:.1f}" y="0" width="{pitch - 4:.1f}" height="{_THUMB_HEIGHT}" '
            f'preserveAspectRatio="xMidYMid slice" href="data:image/jpeg;base64,{data}"/>'
            f'<text x="{k * pitch:.1f}" y="{_THUMB_HEIGHT + 34}" font-size="11" fill="#888" '
            f'font-family="sans-serif">{float(frame.time):.2f} s</text>'
        )
    bar_y = _THUMB_HEIGHT + 8
    parts.append(f'<rect x="0" y="{bar_y}" width="{_STRIP_WIDTH - 4}" height="8" fill="#0b6bcb"/>')
    parts += [_mark(float(time / length), bar_y) for time in _noted_times(film)]
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_STRIP_WIDTH} '
        f'{_THUMB_HEIGHT + 40}" width="{_STRIP_WIDTH}">{"".join(parts)}</svg>'
    )
    caption = (
        "the film from its first to its last frame; red marks are scene cuts, damage, and where "
        "doubtful stretches begin"
    )
    return Picture(svg.encode(), "image/svg+xml", caption, "The time-line")


def _noted_times(film: Clip) -> list[Fraction]:
    """Where notes with a place lie on the film's clock."""
    return [note.time * film.time_scale for note in film.notes if note.time is not None]


def _mark(share: float, y: int) -> str:
    x = share * (_STRIP_WIDTH - 4)
    return f'<rect x="{x - 1:.1f}" y="{y - 4}" width="2" height="16" fill="#d62828"/>'


def _frame_at(film: Clip, time: Fraction) -> Frame:
    frame = next(film.read(time), None)
    return frame if frame is not None else next(iter(film))


def _picture(image: Image, caption: str) -> Picture:
    return Picture(encode_picture(reduced(image, _WIDEST_PX), "image/jpeg"), "image/jpeg", caption)


def _thumb(image: Image) -> Image:
    height, width = image.shape[:2]
    return reduced(image, max(1, round(2 * _THUMB_HEIGHT * width / height)))
