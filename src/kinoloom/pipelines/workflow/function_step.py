"""Functions as steps: `@step`, and `map` over several inputs.

    @step(name="count")
    def count(path: Path) -> int: ...

    total = add([count(chunk) for chunk in chunks])     # calls make steps; nothing runs yet
    many = count.map(chunks)                            # count-0, count-1, ... side by side
    Pipeline("P", steps=[total], sagemaker_session=session)

A call gives a `Delayed`: the argument of another call, a side of a condition, or a member of a
pipeline's steps, which brings along all that it needs. What a function returns may hold paths:
the files are kept, and the next function finds them at a path of its own.

Each call compiles to a Processing step: its function and arguments, by cloudpickle, are its code.
The SDK's own `@step` compiles to a Training step that needs the SDK's image; the definitions
differ, the program does not.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from kinoloom.base.need import need
from kinoloom.errors import UsageError
from kinoloom.pipelines import stepping
from kinoloom.pipelines.compiling import Compiling, StepArguments
from kinoloom.pipelines.processing import ProcessingInput, ProcessingOutput, Processor
from kinoloom.pipelines.stepping.run_function import MARK
from kinoloom.pipelines.workflow.base_steps import StepCollection
from kinoloom.pipelines.workflow.entities import PipelineVariable
from kinoloom.pipelines.workflow.parameters import Parameter
from kinoloom.pipelines.workflow.properties import PropertyFile
from kinoloom.pipelines.workflow.retry import RetryPolicy
from kinoloom.pipelines.workflow.steps import CacheConfig, ProcessingStep, Step

_RUNNER = Path(stepping.__file__).parent / "run_function.py"
_BASE = "/opt/ml/processing"
_OTHER_NAMES = {"environment_variables": "env", "volume_size": "volume_size_in_gb"}
_SET_UP = (
    "dependencies", "pre_execution_commands", "pre_execution_script", "include_local_workdir",
    "custom_file_filter", "job_conda_env", "job_name_prefix", "s3_root_uri", "s3_kms_key",
    "keep_alive_period_in_seconds", "max_retry_attempts", "spark_config", "use_spot_instances",
    "max_wait_time_in_seconds", "encrypt_inter_container_traffic", "security_group_ids",
    "subnets",
)  # fmt: skip
_RESULT = PropertyFile("Result", "result", "result.json")


class Delayed(PipelineVariable):
    """What a step's function will return.

    Args:
        step: the step.
        needs: those that its arguments come from.
    """

    def __init__(self, step: Step, needs: Sequence[Delayed]) -> None:
        self.step = step
        self.needs = list(needs)

    @property
    def expr(self) -> dict[str, Any]:
        """Its JSON in a definition: the value, for conditions; it must be one that JSON has."""
        file = {"Get": f"Steps.{self.step.name}.PropertyFiles.{_RESULT.name}"}
        return {"Std:JsonGet": {"PropertyFile": file, "Path": "Result"}}

    def steps(self) -> list[Step]:
        """The step and all that it needs, each once, needs first."""
        found: dict[str, Step] = {}
        for need_ in self.needs:
            found.update({step.name: step for step in need_.steps()})
        return [*found.values(), self.step]


class StepFunction:
    """A function whose calls make steps. Made by `step`.

    Args:
        function: what runs.
        name: of the steps; a call that is not the first adds a number.
        settings: of the processor: instance_type, image_uri, env, ...
        step_settings: of the steps: cache_config, retry_policies, ...
    """

    def __init__(
        self,
        function: Callable[..., Any],
        name: str,
        settings: dict[str, Any],
        step_settings: dict[str, Any],
    ) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.name = name
        self._settings = settings
        self._step_settings = step_settings
        self._calls = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Delayed:
        """Make a step that calls the function with these arguments."""
        name = f"{self.name}-{self._calls}" if self._calls else self.name
        self._calls += 1
        return self._made(name, args, kwargs)

    def map(self, items: Iterable[Any], **kwargs: Any) -> list[Delayed]:
        """Make a step for each item, `<name>-0` and so on; they run side by side.

        Args:
            items: the first argument of each call.
            **kwargs: the same for all.
        """
        return [self._made(f"{self.name}-{k}", (item,), kwargs) for k, item in enumerate(items)]

    def _made(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Delayed:
        call = _Call(self.function, args, kwargs)
        processor = Processor(**self._settings)

        def make(compiling: Compiling) -> dict[str, Any]:
            base = compiling.uri("code", call.digest)
            compiling.session.upload(_RUNNER, f"{base}/{_RUNNER.name}")
            compiling.session.upload(call.content, f"{base}/call.pkl")
            code = ProcessingInput(base, f"{_BASE}/input/code", "code")
            processor.entrypoint = ["python3", f"{_BASE}/input/code/{_RUNNER.name}"]
            output = ProcessingOutput(f"{_BASE}/result", output_name="result")
            run = processor.run([code, *call.inputs()], [output], call.words())
            return run.make(compiling)

        made = ProcessingStep(
            name,
            StepArguments("Processing", make),
            property_files=[_RESULT],
            **self._step_settings,
        )
        return Delayed(made, call.needs)


class _Call:
    """A function with its arguments, marked where they are not known yet."""

    def __init__(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        self.needs: list[Delayed] = []
        self._variables: list[PipelineVariable] = []
        marked = (function, self._marked(args), self._marked(kwargs))
        self.content: bytes = need("cloudpickle", extra="pipelines").dumps(marked)
        self.digest = hashlib.sha256(self.content + _RUNNER.read_bytes()).hexdigest()

    def _marked(self, value: Any) -> Any:
        if isinstance(value, Delayed):
            if value.step.name not in [one.step.name for one in self.needs]:
                self.needs.append(value)
            return {MARK: ("result", value.step.name)}
        if isinstance(value, PipelineVariable):
            text = not isinstance(value, Parameter) or value.parameter_type == "String"
            self._variables.append(value)
            return {MARK: ("text" if text else "json", len(self._variables) - 1)}
        if isinstance(value, dict):
            return {key: self._marked(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self._marked(item) for item in value)
        return value

    def inputs(self) -> list[ProcessingInput]:
        """The results that the function needs."""
        return [
            ProcessingInput(
                one.step.properties.ProcessingOutputConfig.Outputs["result"].S3Output.S3Uri,
                f"{_BASE}/results/{one.step.name}",
                f"result-{k}",
            )
            for k, one in enumerate(self.needs)
        ]

    def words(self) -> list[str | PipelineVariable]:
        """The variables that the function needs, as text."""
        return [one.to_string() for one in self._variables]


def step(
    function: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    display_name: str | None = None,
    description: str | None = None,
    retry_policies: Sequence[RetryPolicy] | None = None,
    cache_config: CacheConfig | None = None,
    image_uri: str = "local/python",
    **settings: Any,
) -> Any:
    """Make a function's calls steps; with or without parentheses, as the SDK's.

    Args:
        function: the function.
        name: of its steps; None is the function's own name.
        display_name, description, retry_policies, cache_config: of its steps.
        image_uri: names the environment; it needs cloudpickle.
        **settings: as for `Processor`: instance_type, env, max_runtime_in_seconds, role, ...; or by
            the SDK's names for them, environment_variables and volume_size. What the SDK has for
            the setting up of its image (dependencies, pre_execution_commands, ...) is accepted: a
            step runs in this interpreter's environment.

    Returns:
        A `StepFunction`, or what makes one of a function.
    """
    settings = {
        _OTHER_NAMES.get(key, key): value for key, value in settings.items() if key not in _SET_UP
    }

    def wrap(inner: Callable[..., Any]) -> StepFunction:
        usual = re.sub(r"[^A-Za-z0-9-]+", "-", inner.__name__).strip("-")
        of_step = {
            "display_name": display_name,
            "description": description,
            "retry_policies": retry_policies,
            "cache_config": cache_config,
        }
        return StepFunction(inner, name or usual, {"image_uri": image_uri, **settings}, of_step)

    return wrap if function is None else wrap(function)


def spread_out(listed: Sequence[Any]) -> list[Step | StepCollection]:
    """A list of steps with each `Delayed` replaced by its step and what it needs, each once.

    Raises:
        UsageError: two steps made of functions have one name.
    """
    found: list[Step | StepCollection] = []
    seen: dict[str, Step] = {}
    for one in listed:
        for item in one.steps() if isinstance(one, Delayed) else [one]:
            if isinstance(one, Delayed) and seen.setdefault(item.name, item) is not item:
                raise UsageError(
                    f"Two steps are named '{item.name}'.", hint="Give one @step another name."
                )
            if item not in found:
                found.append(item)
    return found
