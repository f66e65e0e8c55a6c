"""Renders previews: before and after, of a region at full size or of the whole picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from kinoloom.base.arrays import Picture, from_float, to_float
from kinoloom.base.clip import Frame
from kinoloom.enhance.estimate.measure import Measurement, measure_clip, measure_photo
from kinoloom.enhance.filters.filter import Context
from kinoloom.enhance.networks.network import Floats
from kinoloom.enhance.options import EnhanceOptions
from kinoloom.enhance.photos import TIER
from kinoloom.enhance.pictures.building import (
    Networks,
    build_work,
    choose_networks,
    describe_context,
)
from kinoloom.enhance.pictures.resizing import resize
from kinoloom.enhance.pictures.stages import Stage
from kinoloom.enhance.pictures.work import PictureWork, least_bytes
from kinoloom.enhance.planning.order import estimate_upscaling_s
from kinoloom.enhance.planning.settings import Settings, check_size, resolve
from kinoloom.enhance.preview.sources import Source, take_first
from kinoloom.enhance.preview.views import Size, View, choose_overview, choose_region
from kinoloom.enhance.video.enhancement import VideoWork
from kinoloom.errors import KinoloomError

_WHOLE_S = 2.0
"""Processor time of the networks that enlarge, for a preview of the whole picture."""
_MOST_PIXELS, _LEAST_PIXELS = 1_000_000, 128 * 128
_MOTION_PX = 32
"""More margin in videos, for steps that follow motion."""
_UNKNOWN_REACH_PX = 64
_TILE_BYTES = 128_000_000
"""Small tiles, so that a preview ends soon after it is cancelled."""
_EIGHT_BITS = np.dtype(np.uint8)


@dataclass(frozen=True)
class Place:
    """What of a photo or video is previewed.

    Attributes:
        time: of the frame, in seconds; of a photo, 0.
        centre: of the region, as shares of width and height, 0..1.
        region: largest size of the region, in pixels of the result; None for the whole picture.
    """

    time: Fraction
    centre: tuple[float, float] = (0.5, 0.5)
    region: Size | None = None


class Preview(NamedTuple):
    """A picture of a preview.

    Attributes:
        picture: (H, W, 3) uint8.
        view: what it shows.
        time: of the frame, in seconds.
    """

    picture: Picture
    view: View
    time: Fraction


def render_after(
    source: Source, options: EnhanceOptions, place: Place, is_cancelled: Callable[[], bool]
) -> Preview:
    """Return the enhanced part of a photo or video.

    Args:
        source: the photo or video.
        options: of the job; those that add frames have no influence.
        place: the part.
        is_cancelled: asked between tiles and frames.

    Raises:
        KinoloomError: as the job; or the preview was cancelled.
    """
    settings = resolve(options, source.measure)
    view, networks, result = _choose_view(source, settings, place)
    settings = replace(settings, size=view.find_size(result))
    render = _render_photo if source.is_photo else _render_frame
    frame = render(_Task(source, settings, networks, view, is_cancelled), place.time)
    return Preview(view.finish(_to_8_bits(frame.image), result), view, frame.time)


def render_before(source: Source, options: EnhanceOptions, place: Place) -> Preview:
    """Return the same part without enhancement, at the same size by a cubic filter.

    Raises:
        KinoloomError: as `render_after`.
    """
    settings = resolve(options, source.measure)
    view, _, result = _choose_view(source, settings, place)
    frame = source.read_frame(place.time)
    part = _to_8_bits(np.ascontiguousarray(view.take(frame.image[..., :3])))
    return Preview(view.finish(resize(part, *view.find_size(result)), result), view, frame.time)


@dataclass(frozen=True)
class _Task:
    """What is rendered; the settings are those of the part."""

    source: Source
    settings: Settings
    networks: Networks
    view: View
    is_cancelled: Callable[[], bool]

    def check(self) -> None:
        """Stop if nobody needs the preview.

        Raises:
            KinoloomError: it was cancelled.
        """
        if self.is_cancelled():
            raise KinoloomError("The preview was cancelled.")

    def measure_reduced(self, measure: Callable[[], Measurement]) -> Settings:
        """Return the settings with what remains of noise and compression in a reduced picture."""
        if not self.view.is_reduced or self.settings.measurement is None:
            return self.settings
        return replace(self.settings, measurement=measure())


def _choose_view(source: Source, settings: Settings, place: Place) -> tuple[View, Networks, Size]:
    """Return the view, the networks, and the size of the whole result."""
    result = settings.find_size(*source.size)
    check_size(*result)
    networks = choose_networks(settings, *source.size, tier=TIER)
    if place.region is None:
        return choose_overview(source.size, _limit_pixels(networks)), networks, result
    margin = _find_reach(build_work(settings, networks, 1))
    margin += 0 if source.is_photo else _MOTION_PX
    view = choose_region(source.size, result, place.centre, place.region, margin)
    return view, networks, result


def _limit_pixels(networks: Networks) -> int:
    """Return how many pixels the networks enlarge in an acceptable time."""
    cost = max((estimate_upscaling_s(one.name) for one in networks.upscalers), default=0.0)
    affordable = _WHOLE_S / cost * 1e6 if cost else _MOST_PIXELS
    return round(min(max(affordable, _LEAST_PIXELS), _MOST_PIXELS))


def _find_reach(work: PictureWork) -> int:
    """Return how far the work looks, in pixels of the source."""
    reach, scale = 0, 1
    for stage in work.stages:
        own = stage.reach_px
        reach += -(-(_UNKNOWN_REACH_PX if own is None else own) // scale)
        scale *= stage.scale
    for one in work.filters:
        reach += _UNKNOWN_REACH_PX if one.reach_px is None else one.reach_px
    return reach


def _render_photo(task: _Task, time: Fraction) -> Frame:
    whole = task.source.typical.image
    part = np.ascontiguousarray(task.view.take(whole))
    settings = task.measure_reduced(lambda: measure_photo(part, None))
    context = describe_context(settings, whole, task.source.photo.bits)
    return Frame(_run(task, settings, part, context), Fraction(0))


def _run(task: _Task, settings: Settings, part: Picture, context: Context) -> Picture:
    work = build_work(settings, task.networks, 1)
    size = part.shape[1], part.shape[0]
    memory_bytes = max(least_bytes(work.stages, *size), _TILE_BYTES)
    stages = tuple(_Stoppable(stage, task.check) for stage in work.stages)
    return replace(work, stages=stages, memory_bytes=memory_bytes).run(part, context, part.dtype)


def _render_frame(task: _Task, time: Fraction) -> Frame:
    view = task.view

    def read(start: Fraction) -> Iterator[Frame]:
        for frame in task.source.read(start):
            task.check()
            image = np.ascontiguousarray(view.take(frame.image))
            yield Frame(image, frame.time, frame.duration)

    width, height = view.computed
    part = task.source.clip.with_(read=read, width=width, height=height)
    settings = task.measure_reduced(lambda: measure_clip(part, 1)[0])
    options = replace(settings.options, fps=None, times=None, slow=None, dedup=False, latency=None)
    if settings.options.size is None and settings.options.scale is None:
        settings = replace(settings, size=None)  # HDR videos may be passed on unchanged
    settings = replace(settings, options=options)
    enhanced = VideoWork(part, settings, task.source.typical).build()
    return take_first(enhanced.read(time), time)


@dataclass(frozen=True)
class _Stoppable:
    """A stage that calls `check` before each tile."""

    stage: Stage
    check: Callable[[], None]

    @property
    def scale(self) -> int:
        """See `Stage`."""
        return self.stage.scale

    @property
    def reach_px(self) -> int | None:
        """See `Stage`."""
        return self.stage.reach_px

    @property
    def bytes_per_pixel(self) -> int:
        """See `Stage`."""
        return self.stage.bytes_per_pixel

    def __call__(self, picture: Floats, context: Context) -> Floats:
        """See `Stage`."""
        self.check()
        return self.stage(picture, context)


def _to_8_bits(picture: Picture) -> Picture:
    colors = picture[..., :3]
    return colors if colors.dtype == _EIGHT_BITS else from_float(to_float(colors), _EIGHT_BITS)
