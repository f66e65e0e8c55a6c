"""Making room: old executions with their logs and outputs, and contents that nobody refers to.

Kept are the latest executions of each pipeline, those whose outputs later ones took over, and
those that registered packages came from.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinoloom.errors import ExecutionError
from kinoloom.pipelines.local.objects import clear
from kinoloom.pipelines.local.workspace import Workspace

_OVER = ("Succeeded", "Failed", "Stopped")


@dataclass(frozen=True)
class Freed:
    """What was, or would be, removed.

    Attributes:
        executions: their ids.
        blobs: how many contents.
        bytes: of these contents.
    """

    executions: tuple[str, ...]
    blobs: int
    bytes: int


def collect(workspace: Workspace, keep: int, *, dry: bool) -> Freed:
    """Remove what is old.

    Args:
        workspace: whose folder.
        keep: how many executions of each pipeline stay, the latest.
        dry: whether to look only.

    Raises:
        ExecutionError: an execution is running; what it makes is not referred to yet.
    """
    rows = workspace.state.rows("SELECT * FROM executions ORDER BY created DESC")
    for row in rows:
        if row["status"] not in _OVER and workspace.is_running(row["id"]):
            raise ExecutionError(f"The execution {row['id']} is running; wait for its end.")
    old = _old(workspace, rows, keep)
    blobs = _unreferred(workspace, old)
    freed = Freed(tuple(old), len(blobs), sum(blob.stat().st_size for blob in blobs))
    if not dry:
        for execution in old:
            _remove(workspace, execution)
        for blob in blobs:
            blob.unlink()
            with contextlib.suppress(OSError):  # others are beside it
                blob.parent.rmdir()
    return freed


def _old(workspace: Workspace, rows: list[dict[str, Any]], keep: int) -> list[str]:
    queries = (
        "SELECT source AS id FROM steps WHERE source <> ''",
        "SELECT execution AS id FROM packages",
    )
    needed = {row["id"] for query in queries for row in workspace.state.rows(query)}
    seen: dict[str, int] = {}
    old = []
    for row in rows:
        seen[row["pipeline"]] = seen.get(row["pipeline"], 0) + 1
        if seen[row["pipeline"]] > keep and row["id"] not in needed:
            old.append(row["id"])
    return old


def _unreferred(workspace: Workspace, old: list[str]) -> list[Path]:
    """The blobs that no output of a step that stays is made of."""
    store, gone = workspace.store, set(old)
    needed: set[str] = set()
    for row in workspace.state.rows("SELECT execution, outputs FROM steps"):
        if row["execution"] not in gone:
            for digest in row["outputs"].values():
                needed |= {digest, *(entry.digest for entry in store.tree(digest) or ())}
    return [path for path in store.blobs() if path.parent.name + path.name not in needed]


def _remove(workspace: Workspace, execution: str) -> None:
    for row in workspace.state.rows("SELECT * FROM steps WHERE execution = ?", execution):
        for uri in _own_addresses(row["properties"], execution):
            clear(workspace.objects.path(uri))
    clear(workspace.root / "runs" / execution)
    workspace.state.change(
        ("DELETE FROM steps WHERE execution = :id", {"id": execution}),
        ("DELETE FROM models WHERE execution = :id", {"id": execution}),
        ("DELETE FROM executions WHERE id = :id", {"id": execution}),
    )


def _own_addresses(value: Any, execution: str) -> Iterator[str]:
    """Addresses up to the part that holds the execution's id: all below is its alone."""
    if isinstance(value, dict):
        for item in value.values():
            yield from _own_addresses(item, execution)
    elif isinstance(value, list):
        for item in value:
            yield from _own_addresses(item, execution)
    elif isinstance(value, str) and (
        match := re.match(rf"s3://[^/]+/(?:[^/]+/)*?[^/]*{re.escape(execution)}[^/]*", value)
    ):
        yield match[0]
