"""From text or a file to a checked definition and its graph."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from kinoloom.errors import DefinitionError, InputNotFoundError, UnreadableMediaError
from kinoloom.pipelines.language.grammar import DEFINITION
from kinoloom.pipelines.language.graph import Graph, graph_of
from kinoloom.pipelines.language.links import check_links
from kinoloom.pipelines.language.model import Definition
from kinoloom.pipelines.language.problems import Problems


@dataclass(frozen=True)
class Checked:
    """A definition that is right, and its graph."""

    definition: Definition
    graph: Graph


def load_file(path: Path) -> Checked:
    """Read and check the definition in a file, which is UTF-8.

    Raises:
        InputNotFoundError: there is no such file.
        UnreadableMediaError: it is not text, or cannot be read.
        DefinitionError: it is not a right definition.
    """
    try:
        content = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputNotFoundError(f"There is no file {path}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableMediaError(f"{path} cannot be read as text: {error}.") from error
    return load_text(content)


def load_text(content: str) -> Checked:
    """Check the definition in a text of JSON.

    Raises:
        DefinitionError: it is not JSON, or not a right definition; the message has the JSON path
            of every problem. Links are looked at once all shapes are right.
    """
    try:
        raw = json.loads(content, object_pairs_hook=_unique, parse_constant=_no_constant)
    except RecursionError as error:
        raise DefinitionError("The pipeline definition is nested too deep.") from error
    except json.JSONDecodeError as error:
        raise DefinitionError(
            f"The pipeline definition is not JSON: line {error.lineno}, column {error.colno}: "
            f"{error.msg}."
        ) from error
    return check(raw)


def check(raw: Any) -> Checked:
    """Check a definition given as plain JSON values.

    Raises:
        DefinitionError: as `load_text`.
    """
    problems = Problems()
    try:
        DEFINITION.check(raw, "$", problems)
        problems.raise_if_any()
        definition = Definition.from_json(raw)
        check_links(definition, problems)
        problems.raise_if_any()
        return Checked(definition, graph_of(definition))
    except RecursionError as error:
        raise DefinitionError("The pipeline definition is nested too deep.") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise DefinitionError(
            f"The pipeline definition is not clear: one object has the key '{twice}' twice."
        )
    return made


def _no_constant(word: str) -> NoReturn:
    raise DefinitionError(f"The pipeline definition holds {word}, which is not JSON.")
