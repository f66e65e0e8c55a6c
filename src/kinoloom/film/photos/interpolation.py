"""A film of photos: matched in size and exposure, then interpolated transition by transition."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache, partial
from itertools import groupby
from math import ceil
from typing import Any, NamedTuple

import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.base.clip import Clip, Frame
from kinoloom.errors import UsageError
from kinoloom.film.engine import (
    ErrorMap,
    Interpolator,
    NewFrames,
    PairOfPhotos,
    PictureFormat,
)
from kinoloom.film.engines.blend import BLEND
from kinoloom.film.memory import FilmNeeds, choose_engine_within_budget
from kinoloom.film.options import InterpolateOptions
from kinoloom.film.photos.changes import Mask
from kinoloom.film.photos.layers import find_faded, interpolate_layers
from kinoloom.film.photos.path import PathPosition, PhotoPath, plan_path
from kinoloom.film.photos.relighting import plan_relighting
from kinoloom.film.quality import warnings as quality_warnings
from kinoloom.film.quality.regions import find_poor_pixels, find_poor_regions, may_be_poor
from kinoloom.film.selection import describe_engine
from kinoloom.film.synthesis.preprocess import Interpolate
from kinoloom.motion import matching

_DEFAULT_RATE = Fraction(30)
_HELD_PHOTOS = 4
"""Pictures of a transition in the format of the film."""
_HELD_LAYERS = 2
"""Backgrounds without moved objects, in up to 16 bits."""
_MAX_REGIONS = 3
"""Regions that a note names."""
_VIDEO_OPTIONS = ("times", "slow", "sound", "cuts", "dedup")


def interpolate_photos(photos: Clip, options: InterpolateOptions) -> Clip:
    """Build the lazy film of two or more photos of one scene.

    Raises:
        UsageError: fewer than two photos, or an option for videos.
    """
    return open_photo_film(photos, options)[0]


def open_photo_film(photos: Clip, options: InterpolateOptions) -> tuple[Clip, PhotoFilm]:
    """Build the lazy film, and what renders single frames of it.

    Raises:
        UsageError: fewer than two photos, or an option for videos.
    """
    for name in _VIDEO_OPTIONS:
        if getattr(options, name):
            raise UsageError(f"--{name} applies to videos, but the input consists of photos.")
    engine, engine_options, budget = choose_engine_within_budget(
        photos, options, _estimate_needs(photos, options)
    )
    count, frame_format = _choose_format(photos, options.size)
    rate = options.fps or _DEFAULT_RATE
    path = _plan_path(count, options)
    film = PhotoFilm(
        photos,
        path,
        rate,
        frame_format,
        engine.build(engine_options),
        BLEND.build(engine_options),
        engine_options.memory_bytes,
    )
    clip = Clip(
        film.read,
        width=frame_format.width,
        height=frame_format.height,
        rate=rate,
        duration=len(path.positions) / rate,
        frame_count=len(path.positions),
        bits=photos.bits,
        files=photos.files,
        notes=photos.notes,
        made_with=describe_engine(engine, engine_options),
        budget=budget,
    )
    return clip, film


def _plan_path(count: int, options: InterpolateOptions) -> PhotoPath:
    return plan_path(
        count,
        rate=options.fps or _DEFAULT_RATE,
        seconds=options.seconds,
        hold=options.hold,
        ease=options.ease,
        loop=options.loop,
        boomerang=options.boomerang,
    )


def _estimate_needs(photos: Clip, options: InterpolateOptions) -> FilmNeeds:
    """Return what the film needs, from what is known before a photo is decoded.

    The first photo stands for all: the size of a film is at most about that of its photos.
    """
    scale = min(1.0, options.size / max(photos.width, photos.height))
    width, height = (ceil(side * scale) for side in (photos.width, photos.height))
    itemsize = 2 if photos.bits > 8 else 1
    count = photos.frame_count or 0
    return FilmNeeds(
        PictureFormat(height, width, 4, itemsize),
        width,
        height,
        photos.bits,
        frames=len(_plan_path(count, options).positions) if count > 1 else None,
        held_bytes=width * height * 3 * (_HELD_PHOTOS * itemsize + _HELD_LAYERS * 2),
    )


class _FrameFormat(NamedTuple):
    """The format to which all photos of a film are converted."""

    width: int
    height: int
    channels: int
    dtype: np.dtype[Any]


def _choose_format(photos: Clip, max_side_px: int) -> tuple[int, _FrameFormat]:
    """Return the number of photos, and the format that suits all of them.

    Raises:
        UsageError: there is only one photo.
    """
    shapes, dtypes = zip(*((f.image.shape, f.image.dtype) for f in photos), strict=True)
    if len(shapes) < 2:
        raise UsageError(
            "A film needs at least two photos, not one.",
            hint="Pass the photos in the order in which they were taken.",
        )
    width, height = matching.common_size([(s[1], s[0]) for s in shapes], max_side_px)
    channels = max(shape[2] for shape in shapes)
    dtype = max(dtypes, key=lambda d: d.itemsize)
    return len(shapes), _FrameFormat(width, height, channels, dtype)


@dataclass(frozen=True, eq=False)
class PhotoFilm:
    """The frames of a film of photos, rendered when they are read."""

    photos: Clip
    path: PhotoPath
    rate: Fraction
    frame_format: _FrameFormat
    engine: Interpolator
    cross_fade: Interpolator
    memory_bytes: int

    def read(self, start: Fraction) -> Iterator[Frame]:
        """Yield the film's frames shown at or after `start`."""
        load = lru_cache(maxsize=2)(self.load_photo)
        first = int(start * self.rate)
        numbered = list(enumerate(self.path.positions))[first:]
        for transition, group in groupby(numbered, key=lambda item: item[1].transition):
            numbers, positions = zip(*group, strict=True)
            images = self._render_transition(transition, load, positions)
            for number, image in zip(numbers, images, strict=True):
                yield Frame(image, number / self.rate, 1 / self.rate)

    def interpolate_transition(self, transition: int, times: Sequence[float]) -> NewFrames:
        """Yield new frames of a transition as `read` does, with their error estimates.

        Args:
            transition: its number, from 0.
            times: some of those of its frames, in any order.
        """
        i, j = self.path.stops[transition : transition + 2]
        images = self.load_photo(i), self.load_photo(j)
        return self._interpolate((i, j), images, times, self._list_times(transition))

    def load_photo(self, index: int) -> Picture:
        """Return a photo in the format of the film."""
        frame = next(self.photos.read(Fraction(index)))
        fitted = matching.fit(frame.image, self.frame_format.width, self.frame_format.height)
        return matching.convert(fitted, self.frame_format.channels, self.frame_format.dtype)

    def _render_transition(
        self, transition: int, load: Callable[[int], Picture], positions: tuple[PathPosition, ...]
    ) -> Iterator[Picture]:
        """Yield the frames at the last positions of a transition between two photos."""
        i, j = self.path.stops[transition : transition + 2]
        first, second = load(i), load(j)
        times, all_times = _list_times(positions), self._list_times(transition)
        frames = self._interpolate((i, j), (first, second), times, all_times)
        ends = {Fraction(0): first, Fraction(1): second}
        for position in positions:
            yield ends[position.progress] if position.progress in ends else next(frames)[0]

    def _list_times(self, transition: int) -> tuple[float, ...]:
        return _list_times(p for p in self.path.positions if p.transition == transition)

    def _interpolate(
        self, photos: tuple[int, int], images: tuple[Picture, Picture], times: Sequence[float],
        all_times: tuple[float, ...],
    ) -> NewFrames:  # fmt: skip
        """Yield new frames whose exposure changes evenly from the first to the second photo."""
        first, second = images
        overlay = matching.align_pictures(first, second)
        match = matching.match_scene(overlay)
        gain = matching.exposure_gain(overlay)
        relighting = plan_relighting(gain, first, self.memory_bytes)
        render: Interpolate = self.cross_fade.interpolate
        if match.same:
            pair = PairOfPhotos(overlay.motion, all_times)
            render = partial(interpolate_layers, self.engine, pair=pair)
        else:
            self._warn_of_scenes(*photos, match)
        frames = render(*relighting.prepare(first, second), times)
        faded = cache(lambda: find_faded(*relighting.prepare(first, second), overlay.motion))
        is_reported = False
        for time, (image, error) in zip(times, frames, strict=True):
            if error is not None and not is_reported:
                is_reported = self._check_quality(*photos, error, faded)
            yield relighting.finish(image, time), error

    def _warn_of_scenes(self, i: int, j: int, match: matching.SceneMatch) -> None:
        self.photos.notes.add(
            "scenes",
            f"{self._name(i)} and {self._name(j)} appear to show different scenes "
            f"(match score {match.score:.2f}) and are cross-faded.",
            "warning",
        )

    def _check_quality(self, i: int, j: int, error: ErrorMap, faded: Callable[[], Mask]) -> bool:
        """Add a note if low quality is likely in a frame or in a part of it; return whether."""
        size = self.frame_format.width, self.frame_format.height
        is_low = quality_warnings.is_low_quality(error)
        if not is_low and not may_be_poor(error):
            return False
        regions = find_poor_regions(find_poor_pixels(error) if is_low else faded(), error, *size)
        if not regions and not is_low:
            return False
        named = ", ".join(str(region) for region in regions[:_MAX_REGIONS])
        where = f": {named}" if named else ""
        self.photos.notes.add(
            quality_warnings.NOTE_KIND,
            f"Low quality is likely between {self._name(i)} and {self._name(j)}{where}. Motion or "
            f"change is too large there. {quality_warnings.ADVICE}",
            "warning",
        )
        return True

    def _name(self, index: int) -> str:
        return self.photos.files[index].name if self.photos.files else f"photo {index}"


def _list_times(positions: Iterable[PathPosition]) -> tuple[float, ...]:
    """Return the times of the new frames among the positions of a transition."""
    return tuple(float(each.progress) for each in positions if 0 < each.progress < 1)
