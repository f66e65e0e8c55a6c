"""Histories of documents: undo is exact, rebased changes converge, snapshots change nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinoloom.base.page import Document
from kinoloom.errors import UsageError
from kinoloom.studio.documents.history import ConflictError, Entry, History
from kinoloom.studio.notes.page import NOTE


def check_set(state: dict[str, int], change: Mapping[str, Any]) -> None:
    """A change sets a name to a number, or removes a name that must be there."""
    if change["type"] == "remove" and change["name"] not in state:
        raise UsageError(f"There is no {change['name']}.")


def apply_set(state: dict[str, int], change: Mapping[str, Any]) -> dict[str, int]:
    if change["type"] == "remove":
        return {name: value for name, value in state.items() if name != change["name"]}
    return {**state, change["name"]: change["value"]}


def invert_set(state: dict[str, int], change: Mapping[str, Any]) -> dict[str, Any]:
    name = change["name"]
    if name in state:
        return {"type": "set", "name": name, "value": state[name]}
    return {"type": "remove", "name": name}


BY_INVERSE = Document(dict, apply_set, check_set, invert_set)
BY_LOG = Document(dict, apply_set, check_set)
KINDS = pytest.mark.parametrize("kind", [BY_INVERSE, BY_LOG], ids=["by inverse", "by log"])

NAMES = st.sampled_from("abc")
CHANGES = st.one_of(
    st.builds(lambda n, v: {"type": "set", "name": n, "value": v}, NAMES, st.integers(0, 9)),
    st.builds(lambda n: {"type": "remove", "name": n}, NAMES),
)
PEOPLE = st.sampled_from(["Ada", "Bo"])
STEPS = st.lists(
    st.tuples(PEOPLE, st.one_of(CHANGES, st.just("undo"), st.just("redo"))), max_size=40
)
Step = tuple[str, Any]


def run(history: History, steps: Sequence[Step]) -> list[Entry]:
    """Carry out steps; those that do not fit are left out."""
    entries = []
    for number, (person, step) in enumerate(steps):
        key = f"k{history.seq}-{number}"
        try:
            if step == "undo":
                entry = history.undo(person, key)
            elif step == "redo":
                entry = history.redo(person, key)
            else:
                entry = history.change(step, person, key, based_on=history.seq)
        except (UsageError, ConflictError):
            continue
        if entry is not None:
            entries.append(entry)
    return entries


@KINDS
@given(steps=STEPS, more=st.lists(CHANGES, min_size=1, max_size=10))
def test_undo_and_redo_are_exact(kind: Document, steps: list[Step], more: list[Any]) -> None:
    history = History(kind)
    run(history, steps)
    states = [history.state]
    states += [history.state for change in more if run(history, [("Cy", change)])]
    for state in reversed(states[:-1]):
        assert history.undo("Cy", f"u{history.seq}") is not None
        assert history.state == state
    assert history.undo("Cy", "none") is None
    for state in states[1:]:
        assert history.redo("Cy", f"r{history.seq}") is not None
        assert history.state == state
    assert history.redo("Cy", "none") is None


@KINDS
@given(steps=STEPS, cut=st.integers(0, 40))
def test_a_reloaded_history_is_the_same(kind: Document, steps: list[Step], cut: int) -> None:
    history = History(kind)
    entries = run(history, steps[:cut])
    snapshot = history.seq, history.state
    entries += run(history, steps[cut:])
    for snapshots in ([], [snapshot], [(history.seq, history.state)]):
        loaded = History(kind, entries, snapshots)
        assert (loaded.seq, loaded.state) == (history.seq, history.state)
        more = [("Ada", "undo"), ("Bo", "undo"), ("Ada", "redo"), ("Bo", "redo")]
        again = History(kind, entries)
        run(again, more)
        run(loaded, more)
        assert loaded.state == again.state


@given(steps=STEPS)
def test_a_client_that_applies_the_entries_converges(steps: list[Step]) -> None:
    history = History(BY_INVERSE)
    state: dict[str, int] = {}
    for entry in run(history, steps):
        assert entry.change is not None
        state = apply_set(state, entry.change)
    assert state == history.state


@given(
    texts=st.lists(st.text(max_size=5), min_size=1, max_size=6),
    edits=st.lists(st.tuples(st.integers(0, 7), st.sampled_from(["edit", "remove", "insert"]))),
)
def test_undo_of_notes_is_exact(texts: list[str], edits: list[tuple[int, str]]) -> None:
    history = History(NOTE)
    states = [history.state]
    after = ""
    for number, text in enumerate(texts):
        name = f"p{number}"
        change = {"type": "insert", "id": name, "after": after, "text": text}
        history.change(change, "Ada", f"i{number}", based_on=history.seq)
        states.append(history.state)
        after = name
    for number, (place, kind) in enumerate(edits):
        paragraphs = history.state["paragraphs"]
        if not paragraphs:
            break
        one = paragraphs[place % len(paragraphs)]
        changes = {
            "edit": {"type": "edit", "id": one["id"], "text": f"{number}", "was": one["text"]},
            "remove": {"type": "remove", "id": one["id"]},
            "insert": {"type": "insert", "id": f"n{number}", "after": one["id"], "text": "x"},
        }
        history.change(changes[kind], "Ada", f"e{number}", based_on=history.seq)
        states.append(history.state)
    for state in reversed(states[:-1]):
        history.undo("Ada", f"u{history.seq}")
        assert history.state == state


@KINDS
def test_a_change_on_an_older_state_is_rebased_or_rejected(kind: Document) -> None:
    history = History(kind)
    history.change({"type": "set", "name": "a", "value": 1}, "Ada", "1", based_on=0)
    seen = history.seq
    history.change({"type": "remove", "name": "a"}, "Bo", "2", based_on=seen)
    history.change({"type": "set", "name": "b", "value": 2}, "Ada", "3", based_on=seen)
    assert history.state == {"b": 2}
    with pytest.raises(ConflictError, match="There is no a"):
        history.change({"type": "remove", "name": "a"}, "Ada", "4", based_on=seen)
    with pytest.raises(UsageError, match="There is no a"):
        history.change({"type": "remove", "name": "a"}, "Ada", "5", based_on=history.seq)
    for malformed in ({}, {"type": "remove"}, {"type": "remove", "name": []}):
        with pytest.raises(UsageError, match=r"malformed|There is no"):
            history.change(malformed, "Ada", "6", based_on=history.seq)
    assert history.state == {"b": 2}


@KINDS
def test_an_undo_on_which_others_depend_is_rejected(kind: Document) -> None:
    history = History(kind)
    history.change({"type": "set", "name": "a", "value": 1}, "Ada", "1", based_on=0)
    history.change({"type": "remove", "name": "a"}, "Bo", "2", based_on=1)
    with pytest.raises(ConflictError, match="depend on it"):
        history.undo("Ada", "3")
    assert history.state == {}
    assert history.undo("Bo", "4") is not None
    assert history.undo("Ada", "5") is not None
    assert history.state == {}


@KINDS
def test_people_undo_their_own_changes(kind: Document) -> None:
    history = History(kind)
    history.change({"type": "set", "name": "a", "value": 1}, "Ada", "1", based_on=0)
    history.change({"type": "set", "name": "b", "value": 2}, "Bo", "2", based_on=1)
    entry = history.undo("Ada", "3")
    assert entry is not None
    assert (entry.verb, entry.target, entry.person) == ("undo", 1, "Ada")
    assert history.state == {"b": 2}
    assert history.undo("Ada", "4") is None
    history.change({"type": "set", "name": "c", "value": 3}, "Ada", "5", based_on=3)
    assert history.redo("Ada", "6") is None  # a new change ends what can be redone
