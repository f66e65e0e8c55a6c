"""Functions as steps: `@step`, and `map` over several inputs.

    @step(name="count")
    def count(path: Path) -> int: ...

    total = add([count(chunk) for chunk in chunks])     # calls define steps; nothing runs yet
    many = count.map(chunks)                            # count-0, count-1, ... in parallel
    Pipeline("P", steps=[total], sagemaker_session=session)

A call returns a `Delayed`: the argument of another call, a side of a condition, or an item of a
pipeline's steps, which includes the steps that it needs. A function may return paths: the files
are stored, and the next function receives paths to its own copies.

A call compiles to a Processing step whose code is the function and its arguments, pickled by
cloudpickle. The SDK's own `@step` compiles to a Training step that needs the SDK's image.
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
from kinoloom.pipelines.builder import run_function
from kinoloom.pipelines.builder.context import CompileContext, StepArguments
from kinoloom.pipelines.builder.job_steps import ProcessingStep
from kinoloom.pipelines.builder.parameters import Parameter
from kinoloom.pipelines.builder.processing import Processor
from kinoloom.pipelines.builder.processing_files import ProcessingInput, ProcessingOutput
from kinoloom.pipelines.builder.properties import PropertyFile
from kinoloom.pipelines.builder.retry import RetryPolicy
from kinoloom.pipelines.builder.run_function import MARK
from kinoloom.pipelines.builder.settings import CacheConfig
from kinoloom.pipelines.builder.steps import Listed, Step
from kinoloom.pipelines.builder.variables import PipelineVariable

_RUNNER = Path(run_function.__file__)
_BASE = "/opt/ml/processing"
_RESULT = PropertyFile("Result", "result", "result.json")
_SDK_NAMES = {"environment_variables": "env", "volume_size": "volume_size_in_gb"}
_IGNORED = (  # the SDK's settings for its image, which is not used here
    "dependencies", "pre_execution_commands", "pre_execution_script", "include_local_workdir",
    "custom_file_filter", "job_conda_env", "job_name_prefix", "s3_root_uri", "s3_kms_key",
    "keep_alive_period_in_seconds", "max_retry_attempts", "spark_config", "use_spot_instances",
    "max_wait_time_in_seconds", "encrypt_inter_container_traffic", "security_group_ids",
    "subnets",
)  # fmt: skip


class Delayed(PipelineVariable):
    """The future result of a step's function.

    Args:
        step: The step.
        needs: The results that its arguments contain.
    """

    def __init__(self, step: Step, needs: Sequence[Delayed]) -> None:
        self.step = step
        self.needs = list(needs)

    @property
    def expr(self) -> dict[str, Any]:
        """The variable's JSON in a definition; for conditions, so JSON must represent the value."""
        file = {"Get": f"Steps.{self.step.name}.PropertyFiles.{_RESULT.name}"}
        return {"Std:JsonGet": {"PropertyFile": file, "Path": "Result"}}

    def steps(self) -> list[Step]:
        """Return the step and the steps that it needs, each once, needed steps first."""
        found: dict[str, Step] = {}
        for needed in self.needs:
            found.update({step.name: step for step in needed.steps()})
        return [*found.values(), self.step]


