"""The registry: from names to objects, which are imported only when they are loaded.

Each package in `PACKAGES` declares what it adds in its `entries.py`. Third parties add theirs
through entry points: a package that declares

    [project.entry-points."kinoloom.ops"]
    sparkle = "sparkle.ops:sparkle"

has its op listed and run next to the built-in ones. Two entries of one name are an error.
"""

from __future__ import annotations

import importlib
import typing
from difflib import get_close_matches
from functools import cache
from importlib import metadata
from typing import Any, Literal

from kinoloom.base.declarations import Entries
from kinoloom.errors import RegistryError

PACKAGES = (
    *("base", "media", "runtime", "learn"),
    *("film", "enhance", "clifford", "tiny", "pipelines", "studio"),
)
"""Packages of kinoloom that have an `entries.py`, in the order of the command line's help."""

Kind = Literal[
    "ops",
    "files",
    "interpolators",
    "cards",
    "recognizers",
    "checks",
    "pages",
    "presets",
    "commands",
]
KINDS: tuple[Kind, ...] = typing.get_args(Kind)


def names(kind: Kind) -> list[str]:
    """Return all names of a kind, built-in ones first, in the order of their declaration."""
    return list(_table(kind))


def declarations(kind: Kind) -> list[tuple[str, str]]:
    """Return the name and the path of each entry, also where two packages declare one name."""
    found = [
        (name, f"{package}.{entry if isinstance(entry, str) else entry.path}")
        for package, entries in _built_in().items()
        for name, entry in getattr(entries, kind).items()
    ]
    return found + _entry_points()[kind]


def load(kind: Kind, name: str) -> Any:
    """Import and return an entry.

    Raises:
        RegistryError: the name is unknown (the message lists close ones), or its path cannot be
            imported.
    """
    table = _table(kind)
    if name not in table:
        close = get_close_matches(name, table)
        raise RegistryError(
            f"Unknown {_singular(kind)} '{name}'.",
            hint=f"Did you mean {' or '.join(close)}?" if close else f"Known: {', '.join(table)}.",
        )
    return load_path(table[name], name)


def load_path(path: str, name: str) -> Any:
    """Import and return the object at a dotted path.

    Args:
        path: "module:attribute".
        name: of the entry, for the error message.

    Raises:
        RegistryError: the module cannot be imported, or has no such attribute.
    """
    module_name, _, attribute = path.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise RegistryError(
            f"The entry '{name}' is declared as {path}, which cannot be imported: {error}."
        ) from error
    if not hasattr(module, attribute):
        raise RegistryError(
            f"The entry '{name}' is declared as {path}, but {module_name} has no '{attribute}'."
        )
    return getattr(module, attribute)


def op_summary(name: str) -> str:
    """Return the one-line summary of an op; only ops of other packages are imported for it.

    Raises:
        RegistryError: as `load`.
    """
    for entries in _built_in().values():
        if name in entries.ops:
            return entries.ops[name].summary
    summary: str = load("ops", name).summary
    return summary


def command_summary(name: str) -> str:
    """Return the one-line summary of a command that is not an op."""
    for entries in _built_in().values():
        if name in entries.commands:
            return entries.commands[name].summary
    return (load("commands", name).__doc__ or "").partition("\n")[0]


def group_help(name: str) -> str:
    """Return the help sentence of a command group ("bench", "fields.make").

    Groups that only another package's entry points create list their commands.
    """
    for entries in _built_in().values():
        if name in entries.groups:
            return entries.groups[name]
    below = [one.replace(".", " ") for one in names("ops") if one.startswith(f"{name}.")]
    return f"Commands: {', '.join(below)}."


def refresh() -> None:
    """Read entry points again, after a package was installed or removed."""
    _entry_points.cache_clear()
    _table.cache_clear()


@cache
def _entry_points() -> dict[Kind, list[tuple[str, str]]]:
    """Return name and path of what other packages add; reading all that are installed is slow."""
    points = metadata.entry_points()
    return {
        kind: [(point.name, point.value) for point in points.select(group=f"kinoloom.{kind}")]
        for kind in KINDS
    }


@cache
def _built_in() -> dict[str, Entries]:
    """The entries of each package of kinoloom, by its dotted name."""
    packages = [f"kinoloom.{name}" for name in PACKAGES]
    return {name: importlib.import_module(f"{name}.entries").ENTRIES for name in packages}


@cache
def _table(kind: Kind) -> dict[str, str]:
    table: dict[str, str] = {}
    for name, path in declarations(kind):
        _add(table, kind, name, path)
    return table


def _add(table: dict[str, str], kind: Kind, name: str, path: str) -> None:
    if name in table:
        raise RegistryError(
            f"Two packages declare the {_singular(kind)} '{name}': {table[name]} and {path}.",
            hint="Uninstall one of them, or rename its entry point.",
        )
    table[name] = path


def _singular(kind: Kind) -> str:
    words = {"files": "file type", "interpolators": "engine", "cards": "model"}
    return words.get(kind, kind.removesuffix("s"))
