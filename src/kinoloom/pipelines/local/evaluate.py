"""From a value of the language to a plain one, now that the pipeline runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kinoloom.errors import ExecutionError
from kinoloom.pipelines.language.problems import suggestion
from kinoloom.pipelines.language.values import Get, Join, JsonGet, Members, Value

_NAMED_BY = ("OutputName", "InputName", "ChannelName", "Name", "Key")


@dataclass(frozen=True)
class Scope:
    """What values may refer to.

    Attributes:
        parameters: by name.
        execution: the execution variables by name.
        properties: gives a step's properties.
        property_file: gives the content of a step's property file.
        file: gives the content of the JSON file at an address.
    """

    parameters: Mapping[str, Any]
    execution: Mapping[str, str]
    properties: Callable[[str], Any]
    property_file: Callable[[str, str], Any]
    file: Callable[[str], Any]

    def value(self, value: Value) -> Any:
        """The plain value.

        Raises:
            ExecutionError: a property or a member of a file is not there.
        """
        if isinstance(value, Get):
            return self._get(value)
        if isinstance(value, Join):
            return value.on.join(as_text(self.value(item)) for item in value.values)
        if isinstance(value, JsonGet):
            return self._json(value)
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
        return member(self.properties(get.name), get.path, f"step '{get.name}'")

    def _json(self, value: JsonGet) -> Any:
        if value.property_file is not None:
            get = value.property_file
            content = self.property_file(get.name, str(get.path[1]))
            return member(content, value.path, f"the property file {get.text}")
        uri = as_text(self.value(value.s3_uri))
        return member(self.file(uri), value.path, uri)


def member(content: Any, members: Members, where: str) -> Any:
    """Follow members into plain JSON; an item of a list also goes by its own name.

    Raises:
        ExecutionError: there is no such member.
    """
    for key in members:
        content = _step_into(content, key, where)
    return content


def _step_into(content: Any, key: str | int, where: str) -> Any:
    if isinstance(content, Mapping):
        if key in content:
            return content[key]
        raise ExecutionError(f"{where} has no '{key}'{suggestion(str(key), content)}.")
    if isinstance(content, list):
        if isinstance(key, int) and key < len(content):
            return content[key]
        for item in content:
            if isinstance(item, Mapping) and key in [item.get(name) for name in _NAMED_BY]:
                return item
    raise ExecutionError(f"{where} has no '{key}'.")


def as_text(value: Any) -> str:
    """Text as it is; anything else as JSON spells it: true, 7.0."""
    return value if isinstance(value, str) else json.dumps(value)