class StepFunction:
    """A function whose calls define steps; `step` returns it.

    Args:
        function: The function.
        name: The name of its first step; further calls add a number.
        settings: Arguments of the `Processor`: instance_type, image_uri, env, ...
        step_settings: Arguments of the steps: cache_config, retry_policies, ...
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
        """Define a step that calls the function with these arguments."""
        name = f"{self.name}-{self._calls}" if self._calls else self.name
        self._calls += 1
        return self._define(name, args, kwargs)

    def map(self, items: Iterable[Any], **kwargs: Any) -> list[Delayed]:
        """Define a step for each item, `<name>-0` and so on; they run in parallel.

        Args:
            items: The first argument of each call.
            **kwargs: The same for all calls.
        """
        return [self._define(f"{self.name}-{k}", (item,), kwargs) for k, item in enumerate(items)]

    def _define(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Delayed:
        call = _Call(self.function, args, kwargs)
        processor = Processor(**self._settings)

        def build(context: CompileContext) -> dict[str, Any]:
            base = context.uri("code", call.digest)
            context.session.upload(_RUNNER, f"{base}/{_RUNNER.name}")
            context.session.upload(call.content, f"{base}/call.pkl")
            code = ProcessingInput(base, f"{_BASE}/input/code", "code")
            processor.entrypoint = ["python3", f"{_BASE}/input/code/{_RUNNER.name}"]
            output = ProcessingOutput(f"{_BASE}/result", output_name="result")
            arguments = processor.run([code, *call.inputs()], [output], call.words())
            return arguments.build(context)

        step = ProcessingStep(
            name,
            StepArguments("Processing", build),
            property_files=[_RESULT],
            **self._step_settings,
        )
        return Delayed(step, call.needs)


class _Call:
    """A pickled call, with marks in place of values that are known only at run time."""

    def __init__(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        self.needs: list[Delayed] = []
        self._variables: list[PipelineVariable] = []
        marked = (function, self._mark(args), self._mark(kwargs))
        self.content: bytes = need("cloudpickle", extra="pipelines").dumps(marked)
        self.digest = hashlib.sha256(self.content + _RUNNER.read_bytes()).hexdigest()

    def _mark(self, value: Any) -> Any:
        if isinstance(value, Delayed):
            if value.step.name not in [one.step.name for one in self.needs]:
                self.needs.append(value)
            return {MARK: ("result", value.step.name)}
        if isinstance(value, PipelineVariable):
            is_text = not isinstance(value, Parameter) or value.parameter_type == "String"
            self._variables.append(value)
            return {MARK: ("text" if is_text else "json", len(self._variables) - 1)}
        if isinstance(value, dict):
            return {key: self._mark(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self._mark(item) for item in value)
        return value

    def inputs(self) -> list[ProcessingInput]:
        """Return the results that the call needs, as inputs of the job."""
        return [
            ProcessingInput(
                one.step.properties.ProcessingOutputConfig.Outputs["result"].S3Output.S3Uri,
                f"{_BASE}/results/{one.step.name}",
                f"result-{k}",
            )
            for k, one in enumerate(self.needs)
        ]

    def words(self) -> list[str | PipelineVariable]:
        """Return the variables that the call needs, as arguments of the runner."""
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
    """Turn calls of a function into steps; a decorator with or without arguments.

    Args:
        function: The function.
        name: The name of its steps; None means the function's name.
        display_name, description, retry_policies, cache_config: Arguments of its steps.
        image_uri: Names the environment, which needs cloudpickle.
        **settings: Arguments of the `Processor` (instance_type, env, max_runtime_in_seconds, role,
            ...), or the SDK's names for them (environment_variables, volume_size). The SDK's
            settings for its image (dependencies, pre_execution_commands, ...) are ignored: a step
            runs in this interpreter's environment.

    Returns:
        A `StepFunction`, or a decorator that returns one.
    """
    settings = {
        _SDK_NAMES.get(key, key): value for key, value in settings.items() if key not in _IGNORED
    }

    def decorate(inner: Callable[..., Any]) -> StepFunction:
        default = re.sub(r"[^A-Za-z0-9-]+", "-", inner.__name__).strip("-")
        step_settings = {
            "display_name": display_name,
            "description": description,
            "retry_policies": retry_policies,
            "cache_config": cache_config,
        }
        processor_settings = {"image_uri": image_uri, **settings}
        return StepFunction(inner, name or default, processor_settings, step_settings)

    return decorate if function is None else decorate(function)


def expand_delayed(listed: Sequence[Any]) -> list[Listed]:
    """Return a list of steps with each `Delayed` replaced by the steps that it needs.

    Raises:
        UsageError: Two function steps have the same name.
    """
    found: list[Listed] = []
    seen: dict[str, Step] = {}
    for one in listed:
        for item in one.steps() if isinstance(one, Delayed) else [one]:
            if isinstance(one, Delayed) and seen.setdefault(item.name, item) is not item:
                raise UsageError(
                    f"Two steps are named '{item.name}'.", hint="Pass name= to one @step."
                )
            if item not in found:
                found.append(item)
    return found
