"""Timelines: edits change length and order as documented, and undo is exact."""

import json
import pickle
from fractions import Fraction
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinoloom import Timeline
from kinoloom.base.timeline import Edit, FileSource, GeneratedSource, Source, Span
from kinoloom.errors import ArrayError, UsageError

F = Fraction
SHA = "0123456789abcdef" * 4
VOICE = FileSource("voice", F(10), "voice.wav", SHA, length=100)
FILM = FileSource("film", F(30000, 1001), "film.mp4", SHA, stream=1, length=90)
TONE = GeneratedSource("tone", F(10), "tone", {"seed": 7, "level_db": -60.5})


def timeline() -> Timeline:
    return Timeline.of(VOICE).add_source(FILM).add_source(TONE)


def units(edited: Timeline) -> list[tuple[str, int]]:
    """Return every unit that plays, in order: the simplest model of a timeline."""
    return [(span.source, unit) for span in edited.spans for unit in range(span.start, span.end)]


def test_whole_source_plays_from_start_to_end() -> None:
    whole = Timeline.of(FILM)
    assert whole.spans == (Span("film", 0, 90),)
    assert whole.duration == F(90 * 1001, 30000)
    assert whole.boundaries == (0, whole.duration)
    assert (Timeline((FILM,)).duration, Timeline((FILM,)).boundaries) == (0, (0,))


def test_cut_removes_a_stretch() -> None:
    edited = timeline().cut(F(2), F(3), label="delete 4")
    assert edited.spans == (Span("voice", 0, 20), Span("voice", 30, 100))
    assert edited.duration == 9
    assert edited.log == (Edit(0, (Span("voice", 0, 100),), edited.spans, "delete 4"),)


def test_splice_inserts_or_replaces() -> None:
    pause = Span("tone", 0, 5, gain_db=-3.0, kind="pause")
    inserted = timeline().splice(F(2), [pause])
    assert inserted.spans == (Span("voice", 0, 20), pause, Span("voice", 20, 100))
    replaced = timeline().splice(F(2), [pause], end=F(4))
    assert replaced.spans == (Span("voice", 0, 20), pause, Span("voice", 40, 100))
    assert timeline().splice(F(10), [pause]).spans == (Span("voice", 0, 100), pause)
    assert timeline().splice(F(0), [pause]).spans == (pause, Span("voice", 0, 100))


def test_empty_splice_adds_no_edit() -> None:
    assert timeline().splice(F(2), ()).log == ()


def test_extracted_spans_are_pasted() -> None:
    edited = timeline().cut(F(2), F(3)).splice(F(4), [Span("film", 30, 60)])
    taken = edited.extract(F(1), F(4) + F(1001, 30000))
    assert taken == (Span("voice", 10, 20), Span("voice", 30, 50), Span("film", 30, 31))
    assert edited.extract(F(1), F(1)) == ()
    pasted = edited.splice(edited.duration, taken)
    assert units(pasted) == units(edited) + units(Timeline(edited.sources, taken))


def test_fades_stay_at_their_ends() -> None:
    faded = Span("voice", 0, 100, fade_in=30, fade_out=60)
    edited = Timeline((VOICE,), (faded,)).cut(F(2), F(5))
    assert edited.spans == (
        Span("voice", 0, 20, fade_in=20),
        Span("voice", 50, 100, fade_out=50),
    )


def test_times_map_to_the_source_and_back() -> None:
    edited = timeline().cut(F(2), F(3))
    assert edited.at(F(0)) == (Span("voice", 0, 20), 0)
    assert edited.at(F(2)) == (Span("voice", 30, 100), 3)
    assert edited.at(F(5, 2)) == (Span("voice", 30, 100), F(7, 2))
    assert [edited.map_time("voice", time) for time in (F(1), F(5, 2), F(3), F(10))] == [
        1,
        None,  # deleted
        2,
        None,  # past the end
    ]
    assert edited.map_time("film", F(0)) is None


