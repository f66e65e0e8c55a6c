"""Tells where a film will probably look bad, while its frames are made.

Videos: stretches of time, joined where they lie close together; only the first few are told one by
one, and the end tells of the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from kinoloom.base.arrays import Picture
from kinoloom.base.notes import Notes
from kinoloom.film.engine import ErrorMap, Interpolator
from kinoloom.film.quality.error_estimate import DOUBTFUL_DB, expected_psnr_db

KIND = "doubt"
"""Of the notes."""
WAY_OUT = "Frames that lie closer together do better; --engine blend cross-fades instead."
_JOINED_S = Fraction(1, 2)
"""Stretches with less between them are told as one, in seconds of the film."""
_TOLD = 5


def doubtful(error: ErrorMap | None) -> bool:
    """Whether a picture with this expected error will probably look bad."""
    return error is not None and expected_psnr_db(error) < DOUBTFUL_DB


def made_with_errors(
    engine: Interpolator, first: Picture, second: Picture, times: Sequence[float]
) -> Iterator[tuple[Picture, ErrorMap | None]]:
    """What an engine makes, each picture with its expected error where the engine can tell."""
    judged = engine.between_with_errors(first, second, times)
    if judged is not None:
        return judged
    return ((made, None) for made in engine.between(first, second, times))


@dataclass
class Stretches:
    """The doubtful stretches of one reading of a film, told to its notes.

    Attributes:
        notes: of the film.
        slow: how many times longer the film lasts than its source.
    """

    notes: Notes
    slow: Fraction
    _open: tuple[Fraction, Fraction] | None = None
    _closed: list[tuple[Fraction, Fraction]] = field(default_factory=list)

    def saw(self, begin: Fraction, end: Fraction, error: ErrorMap | None) -> None:
        """A new frame was made for a time between two frames of the source.

        Args:
            begin, end: the times of these, in seconds of the source; they never go back.
            error: expected of the new frame.
        """
        begin, end = begin * self.slow, end * self.slow
        if self._open is not None and begin > self._open[1] + _JOINED_S:
            self._close(self._open)
        if doubtful(error):
            self._open = (self._open[0] if self._open else begin, end)

    def finish(self) -> None:
        """The film is over."""
        if self._open is not None:
            self._close(self._open)
        rest = self._closed[_TOLD:]
        if rest:
            seconds = float(sum(end - begin for begin, end in rest))
            self.notes.add(
                KIND,
                f"So will those at {len(rest)} more places, {seconds:.1f} s in all, "
                f"from {clock_text(rest[0][0])} on.",
                "warning",
                rest[0][0] / self.slow,
            )

    def _close(self, stretch: tuple[Fraction, Fraction]) -> None:
        self._open = None
        self._closed.append(stretch)
        if len(self._closed) > _TOLD:
            return
        begin, end = stretch
        hint = f" {WAY_OUT}" if len(self._closed) == 1 else ""
        self.notes.add(
            KIND,
            f"New frames at {clock_text(begin)}-{clock_text(end)} will probably look bad: too much "
            f"moves or changes there.{hint}",
            "warning",
            begin / self.slow,
        )


def clock_text(time: Fraction) -> str:
    """A time as "0:03.2", or "1:02:03.4" from an hour on."""
    tenths = round(time * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest // 10:02d}.{rest % 10}"
    return f"{hours}:{minutes:02d}:{seconds}" if hours else f"{minutes}:{seconds}"
