"""Films that are open for previews: the lazy result of `interpolate`, kept for the next request."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from kinoloom.base import registry
from kinoloom.base.arrays import Picture
from kinoloom.base.clip import Clip
from kinoloom.base.files import files_of
from kinoloom.errors import UsageError
from kinoloom.film.engine import Engine, PictureFormat
from kinoloom.film.options import InterpolateOptions
from kinoloom.film.photos.interpolation import open_photo_film
from kinoloom.film.preview.finding import Finder, PhotoFinder, Place, VideoFinder
from kinoloom.film.preview.pairs import HeldPairs
from kinoloom.film.selection import derive_engine_options
from kinoloom.film.video.interpolation import open_video_film

_HELD_FILMS = 3


@dataclass(frozen=True, eq=False)
class OpenFilm:
    """A film whose frames are computed when they are read.

    Attributes:
        source: the photos or the video.
        film: the result of `interpolate`.
        options: its options.
        finder: finds the pair of source pictures around a frame.
    """

    source: Clip
    film: Clip
    options: InterpolateOptions
    finder: Finder

    def count_frames(self) -> int:
        """Return the number of frames, estimated by the rate where it is not known."""
        if self.film.frame_count:
            return self.film.frame_count
        duration, rate = self.film.duration or Fraction(0), self.film.rate or Fraction(0)
        return max(1, round(duration * rate))

    def read_frame(self, number: int) -> Picture:
        """Return the frame of a number, from 0.

        Raises:
            UsageError: the film has fewer frames.
        """
        place = self.find(number)
        return place.pair.render(place.position).picture

    def find(self, number: int) -> Place:
        """Return the place of a frame between two source pictures.

        Raises:
            UsageError: the film has fewer frames.
        """
        if number >= self.count_frames():
            raise UsageError(f"The film has no frame {number}.")
        return self.finder.find(number)

    def time_of(self, number: int) -> Fraction:
        """Return the time of a frame, in seconds."""
        return Fraction(number) / (self.film.rate or 1)


class Films:
    """The films opened last, by their files and options, and the pairs of pictures used last."""

    def __init__(self) -> None:
        self._pairs = HeldPairs()
        self._held: OrderedDict[object, OpenFilm] = OrderedDict()

    def open(self, files: Sequence[Path], options: InterpolateOptions, size: int) -> OpenFilm:
        """Return a film, from memory if neither its files nor its options have changed.

        Args:
            files: photos, or one video.
            options: of `interpolate`.
            size: upper limit of the longer side of photos, in pixels.

        Raises:
            KinoloomError: as reading and `interpolate` do.
        """
        key = (size, options, *((file, *_identify(file)) for file in files))
        if key not in self._held:
            self._held[key] = _open(files, options, size, self._pairs)
        self._held.move_to_end(key)
        while len(self._held) > _HELD_FILMS:
            self._held.popitem(last=False)
        return self._held[key]


def _open(
    files: Sequence[Path], options: InterpolateOptions, size: int, held: HeldPairs
) -> OpenFilm:
    reader = files_of(Clip)
    source: Clip = reader.read(files, reader.read_options())
    if source.stills:
        options = replace(options, size=min(options.size, size))
        film, photos = open_photo_film(source, options)
        nbytes = _estimate_pair_bytes(film, options)
        return OpenFilm(source, film, options, PhotoFinder(photos, held, nbytes))
    film, video = open_video_film(source, options)
    nbytes = _estimate_pair_bytes(film, options)
    return OpenFilm(source, film, options, VideoFinder(video, held, nbytes))


def _estimate_pair_bytes(film: Clip, options: InterpolateOptions) -> int:
    """Return the memory that the engine needs for a pair of pictures, at least, in bytes."""
    engine: Engine = registry.load("interpolators", film.made_with["engine"])
    pictures = PictureFormat(film.height, film.width, 4, 2 if film.bits > 8 else 1)
    return engine.least_bytes(pictures, derive_engine_options(options))


def _identify(file: Path) -> tuple[int, int, int]:
    found = file.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns
