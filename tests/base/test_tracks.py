"""Tracks: validation, selection, re-timing by an edit, JSON."""

import json
import pickle
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinoloom import Timeline, Tracks
from kinoloom.base import FileSource, Span, Tier
from kinoloom.errors import ArrayError, UsageError

F = Fraction
TAKE = FileSource("take", F(10), "take.wav", "a" * 64, length=100)


def tier(rows: int = 2, **fields: Any) -> Tier:
    """Return a tier with consecutive rows of 1 s, in tenths of a second."""
    known: dict[str, Any] = {
        "time_base": F(1, 10),
        "ids": np.arange(rows),
        "starts": 10 * np.arange(rows),
        "ends": 10 * np.arange(rows) + 10,
        "confidence": np.full(rows, np.nan),
    }
    return Tier(**known | fields)


def intervals(some: Tier) -> list[tuple[int, Fraction, Fraction]]:
    return [(int(some.ids[row]), *some.interval(row)) for row in range(len(some))]


WORDS = Tier.from_labels(
    [(F(1, 2), F(1), "world"), (F(0), F(1, 3), "hello"), (F(3, 2), F(3, 2), "(click)")]
)


def test_from_labels_sorts_and_keeps_exact_times() -> None:
    assert WORDS.columns["text"].tolist() == ["hello", "world", "(click)"]
    assert intervals(WORDS) == [(0, 0, F(1, 3)), (1, F(1, 2), 1), (2, F(3, 2), F(3, 2))]
    assert WORDS.time_base == F(1, 6)
    assert len(Tier.from_labels([])) == 0


@pytest.mark.parametrize(
    ("time", "ids"),
    [(F(0), [0]), (F(1, 3), []), (F(1, 4), [0]), (F(3, 2), [2]), (F(7, 5), []), (F(-1), [])],
)
def test_at_returns_the_rows_of_a_time(time: Fraction, ids: list[int]) -> None:
    assert WORDS.at(time).ids.tolist() == ids


def test_columns_of_every_subject_are_accepted() -> None:
    aircraft = tier(
        confidence=[0.5, 1],
        classes=("aircraft", "vehicle", "person"),
        columns={
            "position": np.zeros((2, 2), np.float32),
            "velocity": np.full((2, 2), np.nan),
            "covariance": np.zeros((2, 2, 2)),
            "heading": [0.0, 1.5],
            "class_probability": [[0.9, 0.1, 0], [1, 0, 0]],
            "state": ["tentative", "firm"],
            "callsign": ["", "SWR12"],
        },
    )
    assert aircraft.columns["position"].dtype == np.float64
    animal = tier(confidence=np.ones((2, 5)), columns={"points": np.full((2, 5, 3), np.nan)})
    assert animal.columns["points"].shape == (2, 5, 3)
    assert tier(columns={"box": np.zeros((2, 4), np.uint16)}).columns["box"].dtype == np.int64


def test_arrays_are_copied_and_read_only() -> None:
    box = np.zeros((2, 4))
    some = tier(columns={"box": box})
    box += 1
    assert not some.columns["box"].any()
    with pytest.raises(ValueError, match="read-only"):
        some.starts[0] = 5


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"time_base": 0.1}, r"fractions\.Fraction above 0, not 0\.1"),
        ({"ids": [0]}, r"'ids' has shape \(1,\); expected 2 rows"),
        ({"ids": [0.0, 1.0]}, "'ids' has dtype float64; expected int"),
        ({"ids": [[0], [1]]}, r"'ids' has shape \(2, 1\); expected \(2,\)"),
        ({"confidence": ["a", "b"]}, "'confidence' has dtype <U1; expected float"),
        ({"confidence": [0.5, 1.5]}, r"from 0\.5 to 1\.5; expected 0\.\.1"),
        ({"ends": [10, 9]}, "Row 1 ends before it starts: 10 to 9"),
        ({"starts": [9, 8], "ends": [9, 9]}, "Row 1 starts at 8, before row 0 at 9"),
        ({"columns": {"mass": [1.0, np.inf]}}, "'mass' has infinite values.*NaN"),
        ({"columns": {"mass": 3}}, r"'mass' has shape \(\); expected 2 rows"),
        ({"columns": {"mass": [None, {}]}}, "'mass' has dtype object; expected bool, int, float"),
        ({"columns": {"box": np.zeros((2, 3))}}, r"'box' has shape \(2, 3\); expected \(2, 4\)"),
        ({"columns": {"box": [1.0, 2.0]}}, r"'box' has shape \(2,\); expected \(2, 4\)"),
        (
            {"columns": {"position": np.zeros((2, 2)), "velocity": np.zeros((2, 3))}},
            r"'velocity' has shape \(2, 3\); expected \(2, 2\)",
        ),
        (
            {"columns": {"covariance": np.zeros((2, 2, 3))}},
            r"'covariance' has shape \(2, 2, 3\); expected \(2, 2, 2\)",
        ),
        (
            {"columns": {"class_probability": np.zeros((2, 3))}, "classes": ("a", "b")},
            r"'class_probability' has shape \(2, 3\); expected \(2, 2\)",
        ),
        (
            {"columns": {"class_probability": [[-0.5], [1]]}, "classes": ("a",)},
            r"'class_probability' has values from -0\.5 to 1",
        ),
        (
            {"columns": {"points": np.zeros((2, 5, 2))}, "confidence": np.ones((2, 4))},
            r"'points' has shape \(2, 5, 2\); expected \(2, 4, 2\)",
        ),
    ],
)
def test_invalid_tiers_are_rejected(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ArrayError, match=message):
        tier(**fields)


def test_selecting_rows_out_of_order_is_rejected() -> None:
    assert tier(3).select(np.array([False, True, True])).ids.tolist() == [1, 2]
    with pytest.raises(ArrayError, match="Sort all columns"):
        tier(3).select(np.array([2, 0]))


def test_words_follow_an_edit() -> None:
    words = Tier.from_labels([(F(k), F(k + 1), str(k)) for k in range(5)])
    edit = Timeline.of(TAKE).cut(F(1), F(2))  # without word 1
    assert intervals(words.retime(edit, "take")) == [(0, 0, 1), (2, 1, 2), (3, 2, 3), (4, 3, 4)]
    inside = Timeline.of(TAKE).cut(F(6, 5), F(3, 2))  # word 1 is shorter, but one word
    assert intervals(words.retime(inside, "take"))[:3] == [
        (0, 0, 1),
        (1, 1, F(17, 10)),
        (2, F(17, 10), F(27, 10)),
    ]
    twice = Timeline.of(TAKE).splice(F(2), [Span("take", 10, 20)])  # word 1 is said twice
    assert intervals(words.retime(twice, "take"))[:4] == [
        (0, 0, 1),
        (1, 1, 2),
        (1, 2, 3),
        (2, 3, 4),
    ]
    assert words.retime(twice, "take").columns["text"].tolist()[:4] == ["0", "1", "1", "2"]


def test_moments_follow_an_edit() -> None:
    cuts = tier(3, ends=10 * np.arange(3))
    edit = Timeline.of(TAKE).cut(F(1, 2), F(1)).cut(F(3, 2), F(2))
    assert intervals(cuts.retime(edit, "take")) == [(0, 0, 0), (1, F(1, 2), F(1, 2))]
    deleted = Timeline.of(TAKE).cut(F(1), F(3, 2))
    assert [row[0] for row in intervals(cuts.retime(deleted, "take"))] == [0, 2]


def test_rows_of_unused_sources_are_dropped() -> None:
    other = FileSource("film", F(30000, 1001), "a.mp4", "b" * 64, length=30)
    edit = Timeline.of(other).add_source(TAKE)
    assert len(tier().retime(edit, "take")) == 0
    retimed = tier().retime(edit.splice(edit.duration, [Span("take", 5, 15)]), "take")
    begin = F(1001, 1000)
    assert intervals(retimed) == [(0, begin, begin + F(1, 2)), (1, begin + F(1, 2), begin + 1)]
    with pytest.raises(UsageError, match="Unknown source 'voice'"):
        tier().retime(edit, "voice")


def test_times_beyond_63_bits_are_rejected() -> None:
    fine = tier(time_base=F(1, 10**9 + 7), ends=[2**61, 2**61])
    with pytest.raises(ArrayError, match="exceed 63 bits"):
        fine.retime(Timeline.of(TAKE), "take")


def splices() -> st.SearchStrategy[list[tuple[int, int, int, int]]]:
    return st.lists(st.tuples(*[st.integers(0, 100)] * 4), max_size=5)


def edited(steps: list[tuple[int, int, int, int]]) -> Timeline:
    """Return a timeline after some splices, given in tenths of a second."""
    state = Timeline.of(TAKE)
    for a, b, c, d in steps:
        begin, end = sorted((min(F(a, 10), state.duration), min(F(b, 10), state.duration)))
        first, last = sorted((c, d))
        state = state.splice(begin, [Span("take", first, last)] if first < last else [], end=end)
    return state


@given(splices(), st.lists(st.tuples(st.integers(0, 90), st.integers(0, 10)), max_size=8))
def test_rows_play_exactly_with_their_source(
    steps: list[tuple[int, int, int, int]], rows: list[tuple[int, int]]
) -> None:
    rows = sorted(rows)
    starts, lengths = np.array(rows, np.int64).reshape(-1, 2).T
    some = tier(len(rows), starts=starts, ends=starts + lengths)
    timeline = edited(steps)
    retimed = some.retime(timeline, "take")
    for tenth in range(int(timeline.duration * 10)):
        time = F(tenth, 10)
        _, source_time = timeline.at(time)
        now, then = retimed.at(time), some.at(source_time)
        assert set(now.ids.tolist()) == set(then.ids.tolist())
    assert all(np.diff(retimed.starts) >= 0)
    assert retimed.ends.max(initial=0) * retimed.time_base <= timeline.duration


@given(splices())
def test_undone_edits_do_not_change_tracks(steps: list[tuple[int, int, int, int]]) -> None:
    timeline = edited(steps)
    tracks = Tracks({"words": WORDS})
    before = tracks.retime(Timeline.of(TAKE), "take")
    assert tracks.retime(timeline.undo(timeline.applied), "take") == before
    assert intervals(before.tiers["words"]) == intervals(WORDS)


def test_json_and_pickle_round_trip() -> None:
    full = tier(
        confidence=[[0.25, np.nan], [1, 0]],
        columns={"points": np.full((2, 2, 2), np.nan), "text": ["a", "ü"], "seen": [True, False]},
        classes=("car",),
    )
    empty = tier(0, columns={"box": np.zeros((0, 4)), "text": np.zeros(0, "U1")})
    tracks = Tracks({"full": full, "empty": empty})
    text = json.dumps(tracks.to_dict(), allow_nan=False)
    assert Tracks.from_dict(json.loads(text)) == tracks
    assert pickle.loads(pickle.dumps(tracks)) == tracks  # noqa: S301


def test_equality_compares_all_fields() -> None:
    columns = {"text": ["a", "b"]}
    assert tier(columns=columns) == tier(columns=columns)
    assert tier(columns=columns) != tier(columns={"text": ["a", "c"]})
    assert tier(columns=columns) != tier()
    assert tier() != tier(confidence=[0.5, np.nan])
    assert tier() != tier(columns={"n": [1, 2]})
    assert tier(columns={"n": [1.0, 2.0]}) != tier(columns={"n": [1, 2]})
    assert tier() != tier(time_base=F(1, 20))
    assert tier() != "tier"


@pytest.mark.parametrize("tiers", [{"": WORDS}, {"words": [1, 2]}])
def test_tracks_reject_other_types(tiers: dict[str, Any]) -> None:
    with pytest.raises(ArrayError, match="Tracks map names to tiers"):
        Tracks(tiers)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tracks": 9}, "version 9: expected 1"),
        ({"tiers": {"words": {}}}, "'time_base'"),
        ({"tiers": [1]}, "incomplete or malformed"),
    ],
)
def test_invalid_json_is_rejected(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Tracks.from_dict(Tracks({"words": WORDS}).to_dict() | change)
