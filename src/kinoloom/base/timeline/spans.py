"""Sources and spans: what a `Timeline` is made of.

Conventions: a source is immutable and has its own unit of time, `1 / rate` seconds: a sample of
sound or a tick of pictures. A span's bounds are integers in that unit, so cuts are exact.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Literal

from kinoloom.errors import ArrayError

_SHA256_DIGITS = 64


@dataclass(frozen=True)
class FileSource:
    """One stream of an immutable file.

    Attributes:
        id: the name that spans use.
        rate: units per second: the sample rate of sound, 1 / time base of pictures.
        path: the file; a relative path is relative to the document that stores the timeline.
        sha256: of the file's content, 64 hexadecimal digits.
        stream: index of the stream in the file.
        length: of the stream in units, None if unknown.

    Raises:
        ArrayError: an empty id, a rate that is not a Fraction above 0, a length below 1, or a
            malformed SHA-256.
    """

    id: str
    rate: Fraction
    path: str
    sha256: str
    stream: int = 0
    length: int | None = None

    def __post_init__(self) -> None:
        _check_source(self)
        if len(self.sha256) != _SHA256_DIGITS or set(self.sha256) - set("0123456789abcdef"):
            raise ArrayError(
                f"The SHA-256 of source '{self.id}' is {self.sha256!r}; expected "
                f"{_SHA256_DIGITS} lower-case hexadecimal digits."
            )


@dataclass(frozen=True)
class GeneratedSource:
    """Material that is generated rather than recorded.

    Attributes:
        id: the name that spans use.
        rate: units per second.
        generator: "tone" (room tone), "synth" (speech), "still" (a held frame) or "bridge"
            (interpolated frames between two places).
        recipe: all that determines the material, as plain JSON values.
        length: in units, None where the generator has no end.

    Raises:
        ArrayError: an empty id, a rate that is not a Fraction above 0, or a length below 1.
    """

    id: str
    rate: Fraction
    generator: Literal["tone", "synth", "still", "bridge"]
    recipe: Mapping[str, Any] = field(default_factory=dict, hash=False)
    length: int | None = None

    def __post_init__(self) -> None:
        _check_source(self)
        object.__setattr__(self, "recipe", dict(self.recipe))


Source = FileSource | GeneratedSource


@dataclass(frozen=True)
class Span:
    """An interval of one source.

    Attributes:
        source: id of the source.
        start, end: in units of the source; the interval is [start, end).
        gain_db: change of level in dB, for sound.
        fade_in, fade_out: lengths of the fades at either end, in units of the source.
        kind: the role of the interval in the edit, in the editing subject's own words.

    Raises:
        ArrayError: a bound that is not an integer, an empty or negative interval, fades longer
            than the interval, or a gain that is not finite.
    """

    source: str
    start: int
    end: int
    gain_db: float = 0.0
    fade_in: int = 0
    fade_out: int = 0
    kind: str = "original"

    def __post_init__(self) -> None:
        bounds = (self.start, self.end, self.fade_in, self.fade_out)
        if not all(isinstance(bound, int) for bound in bounds):
            raise ArrayError(
                f"A span's start, end and fades must be integers, not {bounds}.",
                hint="Round times to units of the source first.",
            )
        if not 0 <= self.start < self.end:
            raise ArrayError(
                f"A span must satisfy 0 <= start < end, not start {self.start}, end {self.end}."
            )
        if min(self.fade_in, self.fade_out) < 0 or self.fade_in + self.fade_out > self.length:
            raise ArrayError(
                f"The fades of a span of {self.length} units must be at least 0 and together at "
                f"most {self.length}, not {self.fade_in} and {self.fade_out}."
            )
        if not math.isfinite(self.gain_db):
            raise ArrayError(f"A span's gain must be a finite number of dB, not {self.gain_db}.")

    @property
    def length(self) -> int:
        """Units of the source from start to end."""
        return self.end - self.start

    def part(self, begin: int, end: int) -> Span:
        """Return units [begin, end), counted from its start, with the fades at its own ends."""
        return replace(
            self,
            start=self.start + begin,
            end=self.start + end,
            fade_in=0 if begin else min(self.fade_in, end),
            fade_out=0 if end < self.length else min(self.fade_out, end - begin),
        )


def _check_source(source: Source) -> None:
    if not source.id:
        raise ArrayError("A source needs an id that is not empty.")
    if not (isinstance(source.rate, Fraction) and source.rate > 0):
        raise ArrayError(
            f"The rate of source '{source.id}' must be a fractions.Fraction above 0, not "
            f"{source.rate!r}."
        )
    if source.length is not None and source.length < 1:
        raise ArrayError(
            f"The length of source '{source.id}' must be at least 1 unit, not {source.length}."
        )
