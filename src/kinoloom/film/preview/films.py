"""Films that are open for previews: the lazy result of `interpolate`, kept for the next request."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from kinoloom.base.arrays import Picture
from kinoloom.base.clip import Clip
from kinoloom.base.files import files_of
from kinoloom.errors import UsageError
from kinoloom.film.ops import interpolate
from kinoloom.film.options import InterpolateOptions
from kinoloom.film.photos.interpolation import PhotoFilm, open_photo_film

_HELD_FILMS = 3


@dataclass(frozen=True)
class OpenFilm:
    """A film whose frames are computed when they are read.

    Attributes:
        source: the photos or the video.
        film: the result of `interpolate`.
        options: its options.
        photo_film: renders single frames of a film of photos; None for a video.
    """

    source: Clip
    film: Clip
    options: InterpolateOptions
    photo_film: PhotoFilm | None = None

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
        if number >= self.count_frames():
            raise UsageError(f"The film has no frame {number}.")
        if self.photo_film is not None:
            return self.photo_film.render(number)
        frame = next(self.film.read(self.time_of(number)), None)
        if frame is None:
            raise UsageError(f"The film has no frame {number}.")
        return frame.image

    def time_of(self, number: int) -> Fraction:
        """Return the time of a frame, in seconds."""
        return Fraction(number) / (self.film.rate or 1)


class Films:
    """The films opened last, by their files and options."""

    def __init__(self) -> None:
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
            self._held[key] = _open(files, options, size)
        self._held.move_to_end(key)
        while len(self._held) > _HELD_FILMS:
            self._held.popitem(last=False)
        return self._held[key]


def _open(files: Sequence[Path], options: InterpolateOptions, size: int) -> OpenFilm:
    reader = files_of(Clip)
    source: Clip = reader.read(files, reader.read_options())
    if not source.stills:
        return OpenFilm(source, interpolate(source, options), options)
    options = replace(options, size=min(options.size, size))
    film, photo_film = open_photo_film(source, options)
    return OpenFilm(source, film, options, photo_film)


def _identify(file: Path) -> tuple[int, int, int]:
    found = file.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns
