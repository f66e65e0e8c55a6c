"""Parameters: values that are given when an execution starts."""

from __future__ import annotations

from typing import Any, ClassVar

from kinoloom.errors import UsageError
from kinoloom.pipelines.language.links import fits_type
from kinoloom.pipelines.workflow.entities import PipelineVariable


class Parameter(PipelineVariable):
    """A parameter; use one of the classes below.

    Args:
        name: of the parameter.
        default_value: its value when none is given; None means that one must be.

    Raises:
        UsageError: the default is of another type.
    """

    parameter_type: ClassVar[str] = "String"

    def __init__(self, name: str, default_value: Any = None) -> None:
        self.name = name
        self.default_value = default_value
        if default_value is not None and not fits_type(default_value, self.parameter_type):
            raise UsageError(
                f"The default of the parameter '{name}' must be of type {self.parameter_type}, "
                f"not {default_value!r}."
            )

    @property
    def expr(self) -> dict[str, Any]:
        """Its JSON in a definition."""
        return {"Get": f"Parameters.{self.name}"}

    def to_request(self) -> dict[str, Any]:
        """Its declaration in a definition."""
        made = {"Name": self.name, "Type": self.parameter_type}
        return made if self.default_value is None else {**made, "DefaultValue": self.default_value}


class ParameterString(Parameter):
    """Text, possibly one of a few.

    Args:
        name: of the parameter.
        default_value: its value when none is given; None means that one must be.
        enum_values: the values allowed; None allows all.
    """

    def __init__(
        self, name: str, default_value: str | None = None, enum_values: list[str] | None = None
    ) -> None:
        super().__init__(name, default_value)
        self.enum_values = enum_values

    def to_string(self) -> PipelineVariable:
        """Itself: it is text already."""
        return self

    def to_request(self) -> dict[str, Any]:
        """Its declaration in a definition."""
        made = super().to_request()
        return {**made, "EnumValues": self.enum_values} if self.enum_values else made


class ParameterInteger(Parameter):
    """A whole number."""

    parameter_type = "Integer"


class ParameterFloat(Parameter):
    """A number; a whole one is allowed."""

    parameter_type = "Float"


class ParameterBoolean(Parameter):
    """True or false."""

    parameter_type = "Boolean"
