"""Captioned images side by side, as one SVG drawing for a report."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

import numpy as np

from kinoloom.base.arrays import Picture as Image
from kinoloom.base.arrays import from_float, to_float
from kinoloom.base.report import Picture
from kinoloom.media.frames.framing import fit
from kinoloom.media.photo.writing import encode_picture

_WIDTH, _GAP, _LABEL_HEIGHT = 960.0, 6.0, 22.0
_MAX_PANEL_WIDTH_PX = 480
"""Wider images are stored at this width."""


def draw_panels(
    rows: Sequence[Sequence[tuple[str, Image]]], caption: str, title: str = ""
) -> Picture:
    """Draw rows of labelled images, all of the shape of the first one.

    Args:
        rows: per row, labels and images (H, W, C); the longest row sets the column width.
        caption, title: of the drawing.
    """
    columns = max(len(row) for row in rows)
    pitch = (_WIDTH + _GAP) / columns
    height, width = rows[0][0][1].shape[:2]
    panel_height = (pitch - _GAP) * height / width
    parts = []
    for i, row in enumerate(rows):
        y = i * (panel_height + _LABEL_HEIGHT)
        for k, (label, image) in enumerate(row):
            parts.append(
                f'<image x="{k * pitch:.1f}" y="{y:.1f}" width="{pitch - _GAP:.1f}" '
                f'height="{panel_height:.1f}" href="{_encode_data_uri(image)}"/>'
                f'<text x="{k * pitch:.1f}" y="{y + panel_height + 14:.1f}" font-size="13" '
                f'fill="#888" font-family="sans-serif">{escape(label)}</text>'
            )
    bottom = len(rows) * (panel_height + _LABEL_HEIGHT)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:.0f} {bottom:.0f}" '
        f'width="{_WIDTH:.0f}" height="{bottom:.0f}">{"".join(parts)}</svg>'
    )
    return Picture(svg.encode(), "image/svg+xml", caption, title)


def shrink_to_width(image: Image, max_width_px: int) -> Image:
    """Return the image at most `max_width_px` wide, in 8 bits and without alpha."""
    height, width = image.shape[:2]
    scale = min(1.0, max_width_px / width)
    small = fit(image, max(1, round(width * scale)), max(1, round(height * scale)))
    return from_float(to_float(small)[..., :3], np.dtype(np.uint8))


def _encode_data_uri(image: Image) -> str:
    encoded = encode_picture(shrink_to_width(image, _MAX_PANEL_WIDTH_PX), "image/jpeg")
    return f"data:image/jpeg;base64,{base64.b64encode(encoded).decode()}"
