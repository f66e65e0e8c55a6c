"""The `Context` of calls and feeds: it checks paths, and passes the rest on to the server."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kinoloom.base.page import Person, StartedJob
from kinoloom.studio.folders.tree import Tree


class AskingContext:
    """See `base.page.Context`; the same in a thread of the server and in a warm process.

    Args:
        tree: the folders.
        person: who called.
        ask: asks the server for "start", "document" or "change" with values; blocks.
        cancelled: whether nobody needs the answer any more.
    """

    def __init__(
        self,
        tree: Tree,
        person: Person,
        ask: Callable[[str, Mapping[str, Any]], Any],
        cancelled: Callable[[], bool],
    ) -> None:
        self._tree, self._ask = tree, ask
        self.folder, self.person = tree.first, person
        self.cancelled = cancelled

    def path(self, text: str) -> Path:
        """Return the file of a path as pages write it."""
        return self._tree.resolve(text)

    def start(
        self,
        op: str,
        inputs: Sequence[str],
        options: Mapping[str, Any],
        *,
        output: str | None = None,
    ) -> StartedJob:
        """Start a job."""
        values = {"op": op, "inputs": list(inputs), "options": dict(options), "output": output}
        return StartedJob(**self._ask("start", values))

    def document(self, kind: str, name: str) -> Mapping[str, Any]:
        """Return the state of a document of this page."""
        state: Mapping[str, Any] = self._ask("document", {"kind": kind, "name": name})
        return state

    def change(self, kind: str, name: str, change: Mapping[str, Any], *, key: str = "") -> int:
        """Change a document of this page as the person does."""
        values = {"kind": kind, "name": name, "change": change, "key": key}
        return int(self._ask("change", values))
