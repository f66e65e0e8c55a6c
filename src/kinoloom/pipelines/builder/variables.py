"""Pipeline variables: values that are known only at run time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn, Protocol, runtime_checkable

from kinoloom.errors import UsageError


@runtime_checkable
class Referring(Protocol):
    """An object that may refer to steps: a pipeline variable or a condition."""

    def iter_steps(self) -> Iterator[Any]:
        """Yield the steps that must finish before the value is known."""


class PipelineVariable:
    """A value that is known only at run time; it has no text or number before."""

    def iter_steps(self) -> Iterator[Any]:
        """Yield the steps that must finish before the value is known."""
        yield from ()

    @property
    def expr(self) -> dict[str, Any]:
        """The variable's JSON in a definition."""
        raise NotImplementedError

    def to_string(self) -> PipelineVariable:
        """Return a variable with the same value as text."""
        return Join(on="", values=[self])

    def __str__(self) -> str:
        self._reject("converted to text", "Use to_string() or Join(on='', values=[...]).")

    def __int__(self) -> int:
        self._reject("converted to a number")

    def __float__(self) -> float:
        self._reject("converted to a number")

    def __add__(self, other: object) -> NoReturn:
        self._reject("added to another value", "Use Join(on='', values=[...]).")

    def _reject(self, operation: str, hint: str = "") -> NoReturn:
        raise UsageError(
            f"{self!r} is known only at run time; it cannot be {operation}.", hint=hint
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.expr}>"


class Join(PipelineVariable):
    """Values as text, joined by a separator at run time.

    Args:
        on: The separator.
        values: Plain values and pipeline variables.
    """

    def __init__(self, on: str = "", values: Sequence[Any] = ()) -> None:
        self.on = on
        self.values = list(values)

    @property
    def expr(self) -> dict[str, Any]:
        """The variable's JSON in a definition."""
        return {"Std:Join": {"On": self.on, "Values": to_expression(self.values)}}

    def iter_steps(self) -> Iterator[Any]:
        """Yield the steps that must finish before the value is known."""
        yield from iter_steps(self.values)

    def to_string(self) -> PipelineVariable:
        """Return the variable itself, which is text."""
        return self


class ExecutionVariable(PipelineVariable):
    """A value that every execution has.

    Args:
        name: The name in `Execution.NAME`.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def expr(self) -> dict[str, Any]:
        """The variable's JSON in a definition."""
        return {"Get": f"Execution.{self.name}"}

    def to_string(self) -> PipelineVariable:
        """Return the variable itself, which is text."""
        return self


class ExecutionVariables:
    """All execution variables."""

    START_DATETIME = ExecutionVariable("StartDateTime")
    CURRENT_DATETIME = ExecutionVariable("CurrentDateTime")
    PIPELINE_NAME = ExecutionVariable("PipelineName")
    PIPELINE_ARN = ExecutionVariable("PipelineArn")
    PIPELINE_EXECUTION_ID = ExecutionVariable("PipelineExecutionId")
    PIPELINE_EXECUTION_ARN = ExecutionVariable("PipelineExecutionArn")
    TRAINING_JOB_NAME = ExecutionVariable("TrainingJobName")
    PROCESSING_JOB_NAME = ExecutionVariable("ProcessingJobName")


def to_expression(value: Any) -> Any:
    """Return a value as plain JSON, with an expression for each pipeline variable in it."""
    if isinstance(value, PipelineVariable):
        return value.expr
    if isinstance(value, Mapping):
        return {key: to_expression(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_expression(item) for item in value]
    return value


def iter_steps(value: Any) -> Iterator[Any]:
    """Yield the steps to which the pipeline variables in a value refer."""
    if isinstance(value, Referring):
        yield from value.iter_steps()
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from iter_steps(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from iter_steps(item)


def to_text(value: Any) -> Any:
    """Return a plain value as str, a pipeline variable as the expression of its text."""
    return value.to_string().expr if isinstance(value, PipelineVariable) else str(value)


def to_request(value: Any) -> Any:
    """Return the JSON of a settings object (`value.to_request()`); plain JSON is returned as is."""
    return value.to_request() if hasattr(value, "to_request") else value


def omit_none(**members: Any) -> dict[str, Any]:
    """Return the members of a request that are not None."""
    return {name: value for name, value in members.items() if value is not None}
