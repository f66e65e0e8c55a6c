"""Pictures beside each other under their names, as one drawing for a page."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

import numpy as np

from kinoloom.base.arrays import Picture as Image
from kinoloom.base.arrays import from_float, to_float
from kinoloom.base.report import Picture
from kinoloom.media.photo.reading import encode_picture
from kinoloom.motion import matching

_WIDTH, _GAP, _LINE = 960.0, 6.0, 22.0
_COLUMN_PX = 480
"""The most pixels that a picture of a panel is stored with, across."""


def panels(rows: Sequence[Sequence[tuple[str, Image]]], caption: str, title: str = "") -> Picture:
    """Draw rows of named pictures; all have the shape of the first.

    Args:
        rows: each of names and pictures (H, W, C); the longest row says how wide a column is.
        caption, title: of the drawing.
    """
    columns = max(len(row) for row in rows)
    pitch = (_WIDTH + _GAP) / columns
    height, width = rows[0][0][1].shape[:2]
    tall = (pitch - _GAP) * height / width
    parts = []
    for i, row in enumerate(rows):
        y = i * (tall + _LINE)
        for k, (name, image) in enumerate(row):
            parts.append(
                f'<image x="{k * pitch:.1f}" y="{y:.1f}" width="{pitch - _GAP:.1f}" '
                f'height="{tall:.1f}" href="{_data(image)}"/>'
                f'<text x="{k * pitch:.1f}" y="{y + tall + 14:.1f}" font-size="13" fill="#888" '
                f'font-family="sans-serif">{escape(name)}</text>'
            )
    bottom = len(rows) * (tall + _LINE)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:.0f} {bottom:.0f}" '
        f'width="{_WIDTH:.0f}" height="{bottom:.0f}">{"".join(parts)}</svg>'
    )
    return Picture(svg.encode(), "image/svg+xml", caption, title)


def reduced(image: Image, widest_px: int) -> Image:
    """The picture at most so wide, in 8 bits, without alpha."""
    height, width = image.shape[:2]
    scale = min(1.0, widest_px / width)
    small = matching.fit(image, max(1, round(width * scale)), max(1, round(height * scale)))
    return from_float(to_float(small)[..., :3], np.dtype(np.uint8))


def _data(image: Image) -> str:
    encoded = encode_picture(reduced(image, _COLUMN_PX), "image/jpeg")
    return f"data:image/jpeg;base64,{base64.b64encode(encoded).decode()}"
