"""Garbage collection: old executions with their logs and outputs, and unreferenced contents.

The latest executions of each pipeline are kept, and those whose outputs later executions reuse or
that registered a package.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinoloom.errors import ExecutionError
from kinoloom.pipelines.local.storage.objects import remove
from kinoloom.pipelines.local.storage.workspace import Workspace

_FINAL = ("Succeeded", "Failed", "Stopped")


@dataclass(frozen=True)
class Freed:
    """What was, or would be, removed.

    Attributes:
        executions: The executions' ids.
        blobs: The number of contents.
        bytes: The size of the contents.
    """

    executions: tuple[str, ...]
    blobs: int
    bytes: int


def collect_garbage(workspace: Workspace, keep: int, *, dry_run: bool) -> Freed:
    """Remove old executions and unreferenced contents.

    Args:
        workspace: The workspace.
        keep: The number of latest executions kept for each pipeline.
        dry_run: Only report what would be removed.

    Raises:
        ExecutionError: An execution is running; its outputs are not referenced yet.
    """
    rows = workspace.state.query("SELECT * FROM executions ORDER BY created DESC")
    for row in rows:
        if row["status"] not in _FINAL and workspace.is_running(row["id"]):
            raise ExecutionError(
                f"Execution {row['id']} is running: wait until it has finished, or stop it."
            )
    old = _find_old(workspace, rows, keep)
    blobs = _find_unreferenced(workspace, old)
    freed = Freed(tuple(old), len(blobs), sum(blob.stat().st_size for blob in blobs))
    if not dry_run:
        for execution in old:
            _remove(workspace, execution)
        for blob in blobs:
            blob.unlink()
            with contextlib.suppress(OSError):  # the folder has other blobs
                blob.parent.rmdir()
    return freed


def _find_old(workspace: Workspace, rows: list[dict[str, Any]], keep: int) -> list[str]:
    queries = (
        "SELECT source AS id FROM steps WHERE source <> ''",
        "SELECT execution AS id FROM packages",
    )
    needed = {row["id"] for query in queries for row in workspace.state.query(query)}
    seen: dict[str, int] = {}
    old = []
    for row in rows:
        seen[row["pipeline"]] = seen.get(row["pipeline"], 0) + 1
        if seen[row["pipeline"]] > keep and row["id"] not in needed:
            old.append(row["id"])
    return old


def _find_unreferenced(workspace: Workspace, old: list[str]) -> list[Path]:
    """Return the blobs that no remaining step's outputs refer to."""
    store, removed = workspace.store, set(old)
    needed: set[str] = set()
    for row in workspace.state.query("SELECT execution, outputs FROM steps"):
        if row["execution"] not in removed:
            for digest in row["outputs"].values():
                needed |= {digest, *(entry.digest for entry in store.tree(digest) or ())}
    return [path for path in store.blobs() if path.parent.name + path.name not in needed]


def _remove(workspace: Workspace, execution: str) -> None:
    for row in workspace.state.query("SELECT * FROM steps WHERE execution = ?", execution):
        for uri in _iter_own_addresses(row["properties"], execution):
            remove(workspace.objects.path(uri))
    remove(workspace.root / "runs" / execution)
    workspace.state.execute(
        ("DELETE FROM steps WHERE execution = :id", {"id": execution}),
        ("DELETE FROM models WHERE execution = :id", {"id": execution}),
        ("DELETE FROM executions WHERE id = :id", {"id": execution}),
    )


def _iter_own_addresses(value: Any, execution: str) -> Iterator[str]:
    """Yield addresses up to the part with the execution's id: what is below belongs to it alone."""
    if isinstance(value, dict):
        for item in value.values():
            yield from _iter_own_addresses(item, execution)
    elif isinstance(value, list):
        for item in value:
            yield from _iter_own_addresses(item, execution)
    elif isinstance(value, str) and (
        match := re.match(rf"s3://[^/]+/(?:[^/]+/)*?[^/]*{re.escape(execution)}[^/]*", value)
    ):
        yield match[0]
