"""Before and after: the whole picture, and its busiest part at pixel size."""

from __future__ import annotations

from kinoloom.base.arrays import Picture as Image
from kinoloom.base.report import Picture, Slider
from kinoloom.enhance.pictures.detail import find_detail
from kinoloom.enhance.pictures.display import to_display
from kinoloom.enhance.pictures.resizing import resize
from kinoloom.media.photo.writing import encode_picture

_MAX_WIDTH_PX = 1600
"""Of the whole picture in the report."""
_MOST_PIXELS = 1 << 19
"""Of a picture that is stored without loss."""
_DETAIL_PX = 480
"""Side of the part of the result that is stored without loss."""
_QUALITY = 92


def compare(before: Image, after: Image, label: str = "", icc: bytes = b"") -> list[Slider]:
    """Return a slider over the whole picture, and over the busiest part of a large one.

    Small pictures and parts are stored without loss. The source is enlarged to the size of the
    result with a cubic filter.

    Args:
        before: the source, (H, W, 3) or (H, W, 4), see `base.arrays`.
        after: the result, (H', W', 3) or (H', W', 4).
        label: begins the titles, such as the name of a photo.
        icc: the colour profile of both; b"" for sRGB.
    """
    before, after = before[..., :3], after[..., :3]
    height, width = after.shape[:2]
    size = f"{before.shape[1]}x{before.shape[0]}"
    is_resized = before.shape[:2] != (height, width)
    resized = ", resized with a cubic filter" if is_resized else ""
    is_small = width * height <= _MOST_PIXELS
    wide = width if is_small else min(width, _MAX_WIDTH_PX)
    high = max(1, round(height * wide / width))
    encode = _encode_exactly if is_small else _encode
    whole = Slider(
        encode(resize(before, wide, high), f"before: {size}{resized}", icc),
        encode(resize(after, wide, high), f"after: {width}x{height}", icc),
        f"{label}: before and after" if label else "Before and after",
        has_tools=True,
    )
    if is_small:
        return [whole]
    part = find_detail(after, _DETAIL_PX)
    source = part.scale(before.shape[1] / width, before.shape[0] / height).crop(before)
    result = part.crop(after)
    wide, high = result.shape[1], result.shape[0]
    place = f"at ({part.columns.start}, {part.rows.start})"
    detail = Slider(
        _encode_exactly(resize(source, wide, high), f"before{resized}", icc),
        _encode_exactly(result, f"after: {wide}x{high} pixels {place}, without loss", icc),
        f"{label}: the most detailed part" if label else "The most detailed part",
        has_tools=True,
    )
    return [whole, detail]


def _encode(image: Image, caption: str, icc: bytes) -> Picture:
    data = encode_picture(to_display(image, icc), "image/jpeg", quality=_QUALITY)
    return Picture(data, "image/jpeg", caption)


def _encode_exactly(image: Image, caption: str, icc: bytes) -> Picture:
    return Picture(encode_picture(to_display(image, icc)), "image/png", caption)
