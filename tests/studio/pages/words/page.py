"""A text of many words: paragraphs that are edited one at a time, with exact undo."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kinoloom.base.options import option
from kinoloom.base.page import Context, Document, Page, call
from kinoloom.errors import UsageError

PARAGRAPH_WORDS = 60
_SYLLABLES = ("ka", "lo", "mi", "ren", "tu", "sa", "vel", "dor", "ni", "pe")


@dataclass(frozen=True)
class TextOptions:
    """How long the text is."""

    words: int = option(10_000, "Number of words", low=1, high=100_000)
    name: str = option("talk", "Name of the document")


@call(cost="io", role="editor")
def generate(context: Context, options: TextOptions) -> dict[str, int]:
    """Fill an empty document with a generated text."""
    if context.document("text", options.name)["paragraphs"]:
        return {"words": 0}
    chance = random.Random(options.words)
    words = ["".join(chance.choices(_SYLLABLES, k=2)) for _ in range(options.words)]
    rows = [words[k : k + PARAGRAPH_WORDS] for k in range(0, len(words), PARAGRAPH_WORDS)]
    paragraphs = [{"id": f"p{k}", "text": " ".join(row)} for k, row in enumerate(rows)]
    context.change("text", options.name, {"type": "fill", "paragraphs": paragraphs}, key="fill")
    return {"words": len(words)}


def _check(state: Any, change: Mapping[str, Any]) -> None:
    kind = change["type"]
    if kind == "fill" and not (state["paragraphs"] and change["paragraphs"]):
        return
    if kind == "edit" and isinstance(change["text"], str):
        if state["paragraphs"][_find(state, change["id"])]["text"] == change["was"]:
            return
        raise UsageError("Someone else has edited this paragraph since.")
    raise UsageError(f"The text cannot '{kind}'.")


def _apply(state: Any, change: Mapping[str, Any]) -> Any:
    if change["type"] == "fill":
        return {"paragraphs": change["paragraphs"]}
    paragraphs = list(state["paragraphs"])
    place = _find(state, change["id"])
    paragraphs[place] = {**paragraphs[place], "text": change["text"]}
    return {"paragraphs": paragraphs}


def _invert(state: Any, change: Mapping[str, Any]) -> dict[str, Any]:
    if change["type"] == "fill":
        return {"type": "fill", "paragraphs": state["paragraphs"]}
    return {"type": "edit", "id": change["id"], "text": change["was"], "was": change["text"]}


def _find(state: Any, name: str) -> int:
    return next(k for k, one in enumerate(state["paragraphs"]) if one["id"] == name)


def _create() -> Any:
    return {"paragraphs": []}


TEXT = Document(_create, _apply, _check, _invert)

PAGE = Page(
    name="words",
    title="Words",
    icon="speech",
    summary="A long text",
    module="words:client/words.js",
    calls={"generate": "words.page:generate"},
    documents={"text": "words.page:TEXT"},
    order=310,
)
