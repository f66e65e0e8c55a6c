"""Document: a state that pages edit by small changes, kept as a log of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kinoloom.base.page.context import Role

State = Any
"""A plain value: what JSON can hold. It is never modified in place."""
Change = Mapping[str, Any]
"""One change, a plain dict; its "type" says which."""


@dataclass(frozen=True)
class Document:
    """How the states of a kind of document follow from changes.

    The server and every tab apply the same changes in the same order. The log is the document:
    every state can be computed again, and undoing is a change, too.

    Attributes:
        initial: returns the state of a new document.
        reduce: (state, change) -> the next state; pure and total for valid changes. A change made
            on an older state is applied to the newest one.
        validate: (state, change) -> None; raises UsageError with a sentence for the person if the
            change is malformed or does not fit the state.
        invert: (state before, change) -> the change that undoes it. None: a document is undone by
            computing its state without the change.
        role: the least role of the person who may change it.
        is_signed: whether the server writes the name of the person into `change["person"]`,
            whatever the client sends, so that states can show who did what.
    """

    initial: Callable[[], State]
    reduce: Callable[[State, Change], State]
    validate: Callable[[State, Change], None]
    invert: Callable[[State, Change], Change] | None = None
    role: Role = "editor"
    is_signed: bool = False
