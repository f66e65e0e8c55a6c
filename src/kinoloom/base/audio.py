"""Audio: a lazy audio track."""

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
    """An audio track: blocks of samples at one rate, starting at an exact time.

    Attributes:
        read: called for each reading; yields blocks (n, channels) float32, nominally in -1..1, in
            order and without gaps.
        rate_hz: samples a second.
        channels: at least 1, in the order of `layout`.
        layout: FFmpeg's name of the channel layout ("mono", "stereo", "5.1(side)").
        start: time of the first sample, in seconds on the clip's clock.
        duration: in seconds, None if unknown.
        language: ISO 639-2 code, "" if unknown.
        origin: (file, stream index) if the samples are that stream unchanged, so that a writer may
            copy its packets; else None.

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
                f"An audio track needs a rate and channels of at least 1, not {self.rate_hz} Hz "
                f"and {self.channels}."
            )

    def samples(self) -> Samples:
        """Return all samples, (n, channels) float32; only for tracks that fit in memory."""
        blocks = list(self.read())
        return np.concatenate(blocks) if blocks else np.zeros((0, self.channels), np.float32)
