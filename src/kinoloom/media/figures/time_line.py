"""The time line of a clip: evenly spaced frames above a bar with marks, as one SVG drawing."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from fractions import Fraction

from kinoloom.base.arrays import Picture as Image
from kinoloom.base.clip import Clip, Frame
from kinoloom.base.report import Picture
from kinoloom.media.figures.panels import shrink_to_width
from kinoloom.media.photo.writing import encode_picture

_WIDTH, _THUMB_HEIGHT = 980, 78


def draw_time_line(
    clip: Clip, marks: Sequence[Fraction], caption: str, *, title: str = "", frames: int = 7
) -> Picture:
    """Draw evenly spaced frames of a clip above a bar that marks some times.

    Args:
        clip: the video; the frames that are drawn are read.
        marks: times in seconds.
        caption, title: of the drawing.
        frames: number of frames, at least 1.
    """
    length = clip.duration or Fraction(1)
    chosen = [_read_frame_at(clip, length * k / frames) for k in range(frames)]
    pitch = _WIDTH / frames
    parts = []
    for k, frame in enumerate(chosen):
        thumb = encode_picture(_shrink_to_thumbnail(frame.image), "image/jpeg")
        data = base64.b64encode(thumb).decode()
        parts.append(
            f'<image x="{k * pitch:.1f}" y="0" width="{pitch - 4:.1f}" height="{_THUMB_HEIGHT}" '
            f'preserveAspectRatio="xMidYMid slice" href="data:image/jpeg;base64,{data}"/>'
            f'<text x="{k * pitch:.1f}" y="{_THUMB_HEIGHT + 34}" font-size="11" fill="#888" '
            f'font-family="sans-serif">{float(frame.time):.2f} s</text>'
        )
    bar_y = _THUMB_HEIGHT + 8
    parts.append(f'<rect x="0" y="{bar_y}" width="{_WIDTH - 4}" height="8" fill="#0b6bcb"/>')
    parts += [_draw_mark(float(time / length), bar_y) for time in marks]
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} '
        f'{_THUMB_HEIGHT + 40}" width="{_WIDTH}">{"".join(parts)}</svg>'
    )
    return Picture(svg.encode(), "image/svg+xml", caption, title)


def _draw_mark(position: float, y: int) -> str:
    x = position * (_WIDTH - 4)
    return f'<rect x="{x - 1:.1f}" y="{y - 4}" width="2" height="16" fill="#d62828"/>'


def _read_frame_at(clip: Clip, time: Fraction) -> Frame:
    frame = next(clip.read(time), None)
    return frame if frame is not None else next(iter(clip))


def _shrink_to_thumbnail(image: Image) -> Image:
    height, width = image.shape[:2]
    return shrink_to_width(image, max(1, round(2 * _THUMB_HEIGHT * width / height)))
