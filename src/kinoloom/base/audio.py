"""Audio: a sound track, lazy like a clip."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinoloom.errors import ArrayError

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Audio:
    """A sound track: blocks of samples, at one rate, starting at an exact time.

    Attributes:
        read: called anew for each reading, yields blocks (n, channels) float32, nominally in
            -1..1, in order and without gaps.
        rate_hz: samples a second.
        channels: at least 1, in the order of the source's layout.
        layout: the name of that order as FFmpeg spells it ("mono", "stereo", "5.1(side)").
        start: when the first sample sounds, in seconds on the clip's clock.
        duration: in seconds, None if unknown.
        language: ISO 639-2 code, "" if unknown.
        origin: (file, index of the stream in it) when these samples are that stream untouched,
            so that a writer may copy its packets; else None.

    Raises:
        ArrayError: a rate or a number of channels below 1.
    """

    read: Callable[[], Iterator[Samples]] = field(repr=False)
    rate_hz: int
    channels: int
    layout: str
    start: Fraction = Fraction(0)
    duration: Fraction | None = None
    language: str = ""
    origin: tuple[Path, int] | None = None

    def __post_init__(self) -> None:
        if self.rate_hz < 1 or self.channels < 1:
            raise ArrayError(
                f"A sound track needs a rate and channels of at least 1, not {self.rate_hz} Hz "
                f"and {self.channels}."
            )

    def samples(self) -> Samples:
        """All samples at once, (n, channels) float32; only for tracks that fit the memory."""
        blocks = list(self.read())
        return np.concatenate(blocks) if blocks else np.zeros((0, self.channels), np.float32)
