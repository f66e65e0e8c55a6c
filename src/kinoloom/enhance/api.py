"""`kinoloom.enhance.enhance` and `kinoloom.Enhancer`: enhancement for Python."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, overload

import numpy as np

from kinoloom.base.arrays import Picture, check_picture
from kinoloom.base.budget import Budget
from kinoloom.base.clip import Clip, Pacing
from kinoloom.base.machine import default_budget_bytes
from kinoloom.base.options import build
from kinoloom.base.units import parse_bytes
from kinoloom.enhance import ops
from kinoloom.enhance.estimate.measure import measure_photo
from kinoloom.enhance.options import EnhanceOptions
from kinoloom.enhance.photos import TIER
from kinoloom.enhance.pictures.building import (
    build_work,
    choose_networks,
    describe_context,
    list_faster,
)
from kinoloom.enhance.pictures.work import PictureWork
from kinoloom.enhance.planning.settings import Settings, resolve
from kinoloom.enhance.video.frames import run_work
from kinoloom.errors import ArrayError, UsageError

_STREAM_TIER = "live"
_VIDEO_OPTIONS = ("fps", "times", "slow", "dedup", "order")


@overload
def enhance(source: Picture, /, **options: Any) -> Picture: ...


@overload
def enhance(source: Clip | str | Path | Sequence[str | Path], /, **options: Any) -> Clip: ...


def enhance(
    source: Picture | Clip | str | Path | Sequence[str | Path], /, **options: Any
) -> Picture | Clip:
    """Clean, sharpen and enlarge a picture, photos, folders of photos, or a video.

    On an array:
        >>> import numpy as np
        >>> from kinoloom.enhance import enhance
        >>> picture = np.full((48, 64, 3), 100, np.uint8)
        >>> enhance(picture, scale=2, tier="live").shape
        (96, 128, 3)

    On files or a clip the result is a lazy `Clip`; write it with `kinoloom.write`:
        kinoloom.write(enhance("in.mp4", scale=2, fps="60"), "out.mp4")

    Args:
        source: an array (H, W, 3) or (H, W, 4), uint8, uint16, or float32 in 0..1; the paths of
            photos and folders; the path of a video; or a `Clip`.
        **options: options of the command, with _ for -; without any, corrections are chosen from
            measurements. Files also accept `deinterlace`.

    Returns:
        For an array, the result in its type; otherwise a `Clip`.

    Raises:
        ArrayError: the array is not a picture.
        UsageError: an invalid option, or one for videos with an array.
        MediaError: a file is missing or cannot be read.
        WeightsError: a network is missing; the hint has the command that gets it.
    """
    if isinstance(source, np.ndarray):
        return _enhance_array(check_picture(source), build(EnhanceOptions, options))
    if not isinstance(source, Clip):
        from kinoloom.media.files import CLIP_FILES, ReadEachOptions

        memory = options.get("memory")
        budget = None if memory is None else Budget(parse_bytes(memory))
        reading = {name: options.pop(name) for name in ("deinterlace",) if name in options}
        places = [source] if isinstance(source, (str, Path)) else source
        paths = [Path(one) for one in places]
        source = CLIP_FILES.read_each(paths, build(ReadEachOptions, reading), budget)
    clip: Clip = ops.enhance(source, **options)
    return clip


class Enhancer:
    """Enhances the pictures of a stream as they come.

        enhancer = kinoloom.Enhancer(scale=2, rate=25)
        for picture in camera:
            show(enhancer.push(picture))

    If the pictures come faster than they are enhanced, a faster tier is used from then on.

    Args:
        rate: pictures a second; None for a stream that need not keep up.
        latency_s: the delay from which on a faster tier is used, in seconds.
        **options: options of the command on pictures, with _ for -; the tier is live by default.
            Corrections that depend on measurements use those of the first picture.

    Attributes:
        late: how often the stream was late, and a faster tier was chosen if there was one.

    Raises:
        UsageError: an invalid option, or one for videos.
        WeightsError: a network is missing; the hint has the command that gets it.
    """

    def __init__(
        self, rate: Fraction | float | None = None, latency_s: float = 0.5, **options: Any
    ) -> None:
        self._options = build(EnhanceOptions, options)
        _reject_video_options(self._options)
        self._shown = None if rate is None else 1 / Fraction(rate)
        self._pacing = Pacing(latency_s)
        self._shape: tuple[int, ...] | None = None
        self._works: list[PictureWork] = []
        self._count = 0

    @property
    def late(self) -> int:
        """How often the stream was late."""
        return self._pacing.late

    def push(self, picture: Picture) -> Picture:
        """Return the enhanced picture.

        Args:
            picture: (H, W, 3) or (H, W, 4), uint8, uint16, or float32 in 0..1; all of one shape.

        Returns:
            Of the same type; all of one shape.

        Raises:
            ArrayError: not a picture, or of another shape than the first.
        """
        check_picture(picture)
        begun = time.monotonic()
        is_first = self._shape is None
        if is_first:
            self._prepare(picture)
        if picture.shape != self._shape:
            raise ArrayError(f"The picture has shape {picture.shape}; expected {self._shape}.")
        work = self._works[min(self.late, len(self._works) - 1)]
        result = run_work(work, picture, replace(self._context, frame=self._count))
        self._count += 1
        if self._shown is not None and not is_first:
            self._pacing.add(time.monotonic() - begun, self._shown)
        return result

    def _prepare(self, picture: Picture) -> None:
        height, width = picture.shape[:2]
        settings = _resolve(self._options, picture)
        networks = choose_networks(settings, width, height, tier=_STREAM_TIER)
        memory = self._options.memory or default_budget_bytes()
        every = [networks, *list_faster(settings, networks, width, height)]
        self._works = [build_work(settings, one, memory) for one in every]
        self._context = describe_context(settings, picture[..., :3], _count_bits(picture))
        self._shape = picture.shape


def _enhance_array(picture: Picture, options: EnhanceOptions) -> Picture:
    _reject_video_options(options)
    settings = _resolve(options, picture)
    memory = options.memory or default_budget_bytes()
    height, width = picture.shape[:2]
    networks = choose_networks(settings, width, height, tier=TIER)
    context = describe_context(settings, picture[..., :3], _count_bits(picture))
    return run_work(build_work(settings, networks, memory), picture, context)


def _resolve(options: EnhanceOptions, picture: Picture) -> Settings:
    return resolve(options, lambda: measure_photo(picture, None))


def _count_bits(picture: Picture) -> int:
    return 8 if picture.dtype == np.uint8 else 16


def _reject_video_options(options: EnhanceOptions) -> None:
    for name in _VIDEO_OPTIONS:
        if getattr(options, name):
            raise UsageError(f"The option '{name}' is for videos, not for single pictures.")
