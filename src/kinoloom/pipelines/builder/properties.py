"""Properties: what later steps take from a step, such as `step.properties.ModelArtifacts`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.builder.variables import Join, PipelineVariable, iter_steps, to_expression
from kinoloom.pipelines.language.kinds import KINDS
from kinoloom.pipelines.language.problems import suggest


class Properties(PipelineVariable):
    """A property of a step: members are attributes, items of lists and maps go by [...].

    The first member must be one that the step's type has; deeper members are checked when the
    step has finished.

    Args:
        step_name: The step's name.
        path: The path of the property within the step; "" for all properties.
        step_type: Decides which first members exist; "" allows any.
        step: The step itself, which becomes a part of every pipeline that uses the property.
    """

    def __init__(
        self, step_name: str, path: str = "", step_type: str = "", step: Any = None
    ) -> None:
        self.step_name = step_name
        self.path = path
        self._step_type = step_type
        self._step = step

    def iter_steps(self) -> Iterator[Any]:
        """Yield the step."""
        if self._step is not None:
            yield self._step

    @property
    def expr(self) -> dict[str, Any]:
        """The variable's JSON in a definition."""
        return {"Get": ".".join(filter(None, ("Steps", self.step_name, self.path)))}

    def __getattr__(self, name: str) -> Properties:
        if name.startswith("_"):
            raise AttributeError(name)
        known = KINDS[self._step_type].properties if self._step_type else None
        if not self.path and known is not None and name not in known:
            raise AttributeError(
                f"a {self._step_type} step has no property '{name}'{suggest(name, known)}"
            )
        path = f"{self.path}.{name}" if self.path else name
        return Properties(self.step_name, path, step=self._step)

    def __getitem__(self, item: int | str) -> Properties:
        if not self.path:
            raise UsageError(
                f"The properties of '{self.step_name}' are attributes, not items: [{item!r}]."
            )
        index = f"[{item}]" if isinstance(item, int) else f"['{item}']"
        return Properties(self.step_name, self.path + index, step=self._step)


class OutputProperties(Properties):
    """The properties of a Lambda or Callback step: `step.properties.Outputs["name"]`.

    Args:
        step_name: The step's name.
        names: The names of its outputs.
        step: The step itself.
    """

    def __init__(self, step_name: str, names: list[str], step: Any = None) -> None:
        super().__init__(step_name, step=step)
        self.Outputs = {
            name: Properties(step_name, f"OutputParameters['{name}']", step=step) for name in names
        }


@dataclass(frozen=True)
class PropertyFile:
    """A JSON file in a Processing step's outputs; `JsonGet` takes single values from it.

    Attributes:
        name: The property file's name.
        output_name: The name of the output that has the file.
        path: The file's path within the output.
    """

    name: str
    output_name: str
    path: str

    def to_request(self) -> dict[str, Any]:
        """Return the property file's declaration in a definition."""
        return {
            "PropertyFileName": self.name,
            "OutputName": self.output_name,
            "FilePath": self.path,
        }


class JsonGet(PipelineVariable):
    """A value from a JSON file: a step's property file, or a file at an address.

    Args:
        step_name: The step that has the property file.
        property_file: The property file or its name.
        json_path: The value's path in the file: dotted names, ['keys'] and [indices]; or a `Join`
            or parameter with that text.
        s3_uri: The file's address, instead of `step_name` and `property_file`.

    Raises:
        UsageError: Both or neither of the two are given.
    """

    def __init__(
        self,
        step_name: str | None = None,
        property_file: PropertyFile | str | None = None,
        json_path: str | PipelineVariable | None = None,
        s3_uri: Join | None = None,
    ) -> None:
        if (property_file is None) == (s3_uri is None):
            raise UsageError("JsonGet needs either a property_file or an s3_uri.")
        if json_path is None or (property_file is not None and not step_name):
            raise UsageError("JsonGet needs a json_path, and a step_name with a property_file.")
        self.step_name = step_name
        self.property_file = property_file
        self.json_path = json_path
        self.s3_uri = s3_uri

    def iter_steps(self) -> Iterator[Any]:
        """Yield the steps in the path and the address; a property file's step has only a name."""
        yield from iter_steps([self.json_path, self.s3_uri])

    @property
    def expr(self) -> dict[str, Any]:
        """The variable's JSON in a definition."""
        path = to_expression(self.json_path)
        if self.property_file is None:
            return {"Std:JsonGet": {"S3Uri": to_expression(self.s3_uri), "Path": path}}
        file = self.property_file
        name = file.name if isinstance(file, PropertyFile) else file
        reference = {"Get": f"Steps.{self.step_name}.PropertyFiles.{name}"}
        return {"Std:JsonGet": {"PropertyFile": reference, "Path": path}}
