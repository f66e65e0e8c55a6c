"""Clip and Frame: a sequence of pictures with exact times.

Times are `fractions.Fraction` seconds from the start of the clip; only the position between two
frames that an engine receives is a float. A clip is lazy: it reads its frames on demand, repeatedly
and from any start time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from kinoloom.base.arrays import Picture, check_picture
from kinoloom.base.audio import Audio
from kinoloom.base.budget import Budget
from kinoloom.base.clip.color import BT709, Color, HdrMetadata
from kinoloom.base.clip.pacing import Pacing
from kinoloom.base.notes import Notes
from kinoloom.base.provenance import Provenance
from kinoloom.errors import ArrayError


@dataclass(frozen=True)
class Frame:
    """One picture and the time span in which it is shown.

    Attributes:
        image: (H, W, 3) or (H, W, 4) uint8, uint16 or float32; see `base.arrays`.
        time: when it appears, in seconds.
        duration: how long it is shown, in seconds, at least 0 (0 if unknown: a single photo).
        native: the decoder's own frame of the same picture, or its exact colours; None for a new
            picture. A writer that can store it unchanged saves two conversions.

    Raises:
        ArrayError: not a picture; a time or duration that is not a Fraction, or a duration
            below 0.
    """

    image: Picture
    time: Fraction
    duration: Fraction = Fraction(0)
    native: object | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_picture(self.image, f"frame at {float(self.time):.3f} s")
        if not isinstance(self.time, Fraction) or not isinstance(self.duration, Fraction):
            raise ArrayError(
                "A frame's time and duration must be fractions.Fraction, not "
                f"{type(self.time).__name__} and {type(self.duration).__name__}."
            )
        if self.duration < 0:
            raise ArrayError(f"A frame's duration must be at least 0, not {self.duration}.")

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the picture: (H, W, C)."""
        return self.image.shape


class DeferredFrame(Frame):
    """A frame whose picture is computed when it is first used.

    A writer that stores `native` unchanged never needs it.

    Args:
        image: what returns the picture; or the picture.
        time, duration, native: as those of `Frame`.
        shape: (H, W, C) of the picture; None if it is given.
    """

    def __init__(
        self,
        image: Picture | Callable[[], Picture],
        time: Fraction,
        duration: Fraction = Fraction(0),
        native: object | None = None,
        shape: tuple[int, ...] | None = None,
    ) -> None:
        known = {"time": time, "duration": duration, "native": native, "_shape": shape}
        self.__dict__.update(known, **({"_make": image} if callable(image) else {"image": image}))

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the picture: (H, W, C)."""
        shape: tuple[int, ...] | None = self.__dict__["_shape"]
        return self.image.shape if shape is None else shape

    def __getattr__(self, name: str) -> Any:
        if name != "image" or "_make" not in self.__dict__:
            raise AttributeError(name)
        image = check_picture(self.__dict__["_make"](), f"frame at {float(self.time):.3f} s")
        self.__dict__["image"] = image
        return image


@dataclass(frozen=True)
class Clip:
    """A lazy, re-iterable sequence of frames with exact times, with audio and metadata.

    Attributes:
        read: called with a start time in seconds for each reading; yields in order the frames that
            are shown at or after it.
        width, height: of every frame, in pixels; of the first if `stills` is true.
        rate: frames a second if constant, else None.
        duration: from the first frame to the end of the last, in seconds; None if unknown.
        frame_count: None if it cannot be known without reading everything.
        bits: bits per sample in the source (8, 10, 12, 16, ...).
        color: the colour space.
        chroma: luma samples per chroma sample in the source, horizontally and vertically; None
            for sources without chroma.
        codec: FFmpeg's name of the codec of the source; "" if there is none.
        hdr: static metadata of HDR pictures; None for SDR, or if the source has none.
        pixel_aspect: width of a pixel over its height.
        audio: the audio tracks, each with its own start time.
        files: the files it was read from, in order.
        origin: the file whose subtitles, chapters and tags are carried over, or None.
        time_scale: how much longer this clip lasts than `origin` (8 for 8x slow motion).
        stills: true for photos: their times only give their order, and their sizes may differ.
        names: of photos: the path of each below the folder that it was found in; () if unknown.
        keeps_format: whether each frame's `native` is an edited photo, which is written in the
            format and with the metadata of its own file.
        notes: events noticed so far; a derived clip shares the notes of its source.
        made_with: details for the provenance record beyond the options (the engine chosen, its
            weights); a `Path` value is recorded with its hash.
        provenance: how it was made, set by `Op`; None for clips from outside.
        pacing: of a stream that must keep up with its own times; None for one that need not.
        reading_bytes: an estimate of the memory that reading its frames takes, frames included.
        budget: the memory budget of the job that reads it; None for no limit.

    Raises:
        ArrayError: a side below 1 pixel; a rate that is not a Fraction above 0.
    """

    read: Callable[[Fraction], Iterator[Frame]] = field(repr=False)
    width: int
    height: int
    rate: Fraction | None = None
    duration: Fraction | None = None
    frame_count: int | None = None
    bits: int = 8
    color: Color = BT709
    chroma: tuple[int, int] | None = None
    codec: str = ""
    hdr: HdrMetadata | None = None
    pixel_aspect: Fraction = Fraction(1)
    audio: tuple[Audio, ...] = ()
    files: tuple[Path, ...] = ()
    origin: Path | None = None
    time_scale: Fraction = Fraction(1)
    stills: bool = False
    names: tuple[Path, ...] = ()
    keeps_format: bool = False
    notes: Notes = field(default_factory=Notes, repr=False)
    made_with: dict[str, Any] = field(default_factory=dict)
    provenance: Provenance | None = field(default=None, repr=False)
    pacing: Pacing | None = field(default=None, repr=False, compare=False)
    reading_bytes: int = 0
    budget: Budget | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ArrayError(f"A clip must be at least 1x1 pixels, not {self.width}x{self.height}.")
        if self.rate is not None and not (isinstance(self.rate, Fraction) and self.rate > 0):
            raise ArrayError(
                f"A clip's rate must be a fractions.Fraction above 0, not {self.rate!r}."
            )

    def __iter__(self) -> Iterator[Frame]:
        return self.read(Fraction(0))

    @cached_property
    def record(self) -> Provenance:
        """Return the provenance record; for a clip from outside, one of its files alone."""
        return self.provenance or Provenance("clip", {}, self.files)

    def with_(self, **changes: Any) -> Clip:
        """Return a copy with some fields changed."""
        return replace(self, **changes)

    @staticmethod
    def from_frames(frames: list[Frame], **fields: Any) -> Clip:
        """Create a clip of frames in memory, in order of time.

        Args:
            frames: at least one.
            **fields: any other field of `Clip`.

        Raises:
            ArrayError: no frames, or times that do not increase.
        """
        if not frames:
            raise ArrayError("A clip needs at least one frame.")
        if any(a.time >= b.time for a, b in pairwise(frames)):
            raise ArrayError("The times of a clip's frames must increase.")

        def read(start: Fraction) -> Iterator[Frame]:
            return (f for f in frames if f.time + f.duration > start or f.time >= start)

        height, width = frames[0].image.shape[:2]
        last = frames[-1]
        known = {
            "width": width,
            "height": height,
            "frame_count": len(frames),
            "duration": last.time + last.duration - frames[0].time,
            "bits": 16 if frames[0].image.dtype.name != "uint8" else 8,
        }
        return Clip(read, **(known | fields))
