"""Sources that are open for previews: decoded photos and open videos, kept for the next request."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np

from kinoloom.base import registry
from kinoloom.base.arrays import Picture, from_float, to_float
from kinoloom.base.budget import Budget
from kinoloom.base.clip import Clip, Frame
from kinoloom.base.files import read_input
from kinoloom.base.notes import Notes
from kinoloom.enhance.estimate.measure import Measurement, measure_clip, measure_photo
from kinoloom.errors import UnreadableMediaError, UsageError
from kinoloom.media.photo.editing import EditablePhoto, open_photo

_HELD_SOURCES = 2
_SAMPLES = 5
"""Frames of a video that are measured, as in a job."""


class Source:
    """A photo or a video, read once.

    Args:
        file: the photo or video.

    Attributes:
        file: the same.

    Raises:
        MediaError: the file cannot be read.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._clip: Clip = read_input(registry.load("ops", "enhance"), [file], {}, Budget(None))

    @property
    def clip(self) -> Clip:
        """The clip without the notes of earlier previews."""
        return self._clip.with_(notes=Notes())

    @property
    def is_photo(self) -> bool:
        """Whether it is a photo."""
        return self._clip.stills

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._clip.width, self._clip.height

    @cached_property
    def photo(self) -> EditablePhoto:
        """The decoded photo, in the colour space of its file."""
        return open_photo(self.file)

    @cached_property
    def typical(self) -> Frame:
        """The whole photo, or the first frame of the video; colours only.

        Raises:
            UnreadableMediaError: the video has no frames.
        """
        if self.is_photo:
            return Frame(_cover(self.photo), Fraction(0))
        frame = next(iter(self._clip), None)
        if frame is None:
            raise UnreadableMediaError("The video has no frames.")
        return frame

    @cached_property
    def _measured(self) -> Measurement:
        if self.is_photo:
            samples = self.photo.samples
            colors = np.broadcast_to(samples, (*samples.shape[:2], 3))
            return measure_photo(colors, self.file)
        return measure_clip(self._clip, _SAMPLES)[0]

    def measure(self) -> Measurement:
        """Measure it; later calls return the same measurement."""
        return self._measured

    def read(self, time: Fraction) -> Iterator[Frame]:
        """Read the frames from a time on; a photo has one.

        Args:
            time: in seconds.
        """
        return iter([self.typical]) if self.is_photo else self._clip.read(time)

    def read_frame(self, time: Fraction) -> Frame:
        """Return the frame that is shown at a time.

        Raises:
            UsageError: the video ends before it.
        """
        return take_first(self.read(time), time)


class Sources:
    """The sources opened last."""

    def __init__(self) -> None:
        self._held: OrderedDict[object, Source] = OrderedDict()

    def open(self, file: Path) -> Source:
        """Return a source, from memory if its file has not changed.

        Raises:
            MediaError: the file cannot be read.
        """
        state = file.stat()
        key = (file, state.st_ino, state.st_size, state.st_mtime_ns)
        if key not in self._held:
            self._held[key] = Source(file)
        self._held.move_to_end(key)
        while len(self._held) > _HELD_SOURCES:
            self._held.popitem(last=False)
        return self._held[key]


def take_first(frames: Iterator[Frame], time: Fraction) -> Frame:
    """Return the first frame.

    Args:
        frames: from a time on.
        time: in seconds, for the message.

    Raises:
        UsageError: there is none.
    """
    frame = next(frames, None)
    if frame is None:
        raise UsageError(f"The video ends before {float(time):.3f} s.", hint="Go back in time.")
    return frame


def _cover(photo: EditablePhoto) -> Picture:
    """Return the colours of a photo; where it is transparent, over black, as networks get them."""
    colors = np.broadcast_to(photo.samples, (*photo.samples.shape[:2], 3))
    if photo.alpha is None:
        return colors
    return from_float(to_float(colors) * to_float(photo.alpha)[..., None], colors.dtype)
