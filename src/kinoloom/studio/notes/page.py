"""The page Notes and its kind of document.

A note is {"title": text, "paragraphs": [{"id": text, "text": text}, ...]}. Changes:

    {"type": "title", "text", "was"}             a new title
    {"type": "insert", "id", "after", "text"}    a new paragraph after another one; after "": first
    {"type": "edit", "id", "text", "was"}        another text of a paragraph
    {"type": "remove", "id"}                     no paragraph

`was` is the text that the person saw: an edit of a text that someone else has edited since is
rejected, and the person sees both.
"""

from __future__ import annotations

from typing import Any

from kinoloom.base.page import Document, Page
from kinoloom.base.page.documents import Change, State
from kinoloom.errors import UsageError

MAX_TEXT = 20_000
"""Characters of a paragraph."""
MAX_PARAGRAPHS = 5_000


def create_note() -> State:
    """Return an empty note."""
    return {"title": "", "paragraphs": []}


def check_change(note: State, change: Change) -> None:
    """Check that a change fits a note.

    Raises:
        UsageError: it is malformed, or the note has changed since.
    """
    kind = change["type"]
    if kind not in ("title", "insert", "edit", "remove"):
        raise UsageError(f"'{kind}' is not a change of a note.")
    if "text" in change and (not isinstance(change["text"], str) or len(change["text"]) > MAX_TEXT):
        raise UsageError(f"A text may have {MAX_TEXT:,} characters.")
    if kind == "title":
        _check_was(note["title"], change)
        return
    if not isinstance(change["id"], str) or not 0 < len(change["id"]) <= 40:
        raise UsageError("The id of a paragraph has 1 to 40 characters.")
    place = _find(note, change["id"])
    if kind == "insert":
        _check_insert(note, change, place)
    elif place is None:
        raise UsageError("This paragraph was removed.")
    elif kind == "edit":
        _check_was(note["paragraphs"][place]["text"], change)


def apply_change(note: State, change: Change) -> State:
    """Return the note after a change."""
    if change["type"] == "title":
        return {**note, "title": change["text"]}
    paragraphs = list(note["paragraphs"])
    place = _find(note, change["id"])
    if change["type"] == "insert":
        after = _find(note, change["after"])
        at = 0 if after is None else after + 1
        paragraphs.insert(at, {"id": change["id"], "text": change["text"]})
    elif place is not None and change["type"] == "edit":
        paragraphs[place] = {**paragraphs[place], "text": change["text"]}
    elif place is not None:
        del paragraphs[place]
    return {**note, "paragraphs": paragraphs}


def invert_change(note: State, change: Change) -> Change:
    """Return the change that undoes a change of a note."""
    kind = change["type"]
    if kind == "title":
        return {"type": "title", "text": note["title"], "was": change["text"]}
    if kind == "insert":
        return {"type": "remove", "id": change["id"]}
    place = _find(note, change["id"]) or 0
    text = note["paragraphs"][place]["text"]
    if kind == "edit":
        return {"type": "edit", "id": change["id"], "text": text, "was": change["text"]}
    after = note["paragraphs"][place - 1]["id"] if place else ""
    return {"type": "insert", "id": change["id"], "after": after, "text": text}


def _check_insert(note: State, change: Change, place: int | None) -> None:
    if place is not None:
        raise UsageError("There is a paragraph of this id.")
    if change["after"] and _find(note, change["after"]) is None:
        raise UsageError("The paragraph before it was removed.")
    if len(note["paragraphs"]) >= MAX_PARAGRAPHS:
        raise UsageError(f"A note may have {MAX_PARAGRAPHS:,} paragraphs.")
    if not isinstance(change["text"], str):
        raise UsageError("A paragraph needs a text.")


def _check_was(text: str, change: Change) -> None:
    if not isinstance(change["text"], str):
        raise UsageError("The change needs a text.")
    if change["was"] != text:
        raise UsageError("Someone else has edited this text since.")


def _find(note: State, name: Any) -> int | None:
    return next((k for k, one in enumerate(note["paragraphs"]) if one["id"] == name), None)


NOTE = Document(create_note, apply_change, check_change, invert_change)

PAGE = Page(
    name="notes",
    title="Notes",
    icon="edit",
    summary="Write down what you see, alone or together",
    module="kinoloom.studio.notes:notes.js",
    documents={"note": "kinoloom.studio.notes.page:NOTE"},
    order=900,
)
