"""Lists of files: one folder, or a search through it and the folders below, sorted, in pages.

Pages are found by key, not by number: a file that appears or disappears between two of them moves
no other file from one to the next.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

from kinoloom.errors import InputNotFoundError, UsageError
from kinoloom.studio.folders.names import Kind, kind_of, natural_key
from kinoloom.studio.folders.tree import Tree, is_valid_name

MAX_PAGE = 200
MAX_SEARCHED = 500_000
"""Entries that one search looks at."""

Sort = Literal["name", "date", "size", "kind"]


class Entry(NamedTuple):
    """A file or a folder; a tuple, because a folder may have ten thousand.

    Attributes:
        path: as pages write it.
        name: its last part.
        kind: by the suffix.
        bytes: size of a file, 0 of a folder.
        modified_ns: time of the last modification in ns since 1970.
    """

    path: str
    name: str
    kind: Kind
    bytes: int
    modified_ns: int

    def to_dict(self) -> dict[str, Any]:
        """Return the entry as plain values."""
        return {
            "path": self.path,
            "name": self.name,
            "kind": self.kind,
            "bytes": self.bytes,
            "modified": self.modified_ns / 1e9,
        }


@dataclass(frozen=True)
class Order:
    """How entries are sorted; folders always come first.

    Attributes:
        sort: by what; equal ones by name.
        is_descending: whether the largest or newest comes first.
    """

    sort: Sort = "name"
    is_descending: bool = False

    def __post_init__(self) -> None:
        if self.sort not in get_args(Sort):
            raise UsageError(
                f"Files cannot be sorted by '{self.sort}'.",
                hint=f"Use {', '.join(get_args(Sort))}.",
            )

    def apply(self, entries: Sequence[Entry]) -> list[Entry]:
        """Return the entries in order."""
        groups: tuple[list[Entry], list[Entry]] = ([], [])
        for entry in entries:
            groups[entry.kind != "folder"].append(entry)
        return [
            entry
            for group in groups
            for entry in sorted(group, key=self._key, reverse=self.is_descending)
        ]

    def is_after(self, entry: Entry, mark: Entry) -> bool:
        """Whether an entry comes after another one."""
        if (entry.kind == "folder") != (mark.kind == "folder"):
            return mark.kind == "folder"
        if self.is_descending:
            return self._key(entry) < self._key(mark)
        return self._key(entry) > self._key(mark)

    def _key(self, entry: Entry) -> tuple[Any, ...]:
        values = {"date": entry.modified_ns, "size": entry.bytes, "kind": entry.kind}
        return (values.get(self.sort, 0), natural_key(entry.name), entry.path)


def list_folder(tree: Tree, folder: str) -> list[Entry]:
    """Return the files and folders in a folder, unsorted; hidden ones and links are left out.

    Raises:
        InputNotFoundError: there is no such folder.
    """
    if folder == "" and "" not in tree.roots:
        return [
            Entry(label, label, "folder", 0, root.stat().st_mtime_ns)
            for label, root in tree.roots.items()
        ]
    opened = tree.open_folder(folder)
    try:
        return list(_scan(opened, folder))
    finally:
        os.close(opened)


def search(tree: Tree, folder: str, query: str) -> tuple[list[Entry], bool]:
    """Return the entries in a folder and those below whose names contain all words of a query.

    Returns:
        The entries, and whether all were looked at; see `MAX_SEARCHED`.

    Raises:
        InputNotFoundError: there is no such folder.
    """
    words = query.casefold().split()
    found, waiting, looked_at = [], [*list_folder(tree, folder)], 0
    while waiting and looked_at < MAX_SEARCHED:
        entry = waiting.pop()
        looked_at += 1
        name = entry.name.casefold()
        if all(word in name for word in words):
            found.append(entry)
        if entry.kind == "folder":
            with suppress(InputNotFoundError):  # removed, or not readable
                waiting += list_folder(tree, entry.path)
    return found, not waiting


def select(
    entries: Sequence[Entry], order: Order, after: str, limit: int
) -> tuple[list[Entry], str]:
    """Return a page of sorted entries.

    Args:
        entries: all, unsorted.
        order: of the pages.
        after: the mark of the page before, or "" for the first one.
        limit: length of the page, at most `MAX_PAGE`.

    Returns:
        The page, and its mark for the next one, "" if it is the last.

    Raises:
        UsageError: an invalid mark or limit.
    """
    if not 1 <= limit <= MAX_PAGE:
        raise UsageError(f"A page has from 1 to {MAX_PAGE} files, not {limit}.")
    ordered = order.apply(entries)
    start = 0
    if after:
        mark = _parse_mark(after)
        while start < len(ordered) and not order.is_after(ordered[start], mark):
            start += 1
    page = ordered[start : start + limit]
    return page, _format_mark(page[-1]) if start + limit < len(ordered) else ""


def _scan(opened: int, folder: str) -> Iterator[Entry]:
    prefix = f"{folder}/" if folder else ""
    with os.scandir(opened) as entries:
        for one in entries:
            if not is_valid_name(one.name):
                continue
            with suppress(OSError):  # removed in the meantime
                state = one.stat(follow_symlinks=False)
                if stat.S_ISDIR(state.st_mode):
                    yield Entry(prefix + one.name, one.name, "folder", 0, state.st_mtime_ns)
                elif stat.S_ISREG(state.st_mode):
                    kind = kind_of(one.name)
                    yield Entry(prefix + one.name, one.name, kind, state.st_size, state.st_mtime_ns)


def _format_mark(entry: Entry) -> str:
    return json.dumps([entry.path, entry.kind, entry.bytes, entry.modified_ns])


def _parse_mark(text: str) -> Entry:
    try:
        path, kind, size, modified_ns = json.loads(text)
        return Entry(str(path), str(path).rpartition("/")[2], kind, int(size), int(modified_ns))
    except (ValueError, TypeError) as error:
        raise UsageError(f"'{text}' is not the mark of a page of files.") from error
