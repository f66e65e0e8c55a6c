"""Finds the source pictures around a frame of a film, and the place of the frame between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from itertools import islice
from typing import NamedTuple, Protocol

from kinoloom.base.arrays import from_float
from kinoloom.base.clip import Frame
from kinoloom.errors import UsageError
from kinoloom.film.engine import NewFrames
from kinoloom.film.photos.interpolation import PhotoFilm
from kinoloom.film.preview.pairs import HeldPairs, SourcePair
from kinoloom.film.video.interpolation import VideoFilm
from kinoloom.film.video.intervals import SourceInterval

_MAX_NUMBERS = 1_000
"""Frames of one interval that are found again without reading the video."""


class Place(NamedTuple):
    """The place of a frame: at `position` in [0, 1] between the pictures of `pair`."""

    pair: SourcePair
    position: Fraction


class Finder(Protocol):
    """Finds the place of a frame of a film by its number."""

    def find(self, number: int) -> Place:
        """Return the place of a frame, from 0.

        Raises:
            UsageError: the film has fewer frames.
        """


@dataclass(frozen=True, eq=False)
class PhotoFinder:
    """The places of the frames of a film of photos.

    Attributes:
        film: of the photos.
        held: keeps the pairs.
        nbytes: of memory that a pair needs.
    """

    film: PhotoFilm
    held: HeldPairs
    nbytes: int

    def find(self, number: int) -> Place:
        """Return the place of a frame; see `Finder`."""
        position = self.film.path.positions[number]
        key = self, position.transition
        pair = self.held.get(key, partial(self._build, position.transition), self.nbytes)
        return Place(pair, position.progress)

    def _build(self, transition: int) -> SourcePair:
        i, j = self.film.path.stops[transition : transition + 2]
        interpolate = partial(self.film.interpolate_transition, transition)
        return SourcePair(
            self.film.load_photo(i), self.film.load_photo(j), interpolate, self.film.engine
        )


@dataclass(frozen=True, eq=False)
class VideoFinder:
    """The places of the frames of an interpolated video.

    Attributes:
        film: of the video.
        held: keeps the pairs.
        nbytes: of memory that a pair needs.
    """

    film: VideoFilm
    held: HeldPairs
    nbytes: int
    _places: dict[int, tuple[SourceInterval, Fraction]] = field(default_factory=dict)

    def find(self, number: int) -> Place:
        """Return the place of a frame; see `Finder`."""
        if number not in self._places:
            self._places.clear()
            self._places.update(self._read_places(number))
        interval, position = self._places[number]
        key = self, interval.first.time
        return Place(self.held.get(key, partial(self._build, interval), self.nbytes), position)

    def _read_places(self, number: int) -> Iterator[tuple[int, tuple[SourceInterval, Fraction]]]:
        """Yield the places of the frames of the interval in which a frame is."""
        schedule = self.film.schedule
        rate, origin = schedule.rate or Fraction(1), schedule.origin * schedule.slow
        with closing(self.film.read_intervals(origin + number / rate)) as intervals:
            found = next(intervals, None)
        if found is None:
            raise UsageError(f"The film has no frame {number}.")
        interval, (slot, *_) = found
        yield number, (interval, slot.position)
        if schedule.rate is not None:
            for one in islice(schedule.schedule_interval(interval), _MAX_NUMBERS):
                yield round((one.time - origin) * rate), (interval, one.position)

    def _build(self, interval: SourceInterval) -> SourcePair:
        first, second = interval.first.image, interval.second
        if second is None or not interval.is_continuous:
            return SourcePair(first, first, None, self.film.engine)
        interpolate = partial(self._interpolate, interval.first, second)
        return SourcePair(first, second.image, interpolate, self.film.engine)

    def _interpolate(self, first: Frame, second: Frame, times: Sequence[float]) -> NewFrames:
        dtype = first.image.dtype
        for image, error in self.film.interpolate_frames(first, second, times):
            yield image if image.dtype == dtype else from_float(image, dtype), error
