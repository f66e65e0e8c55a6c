"""The context in which steps run: an execution and the tools of its session."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from kinoloom.errors import ExecutionError, UsageError
from kinoloom.pipelines.builder.functions.results import is_function_step
from kinoloom.pipelines.language import Checked, Step
from kinoloom.pipelines.language.problems import Problems
from kinoloom.pipelines.language.shapes import Shape
from kinoloom.pipelines.local.functions import Functions
from kinoloom.pipelines.local.jobs.resources import Demand
from kinoloom.pipelines.local.jobs.worker import Worker
from kinoloom.pipelines.local.scope import Scope
from kinoloom.pipelines.local.storage.models import Models
from kinoloom.pipelines.local.storage.state import State, now


@dataclass(frozen=True)
class Run:
    """An execution.

    Attributes:
        id, arn: The execution's id and ARN.
        pipeline: The pipeline's name.
        checked: The definition.
        parameters: The parameters' values by name.
        variables: The execution variables by name.
        folder: The folder of its steps.
        outputs: The address of outputs without one.
        max_parallel: The maximum number of concurrent steps; 0 leaves it to the resources.
        stop_fd: Becomes readable when the execution must stop.
    """

    id: str
    arn: str
    pipeline: str
    checked: Checked
    parameters: Mapping[str, Any]
    variables: Mapping[str, str]
    folder: Path
    outputs: str
    max_parallel: int
    stop_fd: int

    @property
    def arn_base(self) -> str:
        """The beginning of the ARNs of its jobs and models."""
        return self.arn.rpartition(":pipeline/")[0]


@dataclass(frozen=True)
class Tools:
    """What the steps of a session use.

    Attributes:
        worker: Runs jobs.
        models: The model registry.
        demand: The resources, and what steps use of them.
        functions: The functions of Lambda steps.
    """

    worker: Worker
    models: Models
    demand: Demand
    functions: Functions

    @property
    def state(self) -> State:
        """The session's state."""
        return self.worker.state


class RunContext:
    """The context of an execution's steps.

    Args:
        run: The execution.
        tools: The session's tools.
        properties: The properties of succeeded steps by name; it grows during the execution.

    Attributes:
        run, tools: The arguments.
        scope: Evaluates values of the definition.
    """

    def __init__(self, run: Run, tools: Tools, properties: Mapping[str, Any]) -> None:
        self.run = run
        self.tools = tools
        self._properties = properties
        self.scope = Scope(
            run.parameters, run.variables, properties.__getitem__, self._property_file,
            self._json_file,
        )  # fmt: skip

    def resolve(self, step: Step, supported: Shape) -> tuple[dict[str, Any], str]:
        """Return a step's plain arguments, and the name of its job or model.

        Args:
            step: The step.
            supported: The shape that the arguments must have.

        Raises:
            ExecutionError: A value refers to something that does not exist.
            UsageError: The arguments do not have the shape.
        """
        name = f"pipelines-{self.run.id}-{step.name}"
        variables = {
            **self.run.variables,
            "CurrentDateTime": now(),
            f"{step.type}JobName": name,
        }
        arguments = replace(self.scope, execution=variables).value(step.arguments)
        problems = Problems()
        supported.check(arguments, "Arguments", problems)
        if len(problems):
            raise UsageError("; ".join(map(str, problems)) + ".")
        return fill_output_paths(arguments, f"{self.run.outputs}/{step.name}"), name

    def attempt_folder(self, step: Step, attempt: int) -> Path:
        """Return the folder of a step's attempt (from 1)."""
        return self.run.folder / step.name / str(attempt)

    def _json_file(self, uri: str) -> Any:
        path = self.tools.worker.objects.path(uri)
        return _read_json(path, uri, path.parent)

    def _property_file(self, step_name: str, file_name: str) -> Any:
        step = self.run.checked.graph.steps[step_name].step
        file = next(file for file in step.property_files if file.name == file_name)
        outputs = self._properties[step_name]["ProcessingOutputConfig"]["Outputs"]
        uri = next(o["S3Output"]["S3Uri"] for o in outputs if o["OutputName"] == file.output)
        folder = self.tools.worker.objects.path(uri)
        if is_function_step(self._properties[step_name]) and not (folder / file.file).exists():
            raise ExecutionError(
                f"The result of step '{step_name}' cannot be compared: JSON cannot represent it."
            )
        name = f"Property file '{file_name}' of step '{step_name}'"
        return _read_json(folder / file.file, name, folder)


def fill_output_paths(arguments: Any, uri: str) -> Any:
    """Return a request with an address in place of each S3OutputPath that is null."""
    if isinstance(arguments, Mapping):
        return {
            key: uri if key == "S3OutputPath" and item is None else fill_output_paths(item, uri)
            for key, item in arguments.items()
        }
    if isinstance(arguments, list):
        return [fill_output_paths(one, uri) for one in arguments]
    return arguments


def _read_json(path: Path, name: str, folder: Path) -> Any:
    """Return the content of a JSON file that must be within `folder`, links resolved."""
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ExecutionError(f"{name} is outside its folder.")
    try:
        return json.loads(
            path.read_text(), parse_constant=_reject_number, parse_float=_parse_finite
        )
    except OSError as error:
        raise ExecutionError(f"{name} does not exist ({path.name}).") from error
    except ValueError as error:
        raise ExecutionError(f"{name} is not valid JSON: {error}.") from error
    except RecursionError as error:
        raise ExecutionError(f"{name} is nested too deeply to be read.") from error


def _parse_finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _reject_number(text)


def _reject_number(text: str) -> NoReturn:
    """Reject NaN and infinities: comparisons with them would choose a branch without a reason."""
    raise ValueError(f"the number {text} is not finite")
