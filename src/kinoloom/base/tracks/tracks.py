"""Tracks: things followed in time and labels of time, as tables of intervals.

    words = Tier.from_labels([(Fraction(0), Fraction(1, 2), "hello")])
    tracks = Tracks({"words": words})
    tracks.retime(timeline, "take 1")        # the same words where an edit plays them

A tier has intervals of one kind: words, captions, chapters, faces, aircraft, the points of an
animal in one view. A row is one thing in one interval; the rows of one identity are that thing
over time.

Conventions: times are integers in the tier's own `time_base` (1/48000 s for samples, 1/10**9 s for
nanoseconds), so they are exact; intervals are half-open [start, end), and a moment has
start == end. NaN marks a number that is unknown or absent. Arrays are copied and read-only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.timeline import Timeline
from kinoloom.base.tracks.columns import (
    are_equal,
    check_column,
    check_probability,
    check_shapes,
    from_json,
    to_json,
)
from kinoloom.errors import ArrayError, UsageError

_VERSION = 1
_ARRAYS = {"ids": "int", "starts": "int", "ends": "int", "confidence": "float"}
_LONGEST = 2**62


@dataclass(frozen=True, eq=False)
class Tier:
    """A table of n intervals of one kind, in order of their starts.

    Attributes:
        time_base: the unit of `starts` and `ends`, in seconds.
        ids: (n,) int64 identities.
        starts, ends: (n,) int64, in units of `time_base`; start <= end.
        confidence: (n,) float64 in 0..1, or (n, J), one for each of J points.
        columns: further values by name, arrays of bool, integers, floats or text whose first axis
            has length n. The shapes of the names in `columns.SHAPES` are checked; any other name
            is an attribute of the subject's own.
        classes: the names of the columns of `class_probability`.

    Raises:
        ArrayError: a time base that is not a Fraction above 0; an array of another length, shape
            or type; starts that decrease; an end before its start; a confidence or probability
            outside 0..1; an infinite number.
    """

    time_base: Fraction
    ids: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    confidence: NDArray[np.float64]
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not (isinstance(self.time_base, Fraction) and self.time_base > 0):
            raise ArrayError(
                f"A tier's time base must be a fractions.Fraction above 0, not {self.time_base!r}."
            )
        rows = len(self.starts)
        for name, type_ in _ARRAYS.items():
            column = check_column(name, getattr(self, name), rows, type_)
            if type_ == "int" and column.ndim > 1:
                raise ArrayError(
                    f"The column '{name}' has shape {column.shape}; expected ({rows},)."
                )
            object.__setattr__(self, name, column)
        columns = {name: check_column(name, column, rows) for name, column in self.columns.items()}
        object.__setattr__(self, "columns", columns)
        lengths = {"K": len(self.classes)}
        if self.confidence.ndim > 1:
            lengths["J"] = self.confidence.shape[1]
        check_shapes(self.columns, lengths)
        self._check_times()
        check_probability("confidence", self.confidence)
        if "class_probability" in columns:
            check_probability("class_probability", columns["class_probability"])

    @staticmethod
    def from_labels(labels: Iterable[tuple[Fraction, Fraction, str]]) -> Tier:
        """Return the tier of timed texts: words, captions, chapters.

        Args:
            labels: (start, end, text) in seconds, in any order; a label's identity is its rank in
                the order of starts.

        Raises:
            ArrayError: a label that ends before it starts.
        """
        rows = sorted(labels, key=lambda label: label[0])
        base = Fraction(1, lcm(*(time.denominator for row in rows for time in row[:2])))
        return Tier(
            base,
            ids=np.arange(len(rows)),
            starts=np.array([int(start / base) for start, _, _ in rows], np.int64),
            ends=np.array([int(end / base) for _, end, _ in rows], np.int64),
            confidence=np.full(len(rows), np.nan),
            columns={"text": np.array([text for _, _, text in rows], np.str_)},
        )

    def __len__(self) -> int:
        return len(self.starts)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tier):
            return NotImplemented
        return (
            (self.time_base, self.classes, set(self.columns))
            == (other.time_base, other.classes, set(other.columns))
            and all(are_equal(getattr(self, name), getattr(other, name)) for name in _ARRAYS)
            and all(are_equal(self.columns[name], other.columns[name]) for name in self.columns)
        )

    __hash__ = None  # type: ignore[assignment]

    def interval(self, row: int) -> tuple[Fraction, Fraction]:
        """Return start and end of a row, in seconds."""
        return int(self.starts[row]) * self.time_base, int(self.ends[row]) * self.time_base

    def select(self, rows: NDArray[np.bool_] | NDArray[np.int64] | slice) -> Tier:
        """Return some of the rows: a mask, indices or a slice.

        Raises:
            ArrayError: the rows are not in order of their starts.
        """
        arrays = {name: getattr(self, name)[rows] for name in _ARRAYS}
        columns = {name: column[rows] for name, column in self.columns.items()}
        return replace(self, **arrays, columns=columns)

    def at(self, time: Fraction) -> Tier:
        """Return the rows whose interval contains a time, and those that are that moment.

        Args:
            time: in seconds.
        """
        units = time / self.time_base
        begun = self.starts <= units // 1
        lasting = self.ends > units // 1
        if units.denominator == 1:
            lasting |= (self.starts == self.ends) & (self.starts == units.numerator)
        return self.select(begun & lasting)

    def retime(self, timeline: Timeline, source: str) -> Tier:
        """Return the rows where an edit plays them.

        A row is shortened where its interval is cut, kept whole across a cut inside it, repeated
        where its interval plays several times, and left out where it does not play.

        Args:
            timeline: the edit.
            source: id of the source on whose clock this tier is.

        Returns:
            The rows with their identities, on the clock of the timeline.

        Raises:
            UsageError: the timeline has no such source.
            ArrayError: the times need more than 63 bits in a common unit.
        """
        rate = timeline.source(source).rate
        ticks = (time.denominator for time in timeline.boundaries)
        hz = lcm(self.time_base.denominator, rate.numerator, *ticks)
        scale = int(self.time_base * hz)
        longest = max(int(timeline.duration * hz), int(self.ends.max(initial=0)) * scale)
        if longest > _LONGEST:
            raise ArrayError(
                f"The times need a common unit of 1/{hz} s, in which they exceed 63 bits.",
                hint="Round the tier to a coarser time base first.",
            )
        unit = int(hz / rate)
        spans = [
            (span.start * unit, span.end * unit, int(begin * hz))
            for begin, span in zip(timeline.boundaries, timeline.spans, strict=False)
            if span.source == source
        ]
        rows, starts, ends = _play(self.starts * scale, self.ends * scale, spans)
        return replace(
            self,
            time_base=Fraction(1, hz),
            ids=self.ids[rows],
            starts=starts,
            ends=ends,
            confidence=self.confidence[rows],
            columns={name: column[rows] for name, column in self.columns.items()},
        )

    def _check_times(self) -> None:
        if (self.ends < self.starts).any():
            row = int(np.argmax(self.ends < self.starts))
            raise ArrayError(
                f"Row {row} ends before it starts: {self.starts[row]} to {self.ends[row]}."
            )
        if (np.diff(self.starts) < 0).any():
            row = int(np.argmax(np.diff(self.starts) < 0)) + 1
            raise ArrayError(
                f"Row {row} starts at {self.starts[row]}, before row {row - 1} at "
                f"{self.starts[row - 1]}.",
                hint="Sort all columns by start first.",
            )


@dataclass(frozen=True)
class Tracks:
    """Tiers on one clock.

    Attributes:
        tiers: by name ("words", "speakers", "faces", the name of a view).

    Raises:
        ArrayError: a value that is not a Tier, or a name that is empty.
    """

    tiers: Mapping[str, Tier] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tiers", dict(self.tiers))
        for name, tier in self.tiers.items():
            if not name or not isinstance(tier, Tier):
                raise ArrayError(
                    f"Tracks map names to tiers, not {name!r} to a {type(tier).__name__}."
                )

    __hash__ = None  # type: ignore[assignment]

    def retime(self, timeline: Timeline, source: str) -> Tracks:
        """Return all tiers as `Tier.retime` does, so that they follow an edit.

        Raises:
            UsageError, ArrayError: as `Tier.retime`.
        """
        return Tracks({name: tier.retime(timeline, source) for name, tier in self.tiers.items()})

    def to_dict(self) -> dict[str, Any]:
        """Return the tracks as plain JSON values; see `from_dict`."""
        return {
            "tracks": _VERSION,
            "tiers": {name: _tier_to_json(tier) for name, tier in self.tiers.items()},
        }

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Tracks:
        """Restore tracks from `to_dict`.

        Raises:
            UsageError: another version, or missing or malformed data.
        """
        if data.get("tracks") != _VERSION:
            raise UsageError(f"Unknown tracks version {data.get('tracks')!r}: expected {_VERSION}.")
        try:
            return Tracks({name: _tier_from_json(tier) for name, tier in data["tiers"].items()})
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UsageError(f"The tracks are incomplete or malformed: {error!r}.") from error


def _play(
    starts: NDArray[np.int64], ends: NDArray[np.int64], spans: list[tuple[int, int, int]]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return which rows play, from when, and until when, in order of when.

    Args:
        starts, ends: of the rows, in a unit common to all.
        spans: in playing order, (start, end) of what plays and when it starts to.
    """
    reach = int((ends - starts).max(initial=0))
    parts = [np.zeros((4, 0), np.int64)]
    for low, high, begin in spans:
        near = slice(*np.searchsorted(starts, [low - reach, high]))
        rows = np.arange(near.start, near.stop)
        rows = rows[(ends[near] > low) | (starts[near] >= low)]
        source = np.maximum(starts[rows], low), np.minimum(ends[rows], high)
        parts.append(np.stack([rows, *source, np.full(len(rows), begin - low)]))
    found = np.concatenate(parts, axis=1)
    found = found[:, np.lexsort((found[1] + found[3], found[0]))]
    rows, first, last, shift = found
    joined = (rows[1:] == rows[:-1]) & (first[1:] >= last[:-1])
    joined &= first[1:] + shift[1:] == last[:-1] + shift[:-1]
    heads = np.flatnonzero(np.concatenate([[True], ~joined])[: len(rows)])
    tails = np.append(heads[1:], len(rows))[: len(heads)] - 1
    begins, finishes = (first + shift)[heads], (last + shift)[tails]
    order = np.argsort(begins, kind="stable")
    return rows[heads][order], begins[order], finishes[order]


def _tier_to_json(tier: Tier) -> dict[str, Any]:
    arrays = {name: to_json(getattr(tier, name)) for name in _ARRAYS}
    columns = {name: to_json(column) for name, column in tier.columns.items()}
    return {
        "time_base": str(tier.time_base),
        **arrays,
        "columns": columns,
        "classes": list(tier.classes),
    }


def _tier_from_json(data: Mapping[str, Any]) -> Tier:
    return Tier(
        Fraction(data["time_base"]),
        **{name: from_json(data[name]) for name in _ARRAYS},
        columns={name: from_json(column) for name, column in data["columns"].items()},
        classes=tuple(data["classes"]),
    )
