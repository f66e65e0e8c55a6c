"""Values of `--set`: parameters of a pipeline, or outputs of a callback."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.language.model import Definition

_BOOLEANS = {"true": True, "false": False}


def parse_parameters(text: str, definition: Definition) -> dict[str, Any]:
    """Return values of a definition's parameters; see `parse_values`.

    Raises:
        UsageError: See `parse_values`.
    """
    return parse_values(text, {one.name: one.type for one in definition.parameters})


def parse_values(text: str, types: Mapping[str, str]) -> dict[str, Any]:
    """Return the values in "NAME=VALUE,NAME=VALUE" or in a JSON object.

    Args:
        text: The text.
        types: "String", "Integer", "Float" or "Boolean" by name; other names are text.

    Raises:
        UsageError: The text is neither of the two.
    """
    if text.lstrip().startswith("{"):
        try:
            return dict(json.loads(text))
        except (ValueError, RecursionError) as error:
            raise UsageError(f"--set is not valid JSON: {error}.") from error
    values = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"--set must be NAME=VALUE or a JSON object, not '{pair}'.")
        values[name.strip()] = _convert(value, types.get(name.strip(), "String"))
    return values


def _convert(text: str, value_type: str) -> Any:
    """Return text as a value of a type; invalid text stays text, which the session rejects."""
    try:
        if value_type == "Integer":
            return int(text)
        if value_type == "Float":
            return float(text)
    except ValueError:
        return text
    return _BOOLEANS.get(text.lower(), text) if value_type == "Boolean" else text