def test_new_edit_drops_undone_edits() -> None:
    edited = timeline().cut(F(1), F(2), label="a").cut(F(1), F(2), label="b").undo()
    assert (edited.applied, [edit.label for edit in edited.log]) == (1, ["a", "b"])
    again = edited.cut(F(3), F(4), label="c")
    assert [edit.label for edit in again.log] == ["a", "c"]
    assert edited.redo().undo(2) == timeline().cut(F(1), F(2), label="a").cut(
        F(1), F(2), label="b"
    ).undo(2)


def edits(draw: Any, start: Timeline) -> list[Timeline]:
    """Return the states of a few random edits; consecutive states differ."""
    states = [start]
    for _ in range(draw(st.integers(0, 6))):
        begin, end, spans = draw_splice(draw, states[-1])
        after = states[-1].splice(begin, spans, end=end)
        if after != states[-1]:
            states.append(after)
    return states


def draw_splice(draw: Any, state: Timeline) -> tuple[Fraction, Fraction, list[Span]]:
    """Draw an interval of a timeline, and spans to replace it."""
    places = sorted({F(0), state.duration, *_places(state)})
    begin, end = sorted(draw(st.tuples(*[st.sampled_from(places)] * 2)))
    source = draw(st.sampled_from([VOICE, FILM]))
    first, last = sorted(draw(st.tuples(*[st.integers(0, source.length or 0)] * 2)))
    return begin, end, [Span(source.id, first, last)] if first < last else []


def _places(state: Timeline) -> list[Fraction]:
    """Return some times at which units start."""
    rate = {source.id: source.rate for source in state.sources}
    return [
        begin + k / rate[span.source]
        for begin, span in zip(state.boundaries, state.spans, strict=False)
        for k in range(0, span.length, 7)
    ]


@given(st.data())
def test_splice_replaces_units_of_the_list(data: st.DataObject) -> None:
    before = edits(data.draw, timeline())[-1]
    a, b, spans = draw_splice(data.draw, before)
    after = before.splice(a, spans, end=b)
    old, new = units(before), units(Timeline(before.sources, tuple(spans)))
    rates = {source.id: source.rate for source in before.sources}
    starts = list(accumulate((1 / rates[name] for name, _ in old), initial=F(0)))
    assert units(after) == old[: starts.index(a)] + new + old[starts.index(b) :]
    assert (
        units(Timeline(before.sources, before.extract(a, b)))
        == (old[starts.index(a) : starts.index(b)])
    )
    assert after.duration == sum((1 / rates[name] for name, _ in units(after)), F(0))


@given(st.data())
def test_undo_and_redo_restore_every_state(data: st.DataObject) -> None:
    states = edits(data.draw, timeline())
    last = states[-1]
    assert last.applied == len(last.log) == len(states) - 1
    for steps, state in enumerate(reversed(states)):
        undone = last.undo(steps)
        assert undone.spans == state.spans
        assert undone.redo(steps) == last


@given(st.data())
def test_map_time_inverts_at(data: st.DataObject) -> None:
    state = edits(data.draw, timeline())[-1]
    for time in _places(state):
        span, source_time = state.at(time)
        first = state.map_time(span.source, source_time)
        assert first is not None
        assert first <= time  # a stretch may play several times
        assert state.at(first)[1] == source_time


@given(st.data())
def test_json_and_pickle_round_trip(data: st.DataObject) -> None:
    state = edits(data.draw, timeline())[-1]
    state = state.undo(data.draw(st.integers(0, state.applied)))
    assert Timeline.from_dict(json.loads(json.dumps(state.to_dict()))) == state
    assert pickle.loads(pickle.dumps(state)) == state  # noqa: S301


