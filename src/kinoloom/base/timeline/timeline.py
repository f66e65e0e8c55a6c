"""Timeline: what plays when, as spans of immutable sources, with a log of edits.

    whole = Timeline.of(source)                       # all of one recording
    edited = whole.cut(Fraction(2), Fraction(3))      # without its third second
    edited.map_time(source.id, Fraction(5))           # Fraction(4): when that moment plays now
    edited.undo().spans == whole.spans                # True

Conventions: a timeline's clock starts at 0 s and its spans follow each other without gaps. Span
boundaries are whole units of the span's source (samples of sound, ticks of pictures), intervals
are half-open [start, end), and times are `fractions.Fraction` seconds. Every edit is one splice
of the list of spans, so that its inverse is exact; editing returns a new timeline.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import accumulate
from math import lcm
from typing import Any

from kinoloom.base.provenance import to_jsonable
from kinoloom.base.timeline.spans import FileSource, GeneratedSource, Source, Span
from kinoloom.errors import ArrayError, UsageError

_VERSION = 1


@dataclass(frozen=True)
class Edit:
    """One step of the log: the spans from `index` on that were removed, and their replacement.

    Attributes:
        index: of the first span removed, or of the span before which spans were inserted.
        removed, inserted: whole spans; swapping the two undoes the edit.
        label: what a history shows.

    Raises:
        ArrayError: an index below 0.
    """

    index: int
    removed: tuple[Span, ...]
    inserted: tuple[Span, ...]
    label: str = ""

    def __post_init__(self) -> None:
        if self.index < 0:
            raise ArrayError(f"The index of an edit must be at least 0, not {self.index}.")


@dataclass(frozen=True)
class Timeline:
    """An edit of immutable sources.

    Attributes:
        sources: what spans may refer to; their ids are unique.
        spans: in playing order.
        log: all edits, oldest first.
        applied: how many edits of the log are in effect; the others can be redone.

    Raises:
        ArrayError: two sources with one id, a span of an unknown source or past its end, or
            `applied` outside 0..len(log).
    """

    sources: tuple[Source, ...]
    spans: tuple[Span, ...] = ()
    log: tuple[Edit, ...] = ()
    applied: int = 0

    def __post_init__(self) -> None:
        if len(self._source_of) < len(self.sources):
            ids = [source.id for source in self.sources]
            twice = next(name for name in ids if ids.count(name) > 1)
            raise ArrayError(f"Two sources have the id '{twice}'; ids must be unique.")
        for span in self.spans:
            self._check_span(span)
        if not 0 <= self.applied <= len(self.log):
            raise ArrayError(
                f"The number of edits in effect must be 0..{len(self.log)}, not {self.applied}."
            )

    @staticmethod
    def of(source: Source) -> Timeline:
        """Return the timeline that plays a source from start to end.

        Raises:
            ArrayError: the source's length is unknown.
        """
        if source.length is None:
            raise ArrayError(
                f"The length of source '{source.id}' is unknown.",
                hint="Pass spans to Timeline instead.",
            )
        return Timeline((source,), (Span(source.id, 0, source.length),))

    def source(self, name: str) -> Source:
        """Return the source with an id.

        Raises:
            UsageError: unknown source.
        """
        if name not in self._source_of:
            raise UsageError(_unknown(name, self._source_of))
        return self._source_of[name]

    @cached_property
    def boundaries(self) -> tuple[Fraction, ...]:
        """When each span starts, then when the last one ends, in seconds."""
        hz = lcm(*(source.rate.numerator for source in self.sources))  # every unit is whole ticks
        ticks = {source.id: int(hz / source.rate) for source in self.sources}
        lengths = (span.length * ticks[span.source] for span in self.spans)
        return tuple(Fraction(end, hz) for end in accumulate(lengths, initial=0))

    @property
    def duration(self) -> Fraction:
        """Duration in seconds."""
        return self.boundaries[-1]

    def at(self, time: Fraction) -> tuple[Span, Fraction]:
        """Return what plays at a time.

        Args:
            time: in seconds, 0 <= time < duration.

        Returns:
            The span, and the time on the clock of its source, in seconds.

        Raises:
            UsageError: the time is outside the timeline.
        """
        if not 0 <= time < self.duration:
            raise UsageError(_outside(time, self.duration))
        index = bisect_right(self.boundaries, time) - 1
        span = self.spans[index]
        offset = time - self.boundaries[index]
        return span, span.start / self._source_of[span.source].rate + offset

    def map_time(self, source: str, time: Fraction) -> Fraction | None:
        """Return when a moment of a source first plays; the inverse of `at`.

        Args:
            source: id of the source.
            time: on the source's clock, in seconds.

        Returns:
            Seconds on the timeline's clock; None where that moment is not used.

        Raises:
            UsageError: unknown source.
        """
        rate = self.source(source).rate
        unit = time * rate
        for begin, span in zip(self.boundaries, self.spans, strict=False):
            if span.source == source and span.start <= unit < span.end:
                return begin + (unit - span.start) / rate
        return None

    def extract(self, start: Fraction, end: Fraction) -> tuple[Span, ...]:
        """Return the spans that play from `start` to `end`, cut to fit; for copying.

        Raises:
            UsageError: as `splice`.
        """
        (first, head), (last, tail) = self._locate_both(start, end)
        if start == end:
            return ()
        spans = list(self.spans[first : last + (tail > 0)])
        if tail:
            spans[-1] = spans[-1].part(0, tail)
        spans[0] = spans[0].part(head, spans[0].length)
        return tuple(spans)

    def cut(self, start: Fraction, end: Fraction, *, label: str = "") -> Timeline:
        """Remove what plays from `start` to `end`, in seconds.

        Raises:
            UsageError: as `splice`.
        """
        return self.splice(start, (), end=end, label=label)

    def splice(
        self,
        start: Fraction,
        spans: Sequence[Span],
        *,
        end: Fraction | None = None,
        label: str = "",
    ) -> Timeline:
        """Insert spans, in place of what plays until `end`.

        Args:
            start: where to insert, in seconds.
            spans: what to insert, of sources of this timeline; may be empty.
            end: end of the interval to replace, in seconds; None replaces nothing.
            label: of the edit, for a history.

        Returns:
            The new timeline, whose log has one more edit; edits that were undone are dropped.

        Raises:
            UsageError: a time is outside the timeline, end is before start, or a time is not a
                whole number of units of the source that plays there.
            ArrayError: a span of an unknown source, or past its end.
        """
        end = start if end is None else end
        (first, head), (last, tail) = self._locate_both(start, end)
        if not spans and start == end:
            return self
        inserted = list(spans)
        if head:
            inserted.insert(0, self.spans[first].part(0, head))
        if tail:
            inserted.append(self.spans[last].part(tail, self.spans[last].length))
        removed = self.spans[first : last + (tail > 0)]
        edit = Edit(first, removed, tuple(inserted), label)
        log = (*self.log[: self.applied], edit)
        return replace(self, spans=_apply(self.spans, edit), log=log, applied=self.applied + 1)

    def add_source(self, source: Source) -> Timeline:
        """Make a source available to spans; not an edit, and harmless if repeated.

        Raises:
            ArrayError: another source has this id.
        """
        if source in self.sources:
            return self
        return replace(self, sources=(*self.sources, source))

    def undo(self, steps: int = 1) -> Timeline:
        """Take back the latest edits in effect.

        Raises:
            UsageError: fewer than `steps` edits are in effect.
        """
        if not 0 <= steps <= self.applied:
            raise UsageError(f"Cannot undo {steps} edits: {self.applied} are in effect.")
        spans, applied = self.spans, self.applied - steps
        for edit in reversed(self.log[applied : self.applied]):
            spans = _apply(spans, replace(edit, removed=edit.inserted, inserted=edit.removed))
        return replace(self, spans=spans, applied=applied)

    def redo(self, steps: int = 1) -> Timeline:
        """Apply again the earliest edits that were undone.

        Raises:
            UsageError: fewer than `steps` edits were undone.
        """
        undone = len(self.log) - self.applied
        if not 0 <= steps <= undone:
            raise UsageError(f"Cannot redo {steps} edits: {undone} were undone.")
        spans, applied = self.spans, self.applied + steps
        for edit in self.log[self.applied : applied]:
            spans = _apply(spans, edit)
        return replace(self, spans=spans, applied=applied)

    def to_dict(self) -> dict[str, Any]:
        """Return the timeline as plain JSON values; see `from_dict`."""
        return {"timeline": _VERSION, **to_jsonable(self)}

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Timeline:
        """Restore a timeline from `to_dict`.

        Raises:
            UsageError: another version, missing or malformed data, or a log that does not lead
                to the spans.
        """
        if data.get("timeline") != _VERSION:
            raise UsageError(
                f"Unknown timeline version {data.get('timeline')!r}: expected {_VERSION}."
            )
        try:
            timeline = Timeline(
                tuple(_source_from(item) for item in data["sources"]),
                _spans_from(data["spans"]),
                tuple(_edit_from(item) for item in data["log"]),
                data["applied"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(f"The timeline is incomplete or malformed: {error!r}.") from error
        timeline.undo(timeline.applied).redo(len(timeline.log))
        return timeline

    @cached_property
    def _source_of(self) -> dict[str, Source]:
        return {source.id: source for source in self.sources}

    def _check_span(self, span: Span) -> None:
        source = self._source_of.get(span.source)
        if source is None:
            raise ArrayError(_unknown(span.source, self._source_of))
        if source.length is not None and span.end > source.length:
            raise ArrayError(
                f"A span ends at unit {span.end} of source '{source.id}', which has "
                f"{source.length} units."
            )

    def _locate(self, time: Fraction) -> tuple[int, int]:
        """Return the index of the span that starts or plays at a time, and the units before it."""
        if not 0 <= time <= self.duration:
            raise UsageError(_outside(time, self.duration))
        index = bisect_right(self.boundaries, time) - 1
        if index == len(self.spans):
            return index, 0
        rate = self._source_of[self.spans[index].source].rate
        units = (time - self.boundaries[index]) * rate
        if units.denominator != 1:
            below, above = (self.boundaries[index] + k / rate for k in (units // 1, units // 1 + 1))
            raise UsageError(
                f"The time {time} s is between two units of source '{self.spans[index].source}'.",
                hint=f"Use {below} s or {above} s.",
            )
        return index, int(units)

    def _locate_both(self, start: Fraction, end: Fraction) -> tuple[tuple[int, int], ...]:
        if end < start:
            raise UsageError(f"An interval must not end before it starts: {start} to {end} s.")
        return self._locate(start), self._locate(end)


def _apply(spans: tuple[Span, ...], edit: Edit) -> tuple[Span, ...]:
    """Return the spans after an edit.

    Raises:
        UsageError: the edit removes spans that are not there.
    """
    stop = edit.index + len(edit.removed)
    if spans[edit.index : stop] != edit.removed:
        raise UsageError(f"The log does not fit the spans: the edit '{edit.label}' removes others.")
    return (*spans[: edit.index], *edit.inserted, *spans[stop:])


def _outside(time: Fraction, duration: Fraction) -> str:
    return f"The time {time} s is outside the timeline, which lasts {duration} s."


def _unknown(name: str, sources: Mapping[str, Source]) -> str:
    return f"Unknown source '{name}': expected {', '.join(sources) or 'none, there are none'}."


def _source_from(data: Mapping[str, Any]) -> Source:
    fields = {**data, "rate": Fraction(data["rate"])}
    return GeneratedSource(**fields) if "generator" in data else FileSource(**fields)


def _spans_from(data: Sequence[Mapping[str, Any]]) -> tuple[Span, ...]:
    return tuple(Span(**item) for item in data)


def _edit_from(data: Mapping[str, Any]) -> Edit:
    spans = {name: _spans_from(data[name]) for name in ("removed", "inserted")}
    return Edit(**{**data, **spans})
