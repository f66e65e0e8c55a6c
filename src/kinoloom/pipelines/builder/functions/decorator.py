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
cloudpickle, and the caller's modules that it imports. The SDK's own `@step` compiles to a Training
step that needs the SDK in its image.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinoloom.base.need import need
from kinoloom.pipelines.builder.code import bytes_digest
from kinoloom.pipelines.builder.context import CompileContext, StepArguments
from kinoloom.pipelines.builder.functions import run_function
from kinoloom.pipelines.builder.functions.call import Call, Delayed, pickle_call
from kinoloom.pipelines.builder.functions.modules import (
    Ignore,
    ModuleFinder,
    find_modules,
    list_package,
    list_workdir,
)
from kinoloom.pipelines.builder.functions.run_function import IN_MODULES
from kinoloom.pipelines.builder.job_steps import ProcessingStep
from kinoloom.pipelines.builder.processing import Processor
from kinoloom.pipelines.builder.processing_files import ProcessingInput, ProcessingOutput
from kinoloom.pipelines.builder.properties import PropertyFile
from kinoloom.pipelines.builder.retry import RetryPolicy
from kinoloom.pipelines.builder.settings import CacheConfig
from kinoloom.pipelines.builder.variables import PipelineVariable, omit_none
from kinoloom.pipelines.local.storage.store import file_digest

_RUNNER = Path(run_function.__file__)
_BASE = "/opt/ml/processing"
_RESULT = PropertyFile("Result", "result", "result.json")
_INSTANCE_TYPE = "ml.m5.large"
_SDK_NAMES = {"environment_variables": "env", "volume_size": "volume_size_in_gb"}
_IGNORED = (  # the SDK's settings for its image, which is not used here
    "dependencies", "pre_execution_commands", "pre_execution_script", "job_conda_env",
    "job_name_prefix", "s3_root_uri", "s3_kms_key", "keep_alive_period_in_seconds",
    "max_retry_attempts", "spark_config", "use_spot_instances", "max_wait_time_in_seconds",
    "encrypt_inter_container_traffic", "security_group_ids", "subnets",
)  # fmt: skip


@dataclass(frozen=True)
class Shipping:
    """The files that travel with a step, in addition to the modules that it imports.

    Attributes:
        workdir: Whether the working directory does; the step then runs in its copy.
        ignore: What to leave out of it; see `modules.list_workdir`.
    """

    workdir: bool = False
    ignore: Ignore | None = None


class StepFunction:
    """A function whose calls define steps; `step` returns it.

    Args:
        function: The function.
        name: The name of its first step; further calls add a number.
        settings: Arguments of the `Processor`: instance_type, image_uri, env, ...
        step_settings: Arguments of the steps: cache_config, retry_policies, ...
        shipping: The files that travel with the steps.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        name: str,
        settings: dict[str, Any],
        step_settings: dict[str, Any],
        shipping: Shipping,
    ) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.name = name
        self._settings = settings
        self._step_settings = step_settings
        self._shipping = shipping
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
        find = functools.cache(find_modules)  # the items differ, the modules usually do not
        return [
            self._define(f"{self.name}-{k}", (item,), kwargs, find) for k, item in enumerate(items)
        ]

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how to pickle it: within a step, it is an ordinary function."""
        return functools.partial, (self.function,)

    def _define(
        self,
        name: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        find: ModuleFinder = find_modules,
    ) -> Delayed:
        call = pickle_call(self.function, args, kwargs, find)
        step = ProcessingStep(
            name,
            StepArguments("Processing", lambda context: self._build(call, context)),
            property_files=[_RESULT],
            **self._step_settings,
        )
        return Delayed(step, call.modules)

    def _build(self, call: Call, context: CompileContext) -> dict[str, Any]:
        """Upload a call and the modules that it needs, and return the job's request."""
        digest = bytes_digest(call.content + _RUNNER.read_bytes())
        code = context.uri("code", digest)
        context.session.upload(_RUNNER, f"{code}/{_RUNNER.name}")
        context.session.upload(call.content, f"{code}/call.pkl")
        inputs = [ProcessingInput(code, f"{_BASE}/input/code", "code")]
        modules = self._find_modules(call, context)
        if modules:
            uri = _upload_modules(modules, context)
            inputs.append(ProcessingInput(uri, f"{_BASE}/input/modules", "modules"))
        inputs += [
            ProcessingInput(
                needed.properties.ProcessingOutputConfig.Outputs["result"].S3Output.S3Uri,
                f"{_BASE}/results/{name}",
                f"result-{k}",
            )
            for k, (name, needed) in enumerate(call.needs.items())
        ]
        words = [variable.to_string() for variable in call.variables]
        output = ProcessingOutput(f"{_BASE}/result", output_name="result")
        return self._processor(context).run(inputs, [output], words).build(context)

    def _processor(self, context: CompileContext) -> Processor:
        settings = {"image_uri": context.session.default_image(), **omit_none(**self._settings)}
        if self._shipping.workdir:
            settings["env"] = {**settings.get("env", {}), IN_MODULES: "1"}
        if not context.session.local_mode:
            settings.setdefault("instance_type", _INSTANCE_TYPE)
        command = ["python3", f"{_BASE}/input/code/{_RUNNER.name}"]
        return Processor(entrypoint=command, **settings)

    def _find_modules(self, call: Call, context: CompileContext) -> dict[str, Path]:
        modules = dict(call.modules)
        if self._shipping.workdir:
            own = getattr(context.session, "root", None)
            modules.update(list_workdir(self._shipping.ignore, own))
        if not context.session.local_mode:  # an image need not have it, or not this version
            modules.update(list_package(need("cloudpickle", extra="pipelines")))
        return modules


def _upload_modules(modules: Mapping[str, Path], context: CompileContext) -> str:
    """Upload files under their digest and return the address of their folder."""
    listing = "\n".join(f"{name}\0{file_digest(path)}" for name, path in sorted(modules.items()))
    uri = context.uri("code", bytes_digest(listing.encode()))
    if uri not in context.uploaded:
        for name, path in modules.items():
            context.session.upload(path, f"{uri}/{name}")
        context.uploaded.add(uri)
    return uri


def step(
    function: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    display_name: str | None = None,
    description: str | None = None,
    retry_policies: Sequence[RetryPolicy] | None = None,
    cache_config: CacheConfig | None = None,
    image_uri: str | PipelineVariable | None = None,
    include_local_workdir: bool = False,
    custom_file_filter: Ignore | None = None,
    **settings: Any,
) -> Any:
    """Turn calls of a function into steps; a decorator with or without arguments.

    Args:
        function: The function.
        name: The name of its steps; None means the function's name.
        display_name, description, retry_policies, cache_config: Arguments of its steps.
        image_uri: The image on SageMaker; it needs this Python version. None means the session's
            default image. Local steps run in this interpreter's environment.
        include_local_workdir: Ship the Python modules of the working directory with the step, which
            runs in their copy. Modules that the function imports are always shipped.
        custom_file_filter: A `CustomFileFilter`, or a function as for `shutil.copytree(ignore=)`:
            the working directory's files to leave out; all others are shipped.
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
        shipping = Shipping(include_local_workdir, custom_file_filter)
        return StepFunction(inner, name or default, processor_settings, step_settings, shipping)

    return decorate if function is None else decorate(function)
