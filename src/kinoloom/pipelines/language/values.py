"""Values of a definition: plain JSON, and three functions that are evaluated at run time.

    {"Get": "Parameters.X" | "Execution.X" | "Steps.S.path"}      -> Get
    {"Std:Join": {"On": "/", "Values": [...]}}                    -> Join
    {"Std:JsonGet": {"PropertyFile": {"Get": ...}, "Path": ...}}  -> JsonGet
    {"Std:JsonGet": {"S3Uri": value, "Path": ...}}                -> JsonGet

Conventions: an object whose only key is "Get" or "Std:..." is a function; all other objects and
lists are plain. Paths within a step or a JSON file consist of dotted names, ['keys'] and [indices];
nothing else of JSONPath is supported.

Source: definitions written by the SageMaker Python SDK 2.257.7.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from kinoloom.errors import DefinitionError
from kinoloom.pipelines.language.problems import child_path

Members: TypeAlias = tuple[str | int, ...]
Value: TypeAlias = (
    "bool | int | float | str | Get | Join | JsonGet | Sequence[Value] | Mapping[str, Value] | None"
)

EXECUTION_VARIABLES = (
    "CurrentDateTime",
    "PipelineArn",
    "PipelineExecutionArn",
    "PipelineExecutionId",
    "PipelineName",
    "ProcessingJobName",
    "StartDateTime",
    "TrainingJobName",
)

_PLAIN = (str, bool, int, float, type(None))

_TOKEN = re.compile(r"\.?(?P<name>[A-Za-z0-9_-]+)|\[(?P<index>\d+)\]|\['(?P<key>[^']*)'\]")
_GET = re.compile(r"(?P<kind>Parameters|Execution|Steps)\.(?P<name>[A-Za-z0-9_-]+)(?P<rest>.*)")


def parse_path(text: str) -> Members:
    """Return the members that a path names: ("a", "b", 0, "c d") for "a.b[0]['c d']".

    Raises:
        DefinitionError: The path has something other than dotted names, ['keys'] and [indices].
    """
    parts: list[str | int] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        dotted = text[position] == "."
        if match is None or (match["name"] is not None and dotted == (position == 0)):
            raise DefinitionError(
                f"'{text}' is not a valid path: use dotted names, ['keys'] and [indices]."
            )
        index = match["index"]
        parts.append(int(index) if index is not None else match["name"] or match["key"] or "")
        position = match.end()
    return tuple(parts)


def parse_json_path(text: str) -> Members:
    """Return the members that the path of a JsonGet names; see `parse_path`."""
    return parse_path(text.removeprefix("$."))


@dataclass(frozen=True)
class Get:
    """A reference to a parameter, an execution variable or a property of a step.

    Attributes:
        text: The reference, such as "Steps.Train.ModelArtifacts.S3ModelArtifacts".
    """

    text: str

    @cached_property
    def _parts(self) -> tuple[str, str, Members]:
        match = _GET.fullmatch(self.text)
        if match is None:
            raise DefinitionError(
                f"'{self.text}' is not a valid reference: use Parameters.NAME, Execution.NAME or "
                "Steps.NAME.PROPERTY."
            )
        rest = match["rest"].removeprefix(".")
        return match["kind"], match["name"], parse_path(rest)

    @property
    def kind(self) -> str:
        """The kind of reference: "Parameters", "Execution" or "Steps"."""
        return self._parts[0]

    @property
    def name(self) -> str:
        """The name of the parameter, variable or step."""
        return self._parts[1]

    @property
    def path(self) -> Members:
        """The path of the property within the step; empty for parameters and variables."""
        return self._parts[2]

    def to_json(self) -> dict[str, Any]:
        """Return its JSON in a definition."""
        return {"Get": self.text}


@dataclass(frozen=True)
class Join:
    """Values as text, joined by a separator."""

    on: str
    values: tuple[Value, ...]

    def to_json(self) -> dict[str, Any]:
        """Return its JSON in a definition."""
        return {"Std:Join": {"On": self.on, "Values": [to_json(v) for v in self.values]}}


@dataclass(frozen=True)
class JsonGet:
    """A value from a JSON file.

    Attributes:
        path_text: The value's path in the file: text, or a function with the text.
        property_file: A reference to a step's property file, or None.
        s3_uri: The file's address, or None; exactly one of the two is given.
    """

    path_text: Value
    property_file: Get | None = None
    s3_uri: Value = None

    def to_json(self) -> dict[str, Any]:
        """Return its JSON in a definition."""
        if self.property_file is not None:
            file: dict[str, Any] = {"PropertyFile": self.property_file.to_json()}
        else:
            file = {"S3Uri": to_json(self.s3_uri)}
        return {"Std:JsonGet": {**file, "Path": to_json(self.path_text)}}


def function_of(raw: Any) -> str:
    """Return the name of the function that JSON represents: "Get" or "Std:..."; "" for plain."""
    if isinstance(raw, dict) and len(raw) == 1:
        name = next(iter(raw))
        if name == "Get" or name.startswith("Std:"):
            return str(name)
    return ""


def parse_value(raw: Any) -> Value:
    """Return the value of JSON whose shape has been checked."""
    function = function_of(raw)
    if function == "Get":
        return Get(raw["Get"])
    if function == "Std:Join":
        inner = raw["Std:Join"]
        return Join(inner["On"], tuple(parse_value(item) for item in inner["Values"]))
    if function == "Std:JsonGet":
        inner = raw["Std:JsonGet"]
        member = parse_value(inner["Path"])
        if "PropertyFile" in inner:
            return JsonGet(member, property_file=Get(inner["PropertyFile"]["Get"]))
        return JsonGet(member, s3_uri=parse_value(inner["S3Uri"]))
    if isinstance(raw, dict):
        return {key: parse_value(item) for key, item in raw.items()}
    if isinstance(raw, list):
        return tuple(parse_value(item) for item in raw)
    plain: Value = raw
    return plain


def to_json(value: Value) -> Any:
    """Return the JSON of a value."""
    if isinstance(value, Get | Join | JsonGet):
        return value.to_json()
    if isinstance(value, Mapping):
        return {key: to_json(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [to_json(item) for item in value]
    return value


def iter_references(value: Value, path: str) -> Iterator[tuple[str, Get | JsonGet]]:
    """Yield each `Get` and `JsonGet` in a value, nested ones included, with its JSON path."""
    for relative, reference in _find_references(value):
        yield path + relative, reference


def _find_references(value: Value) -> list[tuple[str, Get | JsonGet]]:
    """Return the references with relative paths, which are built for the references only."""
    if isinstance(value, Get):
        return [("", value)]
    if isinstance(value, JsonGet):
        members = {"S3Uri": value.s3_uri, "Path": value.path_text}
        nested = [
            (f"['Std:JsonGet'].{name}{path}", reference)
            for name, member in members.items()
            for path, reference in _find_references(member)
        ]
        return [("", value), *nested]
    if isinstance(value, Join):
        inner = "['Std:Join'].Values"
        return [(inner + p, v) for p, v in _find_references(value.values)]
    pairs: Iterable[tuple[str | int, Value]] = ()
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list | tuple):
        pairs = enumerate(value)
    found = []
    for key, item in pairs:
        if not isinstance(item, _PLAIN):
            found += [(child_path("", key) + p, v) for p, v in _find_references(item)]
    return found
