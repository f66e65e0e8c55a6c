"""Properties: what later steps may take from a step, `step.properties.ModelArtifacts...`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.language.problems import suggestion
from kinoloom.pipelines.language.properties import PROPERTIES
from kinoloom.pipelines.workflow.entities import PipelineVariable


class Properties(PipelineVariable):
    """A property of a step. Members are attributes, items of lists and maps go by [...].

    The first member must be one that steps of this type have; what lies below is known only to
    the step, and is checked when it ends.

    Args:
        step_name: of the step.
        path: of the property within it; "" for all of them.
        step_type: decides which first members there are; "" allows any.
    """

    def __init__(self, step_name: str, path: str = "", step_type: str = "") -> None:
        self.step_name = step_name
        self.path = path
        self._step_type = step_type

    @property
    def expr(self) -> dict[str, Any]:
        """Its JSON in a definition."""
        return {"Get": ".".join(filter(None, ("Steps", self.step_name, self.path)))}

    def __getattr__(self, name: str) -> Properties:
        if name.startswith("_"):
            raise AttributeError(name)
        known = PROPERTIES.get(self._step_type)
        if not self.path and known is not None and name not in known:
            raise AttributeError(
                f"a {self._step_type} step has no property '{name}'{suggestion(name, known)}"
            )
        return Properties(self.step_name, f"{self.path}.{name}" if self.path else name)

    def __getitem__(self, item: int | str) -> Properties:
        if not self.path:
            raise UsageError(f"The properties of '{self.step_name}' go by name, not by [{item!r}].")
        place = f"[{item}]" if isinstance(item, int) else f"['{item}']"
        return Properties(self.step_name, self.path + place)


class Answers(Properties):
    """The properties of a Lambda or Callback step: `step.properties.Outputs["name"]`.

    Args:
        step_name: of the step.
        names: of its outputs.
    """

    def __init__(self, step_name: str, names: list[str]) -> None:
        super().__init__(step_name)
        self.Outputs = {
            name: Properties(step_name, f"OutputParameters['{name}']") for name in names
        }


@dataclass(frozen=True)
class PropertyFile:
    """A JSON file among a Processing step's outputs, from which later steps take single values.

    Attributes:
        name: of the property file.
        output_name: of the output that holds it.
        path: of the file within the output.
    """

    name: str
    output_name: str
    path: str

    def to_request(self) -> dict[str, Any]:
        """Its declaration in a definition."""
        return {
            "PropertyFileName": self.name,
            "OutputName": self.output_name,
            "FilePath": self.path,
        }
