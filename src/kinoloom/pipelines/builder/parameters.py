"""Parameters: values that are passed when an execution starts."""

from __future__ import annotations

from typing import Any, ClassVar

from kinoloom.errors import UsageError
from kinoloom.pipelines.builder.variables import PipelineVariable
from kinoloom.pipelines.language.shapes import fits_type


class Parameter(PipelineVariable):
    """Base class of parameters.

    Args:
        name: The parameter's name.
        default_value: The value if none is passed; None means that a value is required.

    Raises:
        UsageError: The default has the wrong type.
    """

    parameter_type: ClassVar[str] = "String"

    def __init__(self, name: str, default_value: Any = None) -> None:
        self.name = name
        self.default_value = default_value
        if default_value is not None and not fits_type(default_value, self.parameter_type):
            raise UsageError(
                f"The default of parameter '{name}' must be of type {self.parameter_type}, "
                f"not {default_value!r}."
            )

    @property
    def expr(self) -> dict[str, Any]:
        """The variable's JSON in a definition."""
        return {"Get": f"Parameters.{self.name}"}

    def to_request(self) -> dict[str, Any]:
        """Return the parameter's declaration in a definition."""
        declaration = {"Name": self.name, "Type": self.parameter_type}
        if self.default_value is not None:
            declaration["DefaultValue"] = self.default_value
        return declaration


class ParameterString(Parameter):
    """A text parameter.

    Args:
        name: The parameter's name.
        default_value: The value if none is passed; None means that a value is required.
        enum_values: The allowed values; None allows all.
    """

    def __init__(
        self, name: str, default_value: str | None = None, enum_values: list[str] | None = None
    ) -> None:
        super().__init__(name, default_value)
        self.enum_values = enum_values

    def to_string(self) -> PipelineVariable:
        """Return the parameter itself, which is text."""
        return self

    def to_request(self) -> dict[str, Any]:
        """Return the parameter's declaration in a definition."""
        declaration = super().to_request()
        return {**declaration, "EnumValues": self.enum_values} if self.enum_values else declaration


class ParameterInteger(Parameter):
    """An integer parameter."""

    parameter_type = "Integer"


class ParameterFloat(Parameter):
    """A number parameter; integers are accepted."""

    parameter_type = "Float"


class ParameterBoolean(Parameter):
    """A true or false parameter."""

    parameter_type = "Boolean"
