"""A film of photos: brought to one size and light, woven together leg by leg."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from kinoloom.base.arrays import Picture, from_float, to_float
from kinoloom.base.clip import Clip, Frame
from kinoloom.errors import UsageError
from kinoloom.film.choose import allowed_by, choose, made_with
from kinoloom.film.engine import Interpolator
from kinoloom.film.engines.blend import BLEND
from kinoloom.film.options import InterpolateOptions
from kinoloom.film.photos.path import Path, Place, plan_path
from kinoloom.film.quality import warnings as doubts
from kinoloom.motion import matching

_DEFAULT_RATE = Fraction(30)
_VIDEO_ONLY = ("times", "slow", "sound", "dedup")


def film_of_photos(photos: Clip, options: InterpolateOptions) -> Clip:
    """Make a film of two or more photos of one scene.

    Raises:
        UsageError: fewer than two photos, or an option that is for videos.
    """
    for name in _VIDEO_ONLY:
        if getattr(options, name):
            raise UsageError(f"--{name} is for videos; these are photos.")
    shapes, dtypes = zip(*((f.image.shape, f.image.dtype) for f in photos), strict=True)
    if len(shapes) < 2:
        raise UsageError(
            "A film needs at least two photos; one was given.",
            hint="Give the photos in the order in which they were taken.",
        )
    rate = options.fps or _DEFAULT_RATE
    path = plan_path(
        len(shapes),
        rate=rate,
        seconds=options.seconds,
        hold=options.hold,
        ease=options.ease,
        loop=options.loop,
        boomerang=options.boomerang,
    )
    width, height = matching.common_size([(s[1], s[0]) for s in shapes], options.size)
    look = _Look(width, height, max(s[2] for s in shapes), max(dtypes, key=lambda d: d.itemsize))
    allowed = allowed_by(options)
    engine = choose(options.engine, allowed)
    crossfade = BLEND.make(allowed)
    weaver = _Weaver(photos, path, rate, look, engine.make(allowed), crossfade)
    return Clip(
        weaver.read,
        width=width,
        height=height,
        rate=rate,
        duration=len(path.places) / rate,
        frame_count=len(path.places),
        bits=photos.bits,
        files=photos.files,
        notes=photos.notes,
        made_with=made_with(engine, allowed),
    )


class _Look(NamedTuple):
    """What all photos of a film are brought to."""

    width: int
    height: int
    channels: int
    dtype: np.dtype[Any]


@dataclass(frozen=True, eq=False)
class _Weaver:
    photos: Clip
    path: Path
    rate: Fraction
    look: _Look
    engine: Interpolator
    crossfade: Interpolator

    def read(self, start: Fraction) -> Iterator[Frame]:
        """The film's frames that are shown at or after `start`."""
        picture = lru_cache(maxsize=2)(self._picture)
        first = int(start * self.rate)
        places = list(enumerate(self.path.places))[first:]
        for leg, group in groupby(places, key=lambda item: item[1].leg):
            numbers, leg_places = zip(*group, strict=True)
            i, j = self.path.stops[leg : leg + 2]
            images = self._weave(i, j, picture(i), picture(j), leg_places)
            for number, image in zip(numbers, images, strict=True):
                yield Frame(image, number / self.rate, 1 / self.rate)

    def _picture(self, index: int) -> Picture:
        frame = next(self.photos.read(Fraction(index)))
        fitted = matching.fit(frame.image, self.look.width, self.look.height)
        return matching.convert(fitted, self.look.channels, self.look.dtype)

    def _weave(
        self, i: int, j: int, first: Picture, second: Picture, places: tuple[Place, ...]
    ) -> Iterator[Picture]:
        """The pictures at these places of the leg from photo i to photo j."""
        between = [float(p.position) for p in places if 0 < p.position < 1]
        made = self._between(i, j, first, second, between) if between else iter(())
        for place in places:
            ends = {Fraction(0): first, Fraction(1): second}
            yield ends[place.position] if place.position in ends else next(made)

    def _between(
        self, i: int, j: int, first: Picture, second: Picture, times: list[float]
    ) -> Iterator[Picture]:
        """In-betweens whose light goes evenly from that of the first to the second photo."""
        engine = self._engine_for(i, j, first, second)
        gain = matching.exposure_gain(first, second)
        relit = matching.apply_gain(to_float(second), gain, -1.0)
        made = doubts.made_with_errors(engine, to_float(first), relit, times)
        for time, (image, error) in zip(times, made, strict=True):
            if doubts.doubtful(error):
                self._doubt(i, j)
            yield from_float(matching.apply_gain(to_float(image), gain, time), first.dtype)

    def _engine_for(self, i: int, j: int, first: Picture, second: Picture) -> Interpolator:
        match = matching.same_scene(first, second)
        if match.same:
            return self.engine
        self.photos.notes.add(
            "scenes",
            f"{self._name(i)} and {self._name(j)} seem to show different scenes "
            f"(likeness {match.score:.2f}); they are cross-faded instead of woven.",
            "warning",
        )
        return self.crossfade

    def _doubt(self, i: int, j: int) -> None:
        """Say once that what is woven between two photos will probably look bad."""
        self.photos.notes.add(
            doubts.KIND,
            f"Between {self._name(i)} and {self._name(j)} the film will probably look bad: too "
            f"much moves or changes there. {doubts.WAY_OUT}",
            "warning",
        )

    def _name(self, index: int) -> str:
        return self.photos.files[index].name if self.photos.files else f"photo {index}"
