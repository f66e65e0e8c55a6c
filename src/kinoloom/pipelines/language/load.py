"""Loading: from text or a file to a checked definition and its graph."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from kinoloom.errors import DefinitionError, InputNotFoundError, UnreadableMediaError
from kinoloom.pipelines.language.grammar import DEFINITION
from kinoloom.pipelines.language.graph import Graph, build_graph
from kinoloom.pipelines.language.model import Definition
from kinoloom.pipelines.language.problems import Problems
from kinoloom.pipelines.language.references import check_references


@dataclass(frozen=True)
class Checked:
    """A valid definition and its graph."""

    definition: Definition
    graph: Graph


def load_file(path: Path) -> Checked:
    """Read and check the definition in a UTF-8 file.

    Raises:
        InputNotFoundError: The file does not exist.
        UnreadableMediaError: The file cannot be read, or is not text.
        DefinitionError: The definition is invalid.
    """
    try:
        content = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InputNotFoundError(f"The file {path} does not exist.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableMediaError(f"Cannot read {path} as text: {error}.") from error
    return load_text(content)


def load_text(content: str) -> Checked:
    """Check a definition in JSON text.

    References are checked only if all shapes are valid.

    Raises:
        DefinitionError: The text is not JSON, or the definition is invalid; the message has the
            JSON path of every problem.
    """
    try:
        raw = json.loads(content, object_pairs_hook=_unique_keys, parse_constant=_reject_constant)
    except RecursionError as error:
        raise DefinitionError("The pipeline definition is nested too deeply.") from error
    except json.JSONDecodeError as error:
        raise DefinitionError(
            f"The pipeline definition is not JSON: line {error.lineno}, column {error.colno}: "
            f"{error.msg}."
        ) from error
    except DefinitionError:
        raise
    except ValueError as error:  # Python converts at most 4300 digits
        raise DefinitionError(
            "The pipeline definition has a number with too many digits."
        ) from error
    return check(raw)


def check(raw: Any) -> Checked:
    """Check a definition in plain JSON values.

    Raises:
        DefinitionError: See `load_text`.
    """
    problems = Problems()
    try:
        DEFINITION.check(raw, "$", problems)
        problems.raise_if_any()
        definition = Definition.from_json(raw)
        check_references(definition, problems)
        problems.raise_if_any()
        return Checked(definition, build_graph(definition))
    except RecursionError as error:
        raise DefinitionError("The pipeline definition is nested too deeply.") from error


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise DefinitionError(
            f"The pipeline definition is ambiguous: an object repeats the key '{repeated}'."
        )
    return unique


def _reject_constant(word: str) -> NoReturn:
    raise DefinitionError(f"The pipeline definition has the value {word}, which is not JSON.")
