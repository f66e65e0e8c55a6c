"""History: a document in memory, its log and its newest state; pure, without storage.

The log has changes, undos and redos. An undo reverts the newest change of the same person that is
not undone. Where the kind of document can invert changes, an undo is the inverse, applied to the
newest state. Otherwise the state is computed again from the log, without the change.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from kinoloom.base.page import Document
from kinoloom.base.page.documents import Change, State
from kinoloom.errors import UsageError
from kinoloom.studio.responses import RequestError

Verb = Literal["change", "undo", "redo"]


@dataclass(frozen=True)
class Entry:
    """One entry of the log.

    Attributes:
        seq: its number, from 1.
        key: chosen by the client; an entry is added once for each key.
        person: the name of who did it.
        time: in seconds since 1970.
        verb: "change", "undo" or "redo".
        target: the number of the change that an undo or a redo concerns, else 0.
        change: what reducers apply; None for an undo without an inverse.
        inverse: reverts `change`; None if the kind of document cannot invert.
    """

    seq: int
    key: str
    person: str
    time: float
    verb: Verb
    target: int
    change: Change | None
    inverse: Change | None = None

    def describe(self) -> dict[str, Any]:
        """Return what clients get; those that get no change must read the state again."""
        return {
            "seq": self.seq,
            "key": self.key,
            "person": self.person,
            "time": self.time,
            "verb": self.verb,
            "of": self.target or None,
            "change": self.change,
        }


class ConflictError(RequestError):
    """A change that no longer fits, because the document was changed since."""

    def __init__(self, reason: str) -> None:
        super().__init__(409, reason, "Look at the present version and change it again.")


@dataclass
class _Stack:
    """What a person can undo and redo, as numbers of changes; the newest is last."""

    undo: list[int] = field(default_factory=list)
    redo: list[int] = field(default_factory=list)


class History:
    """A document in memory.

    Args:
        kind: how its states follow from changes.
        entries: its whole log.
        snapshots: (number, state) of earlier states; the newest usable one saves time.
    """

    def __init__(
        self,
        kind: Document,
        entries: Sequence[Entry] = (),
        snapshots: Sequence[tuple[int, State]] = (),
    ) -> None:
        self._kind = kind
        self._entries: list[Entry] = []
        self._by_key: dict[str, Entry] = {}
        self._stacks: dict[str, _Stack] = {}
        self._undone: set[int] = set()
        self._inverses: dict[int, Change] = {}
        self._snapshots = list(snapshots)
        for entry in entries:
            self._record(entry)
        self.state = self._replay()

    @property
    def seq(self) -> int:
        """The number of the newest entry; 0 for a new document."""
        return len(self._entries)

    def find(self, key: str) -> Entry | None:
        """Return the entry with a key."""
        return self._by_key.get(key)

    def change(self, change: Change, person: str, key: str, *, based_on: int) -> Entry:
        """Apply a change to the newest state and return its entry.

        Args:
            change: of the kind of document.
            person: who makes it.
            key: a new one.
            based_on: the number of the state that the person saw.

        Raises:
            UsageError: the change is malformed.
            ConflictError: it fitted the state that the person saw, but not the newest one.
        """
        reason = self._find_fault(change)
        if reason and based_on < self.seq:
            raise ConflictError(reason)
        if reason:
            raise UsageError(reason)
        return self._apply("change", change, 0, person, key)

    def undo(self, person: str, key: str) -> Entry | None:
        """Revert the newest change of a person; None if there is none.

        Raises:
            ConflictError: later changes depend on it.
        """
        stack = self._stacks.get(person)
        return self._revert("undo", stack.undo, person, key) if stack and stack.undo else None

    def redo(self, person: str, key: str) -> Entry | None:
        """Make the change again that a person undid last; None if there is none.

        Raises:
            ConflictError: it no longer fits.
        """
        stack = self._stacks.get(person)
        return self._revert("redo", stack.redo, person, key) if stack and stack.redo else None

    def add_snapshot(self) -> None:
        """Remember the newest state."""
        self._snapshots.append((self.seq, self.state))

    def _revert(self, verb: Verb, stack: list[int], person: str, key: str) -> Entry:
        target = stack[-1]
        if self._kind.invert is not None:
            change = self._inverses[target]
            reason = self._find_fault(change)
            if reason:
                raise ConflictError(f"Later changes depend on it: {reason}")
            return self._apply(verb, change, target, person, key)
        undone = self._undone ^ {target}
        state = self._replay(undone, before=target)
        entry = Entry(self.seq + 1, key, person, time.time(), verb, target, None)
        self._record(entry)
        self.state = state
        return entry

    def _apply(self, verb: Verb, change: Change, target: int, person: str, key: str) -> Entry:
        invert = self._kind.invert
        inverse = invert(self.state, change) if invert is not None else None
        state = self._kind.reduce(self.state, change)
        entry = Entry(self.seq + 1, key, person, time.time(), verb, target, change, inverse)
        self._record(entry)
        self.state = state
        return entry

    def _record(self, entry: Entry) -> None:
        self._entries.append(entry)
        self._by_key[entry.key] = entry
        subject = entry.target or entry.seq
        if entry.inverse is not None:
            self._inverses[subject] = entry.inverse
        stack = self._stacks.setdefault(entry.person, _Stack())
        if entry.verb == "undo":
            stack.redo.append(stack.undo.pop())
            self._undone.add(subject)
        elif entry.verb == "redo":
            stack.undo.append(stack.redo.pop())
            self._undone.discard(subject)
        else:
            stack.undo.append(subject)
            stack.redo.clear()

    def _replay(self, undone: set[int] | None = None, before: int | None = None) -> State:
        """Compute the newest state from the newest usable snapshot.

        Args:
            undone: numbers of the changes to leave out; None: as in the log.
            before: the snapshot must be older than this entry.
        """
        seq, state = self._find_snapshot(before)
        left_out = (self._undone if undone is None else undone) if not self._kind.invert else set()
        for entry in self._entries[seq:]:
            if entry.change is None or entry.seq in left_out:
                continue
            if undone is not None:
                reason = find_fault(self._kind.validate, state, entry.change)
                if reason:
                    raise ConflictError(f"Later changes depend on it: {reason}")
            state = self._kind.reduce(state, entry.change)
        return state

    def _find_snapshot(self, before: int | None) -> tuple[int, State]:
        """Return the newest snapshot to which no later undo refers; `before` as in `_replay`."""
        for seq, state in reversed(self._snapshots):
            is_early = before is None or seq < before
            if is_early and (self._kind.invert or not self._is_revised(seq)):
                return seq, state
        return 0, self._kind.initial()

    def _is_revised(self, seq: int) -> bool:
        """Whether a later undo or redo refers to a change before a snapshot."""
        return any(0 < entry.target <= seq for entry in self._entries[seq:])

    def _find_fault(self, change: Change) -> str:
        return find_fault(self._kind.validate, self.state, change)


def find_fault(validate: Callable[[State, Change], None], state: State, change: Change) -> str:
    """Return why a change does not fit a state, or "".

    A validator that trips over a malformed change has found a fault, too.
    """
    try:
        validate(state, change)
    except UsageError as error:
        return str(error)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        return f"The change is malformed: {type(error).__name__}: {error}."
    return ""
