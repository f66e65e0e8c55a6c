"""Quality warnings: where a film is likely to show artefacts, reported while it is rendered.

In videos, low-quality frames close together are reported as one interval; only the first few
intervals get their own note, and a final note summarises the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from kinoloom.base.notes import Notes
from kinoloom.film.engine import ErrorMap
from kinoloom.film.quality.error_estimate import WARNING_PSNR_DB, estimate_psnr_db

NOTE_KIND = "quality"
"""The kind of the notes."""
ADVICE = "Use frames closer together."
_MAX_GAP_S = Fraction(1, 2)
"""Intervals with a smaller gap are merged, in seconds of the film."""
_MAX_NOTES = 5


def is_low_quality(error: ErrorMap | None) -> bool:
    """Return whether a frame with this error estimate deserves a warning."""
    return error is not None and estimate_psnr_db(error) < WARNING_PSNR_DB


@dataclass
class QualityMonitor:
    """Collects low-quality intervals while a film is read, and adds them to its notes.

    Attributes:
        notes: the notes of the film.
        slow: ratio of the film's duration to its source's.
    """

    notes: Notes
    slow: Fraction
    _open: tuple[Fraction, Fraction] | None = None
    _closed: list[tuple[Fraction, Fraction]] = field(default_factory=list)

    def add_frame(self, begin: Fraction, end: Fraction, error: ErrorMap | None) -> None:
        """Record a new frame between two source frames.

        Args:
            begin, end: the times of the source frames in seconds; they never decrease.
            error: error estimate of the new frame.
        """
        begin, end = begin * self.slow, end * self.slow
        if self._open is not None and begin > self._open[1] + _MAX_GAP_S:
            self._close(self._open)
        if is_low_quality(error):
            self._open = (self._open[0] if self._open else begin, end)

    def finish(self) -> None:
        """Close the last interval and summarise those without their own note."""
        if self._open is not None:
            self._close(self._open)
        rest = self._closed[_MAX_NOTES:]
        if rest:
            seconds = float(sum(end - begin for begin, end in rest))
            plural = "s" if len(rest) > 1 else ""
            self.notes.add(
                NOTE_KIND,
                f"Low quality is likely in {len(rest)} more interval{plural}, {seconds:.1f} s in "
                f"total, from {format_clock(rest[0][0])} on.",
                "warning",
                rest[0][0] / self.slow,
            )

    def _close(self, interval: tuple[Fraction, Fraction]) -> None:
        self._open = None
        self._closed.append(interval)
        if len(self._closed) > _MAX_NOTES:
            return
        begin, end = interval
        advice = f" {ADVICE}" if len(self._closed) == 1 else ""
        self.notes.add(
            NOTE_KIND,
            f"Low quality is likely at {format_clock(begin)}-{format_clock(end)}: motion or change "
            f"is too large.{advice}",
            "warning",
            begin / self.slow,
        )


def format_clock(time: Fraction) -> str:
    """Format a time as "0:03.2", or as "1:02:03.4" from one hour on."""
    tenths = round(time * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest // 10:02d}.{rest % 10}"
    return f"{hours}:{minutes:02d}:{seconds}" if hours else f"{minutes}:{seconds}"
