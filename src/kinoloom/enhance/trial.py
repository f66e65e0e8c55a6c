"""A picture that shows a detail of the input at four strengths, behind `--try`.

The strengths are 0, a third, two thirds and all of the requested one. The detail is the busiest
part of a photo, or of the middle frame of a video; each panel has the pixels of the result.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from kinoloom.base.arrays import Picture
from kinoloom.base.clip import Clip, Frame
from kinoloom.enhance.filters.filter import Context
from kinoloom.enhance.options import EnhanceOptions
from kinoloom.enhance.photos import check_photo_options, find_colors, plan_photo, resolve_photo
from kinoloom.enhance.pictures.building import Networks, build_work, describe_context
from kinoloom.enhance.pictures.detail import Detail, find_detail
from kinoloom.enhance.pictures.display import to_display
from kinoloom.enhance.pictures.stages import FilterStage
from kinoloom.enhance.pictures.work import PictureWork, least_bytes
from kinoloom.enhance.planning.settings import Settings
from kinoloom.enhance.video.enhancement import plan_video
from kinoloom.media.photo.editing import EditablePhoto, EditedPhoto, open_photo
from kinoloom.media.photo.editing.opening import read_skeleton
from kinoloom.media.photo.editing.saving import choose_format

_SHARES = (Fraction(0), Fraction(1, 3), Fraction(2, 3), Fraction(1))
_SIDE_PX = 256
"""Of a panel, in pixels of the result."""
_MARGIN_PX = 32
"""Of the source around the detail, which networks and filters use."""
_GAP_PX, _CAPTION_PX, _FONT_PX, _MIN_PANEL_PX = 8, 30, 16, 130
_QUALITY = 95
_PAPER, _INK = (255, 255, 255), (28, 30, 33)


@dataclass(frozen=True)
class Sample:
    """A picture of the input, and what is done to it.

    Attributes:
        picture: (H, W, 3), see `base.arrays`.
        settings, networks, context: of the work on it.
        icc: its colour profile; b"" for sRGB.
    """

    picture: Picture
    settings: Settings
    networks: Networks
    context: Context
    icc: bytes = b""


def try_strengths(clip: Clip, options: EnhanceOptions, path: Path) -> Clip:
    """Return the sheet as a clip of one photo.

    Args:
        clip: photos, of which the first one is used, or a video.
        options: of `enhance`.
        path: where the sheet will be written.

    Raises:
        UsageError: not the suffix of a photo, or as `enhance_photos` and `enhance_video`.
        MediaError: the photo cannot be read.
        WeightsError: a network is missing.
    """
    kind = choose_format(path)
    sample = _open_first_photo(clip, options) if clip.stills else _open_middle(clip, options)
    for choice in sample.settings.choices:
        clip.notes.add("choice", choice.reason)
    sheet = draw_sheet(sample)
    files = clip.files[:1] or (path,)
    photo = _as_photo(sheet, kind, files[0])
    frame = Frame(sheet, Fraction(0), native=EditedPhoto(photo, sheet, None))

    def read(start: Fraction) -> Iterator[Frame]:
        return iter([frame] if start <= 0 else [])

    return Clip(
        read,
        width=sheet.shape[1],
        height=sheet.shape[0],
        frame_count=1,
        files=files,
        names=(Path(files[0].name),),
        stills=True,
        keeps_format=True,
        notes=clip.notes,
        made_with=sample.networks.details,
        budget=clip.budget,
    )


def draw_sheet(sample: Sample) -> Picture:
    """Return the busiest part at four strengths side by side, (H, W, 3) uint8 sRGB."""
    height, width = sample.picture.shape[:2]
    wide, high = sample.settings.find_size(width, height)
    ratios = wide / width, high / height
    detail = find_detail(sample.picture, max(1, ceil(_SIDE_PX / max(ratios))))
    strengths = [float(share) * sample.settings.strength for share in _SHARES]
    panels = [_enhance_detail(sample, one, detail, ratios) for one in strengths]
    captions = [f"--strength {one:.2g}" for one in strengths]
    return _join(panels, captions)


def _as_photo(sheet: Picture, kind: str, path: Path) -> EditablePhoto:
    """Return the sheet as if it were opened from a file without metadata."""
    encoded = io.BytesIO()
    Image.fromarray(sheet).save(encoded, kind, quality=_QUALITY)
    skeleton = read_skeleton(kind, encoded.getvalue())
    return EditablePhoto(path, kind, sheet, None, 8, b"", None, (), skeleton)


def _open_first_photo(clip: Clip, options: EnhanceOptions) -> Sample:
    check_photo_options(options)
    photo = open_photo(clip.files[0])
    if len(clip.files) > 1:
        clip.notes.add("try", f"The first of {len(clip.files)} photos is shown: {photo.path.name}.")
    colors = find_colors(photo)
    settings = resolve_photo(photo, options)
    networks, _ = plan_photo(settings, colors)
    context = describe_context(settings, colors, photo.bits)
    return Sample(colors, settings, networks, context, photo.icc)


def _open_middle(clip: Clip, options: EnhanceOptions) -> Sample:
    plan = plan_video(clip, options)
    middle = (plan.clip.duration or Fraction(0)) / 2
    frame = next(plan.clip.read(middle), None) or next(iter(plan.clip))
    return Sample(frame.image[..., :3], plan.settings, plan.networks, plan.context)


def _enhance_detail(
    sample: Sample, strength: float, detail: Detail, ratios: tuple[float, float]
) -> Picture:
    """Return the detail at a strength, from a larger part of the source."""
    options = replace(sample.settings.options, strength=strength)
    work = build_work(replace(sample.settings, options=options), sample.networks, 1)
    outer = detail.widen(_MARGIN_PX, sample.picture)
    source = outer.crop(sample.picture)
    result = _fit(work, source, ratios).run(source, sample.context, source.dtype)
    top, left = detail.rows.start - outer.rows.start, detail.columns.start - outer.columns.start
    inner = Detail(
        slice(top, top + detail.rows.stop - detail.rows.start),
        slice(left, left + detail.columns.stop - detail.columns.start),
    )
    return to_display(inner.scale(*ratios).crop(result), sample.icc)


def _fit(work: PictureWork, source: Picture, ratios: tuple[float, float]) -> PictureWork:
    """Return the work for a part of the picture: of its size, and with memory for it."""
    size = tuple(
        max(1, round(side * ratio)) for side, ratio in zip(source.shape[1::-1], ratios, strict=True)
    )
    filters = [FilterStage(one) for one in work.filters]
    needed = max(
        least_bytes(work.stages, source.shape[1], source.shape[0]),
        least_bytes(filters, size[0], size[1]),
    )
    return replace(work, size=lambda width, height: (size[0], size[1]), memory_bytes=needed)


def _join(panels: Sequence[Picture], captions: Sequence[str]) -> Picture:
    height, width = panels[0].shape[:2]
    pitch = max(width, _MIN_PANEL_PX) + _GAP_PX
    sheet = Image.new(
        "RGB", (pitch * len(panels) + _GAP_PX, height + _CAPTION_PX + _GAP_PX), _PAPER
    )
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(_FONT_PX)
    for k, (panel, caption) in enumerate(zip(panels, captions, strict=True)):
        x = _GAP_PX + k * pitch
        sheet.paste(Image.fromarray(panel), (x, _GAP_PX))
        draw.text((x, _GAP_PX + height + _CAPTION_PX // 2), caption, _INK, font, anchor="lm")
    return np.asarray(sheet)
