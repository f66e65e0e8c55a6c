"""Evaluation of the language's values at run time."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kinoloom.errors import ExecutionError
from kinoloom.pipelines.language.problems import suggest
from kinoloom.pipelines.language.values import (
    Get,
    Join,
    JsonGet,
    Members,
    Value,
    parse_json_path,
    to_json,
)

_NAME_KEYS = ("OutputName", "InputName", "ChannelName", "Name", "Key")


@dataclass(frozen=True)
class Scope:
    """What values can refer to.

    Attributes:
        parameters: The parameters' values by name.
        execution: The execution variables by name.
        properties: Returns a step's properties.
        property_file: Returns the content of a step's property file.
        file: Returns the content of the JSON file at an address.
    """

    parameters: Mapping[str, Any]
    execution: Mapping[str, str]
    properties: Callable[[str], Any]
    property_file: Callable[[str, str], Any]
    file: Callable[[str], Any]

    def value(self, value: Value) -> Any:
        """Return the plain value.

        Raises:
            ExecutionError: A property, or a member of a file, does not exist.
            DefinitionError: The text of a path in a file is not a valid path.
        """
        if isinstance(value, Get):
            return self._get(value)
        if isinstance(value, Join):
            return value.on.join(as_text(self.value(item)) for item in value.values)
        if isinstance(value, JsonGet):
            return self._json_get(value)
        if isinstance(value, Mapping):
            return {key: self.value(item) for key, item in value.items()}
        if isinstance(value, Sequence) and not isinstance(value, str):
            return [self.value(item) for item in value]
        return value

    def _get(self, get: Get) -> Any:
        if get.kind == "Parameters":
            return self.parameters[get.name]
        if get.kind == "Execution":
            return self.execution.get(get.name, "")
        return find_member(self.properties(get.name), get.path, f"step '{get.name}'")

    def _json_get(self, value: JsonGet) -> Any:
        members = parse_json_path(as_text(self.value(value.path_text)))
        if value.property_file is not None:
            get = value.property_file
            content = self.property_file(get.name, str(get.path[1]))
            return find_member(content, members, f"property file {get.text}")
        uri = as_text(self.value(value.s3_uri))
        return find_member(self.file(uri), members, uri)


def substitute(value: Value, known: Mapping[str, Any]) -> Any:
    """Return the JSON of a value, with plain values in place of known references.

    Args:
        value: The value.
        known: Plain values by reference, such as "Parameters.X".
    """
    if isinstance(value, Get) and value.text in known:
        return known[value.text]
    if isinstance(value, Join):
        items = [substitute(item, known) for item in value.values]
        if all(isinstance(item, str | int | float) for item in items):
            return value.on.join(map(as_text, items))
        return value.to_json()
    if isinstance(value, Mapping):
        return {key: substitute(item, known) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [substitute(item, known) for item in value]
    return to_json(value)


def find_member(content: Any, members: Members, name: str) -> Any:
    """Return a nested member of plain JSON; an item of a list is also found by its own name.

    Args:
        content: The JSON.
        members: Keys and indices.
        name: The content's name, for messages.

    Raises:
        ExecutionError: The member does not exist.
    """
    for key in members:
        content = _find_child(content, key, name)
    return content


def _find_child(content: Any, key: str | int, name: str) -> Any:
    if isinstance(content, Mapping):
        if key in content:
            return content[key]
        raise ExecutionError(f"{name} has no '{key}'{suggest(str(key), content)}.")
    if isinstance(content, list):
        if isinstance(key, int) and key < len(content):
            return content[key]
        for item in content:
            if isinstance(item, Mapping) and key in [item.get(k) for k in _NAME_KEYS]:
                return item
    raise ExecutionError(f"{name} has no '{key}'.")


def as_text(value: Any) -> str:
    """Return text as it is, and anything else as JSON: true, 7.0."""
    return value if isinstance(value, str) else json.dumps(value)