def test_cut_across_ten_thousand_spans() -> None:
    source = FileSource("long", F(48000), "a.wav", SHA, length=48_000 * 3600)
    spans = tuple(Span("long", 9000 * k, 9000 * k + 4800) for k in range(10_000))
    whole = Timeline((source,), spans)
    assert whole.duration == 1000
    edited = whole.cut(F(1, 20), F(19_999, 20))
    assert edited.spans == (Span("long", 0, 2400), Span("long", 89_993_400, 89_995_800))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Span("a", 3, 3), r"0 <= start < end, not start 3, end 3"),
        (lambda: Span("a", -1, 3), "start -1"),
        (lambda: Span("a", 0, 1.5), r"must be integers, not \(0, 1\.5, 0, 0\)"),
        (lambda: Span("a", 0, 4, fade_in=3, fade_out=2), "at most 4, not 3 and 2"),
        (lambda: Span("a", 0, 4, fade_in=-1), "not -1 and 0"),
        (lambda: Span("a", 0, 4, gain_db=float("nan")), "finite number of dB, not nan"),
        (lambda: FileSource("", F(1), "a", SHA), "an id that is not empty"),
        (lambda: FileSource("a", 29.97, "a", SHA), "'a' must be a fractions.Fraction above 0"),
        (lambda: GeneratedSource("a", F(0), "tone"), "above 0, not Fraction"),
        (lambda: FileSource("a", F(1), "a", SHA, length=0), "at least 1 unit, not 0"),
        (lambda: FileSource("a", F(1), "a", "ABC"), "'ABC'; expected 64 lower-case"),
        (lambda: Timeline((VOICE, VOICE)), "Two sources have the id 'voice'"),
        (lambda: Timeline((VOICE,), (Span("b", 0, 1),)), "Unknown source 'b': expected voice"),
        (lambda: Timeline((), (Span("b", 0, 1),)), "expected none, there are none"),
        (lambda: Timeline((VOICE,), (Span("voice", 0, 101),)), "unit 101 .* has 100 units"),
        (lambda: Timeline((VOICE,), applied=1), r"must be 0\.\.0, not 1"),
        (lambda: Timeline.of(TONE), "length of source 'tone' is unknown"),
        (lambda: Edit(-1, (), ()), "at least 0, not -1"),
    ],
)
def test_invalid_values_are_rejected(make: Any, message: str) -> None:
    with pytest.raises(ArrayError, match=message):
        make()


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda t: t.cut(F(9), F(11)), "11 s is outside the timeline, which lasts 10 s"),
        (lambda t: t.cut(F(-1), F(1)), "-1 s is outside"),
        (lambda t: t.cut(F(3), F(2)), "must not end before it starts: 3 to 2 s"),
        (lambda t: t.cut(F(0), F(1, 15)), r"between two units .* Use 0 s or 1/10 s"),
        (lambda t: t.at(F(10)), "10 s is outside"),
        (lambda t: t.map_time("other", F(0)), "Unknown source 'other': expected voice, film, tone"),
        (lambda t: t.undo(), "Cannot undo 1 edits: 0 are in effect"),
        (lambda t: t.cut(F(0), F(1)).redo(), "Cannot redo 1 edits: 0 were undone"),
    ],
)
def test_invalid_edits_are_rejected(edit: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        edit(timeline())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"timeline": 2}, "version 2: expected 1"),
        ({"spans": None}, "incomplete or malformed"),
        ({"spans": [{"source": "voice", "start": 0, "end": 1, "speed": 2}]}, "'speed'"),
        ({"spans": [{"source": "voice", "start": 1, "end": 0}]}, "start < end"),
        ({"spans": []}, "The log does not fit the spans: the edit 'first' removes others"),
        ({"sources": [{"id": "voice"}]}, "rate"),
    ],
)
def test_invalid_json_is_rejected(change: dict[str, Any], message: str) -> None:
    data = timeline().cut(F(0), F(1), label="first").to_dict()
    with pytest.raises(UsageError, match=message):
        Timeline.from_dict(data | change)


def test_duplicate_source_id_is_rejected() -> None:
    other: Source = FileSource("voice", F(20), "voice.wav", SHA)
    assert timeline().add_source(VOICE) == timeline()
    with pytest.raises(ArrayError, match="'voice'"):
        timeline().add_source(other)
