"""Training jobs: a script, its hyper-parameters and channels of data.

Names and arguments are those of `sagemaker.estimator`; `fit()` does not train but returns the
`step_args` of a `TrainingStep`.

`Estimator` passes hyper-parameters as text ("5", "reg:squarederror"); a `Framework`, such as
`XGBoost`, as JSON ("5", "\\"reg:squarederror\\""). Both have what the script mode of the
service's images needs: sagemaker_program, sagemaker_submit_directory and so on, as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.code import is_address, local_path, put_sources
from kinoloom.pipelines.compiling import Compiling, Session, StepArguments
from kinoloom.pipelines.inputs import TrainingInput
from kinoloom.pipelines.workflow.entities import PipelineVariable, as_text

Channels = Mapping[str, "TrainingInput | str | PipelineVariable"]


class Estimator:
    """A training script in an environment.

    Args:
        image_uri: names the environment; locally the steps run in this interpreter's.
        role: of the job; None takes the session's.
        instance_count, instance_type: the machines; locally they decide the resources taken.
        volume_size: of the machine, in GB.
        max_run: the job is stopped after this many seconds.
        input_mode: of the channels.
        output_path: an s3:// address or a pipeline variable; None is the session's bucket.
        base_job_name: accepted; pipelines name their jobs.
        sagemaker_session: accepted; the pipeline's session is used.
        hyperparameters: by name.
        metric_definitions: of the job, [{"Name": ..., "Regex": ...}].
        environment: environment variables.
        entry_point: the script: a path, or a path within source_dir; None for an image that has
            its own command.
        source_dir: the folder that the script needs, or the s3:// address of a sourcedir.tar.gz.
        dependencies: more files and folders that are put beside the script.
        container_log_level: as Python's logging has it.
        debugger_hook_config: False leaves out the debugger's place for tensors.
        disable_profiler: kept in the definition.
        enable_network_isolation, use_spot_instances: kept in the definition when true.
        max_wait: for spot instances, in seconds.
        max_retry_attempts: kept in the definition.
        tags: kept in the definition.
    """

    def __init__(
        self,
        image_uri: str | PipelineVariable | None = None,
        role: str | PipelineVariable | None = None,
        instance_count: int | PipelineVariable = 1,
        instance_type: str | PipelineVariable = "local",
        volume_size: int | PipelineVariable = 30,
        max_run: int | PipelineVariable = 86400,
        input_mode: str | PipelineVariable = "File",
        output_path: str | PipelineVariable | None = None,
        base_job_name: str | None = None,
        sagemaker_session: Session | None = None,
        hyperparameters: Mapping[str, Any] | None = None,
        metric_definitions: Sequence[Mapping[str, str]] | None = None,
        environment: Mapping[str, str | PipelineVariable] | None = None,
        entry_point: str | None = None,
        source_dir: str | None = None,
        dependencies: Sequence[str] = (),
        container_log_level: int = 20,
        debugger_hook_config: bool | None = None,
        disable_profiler: bool = True,
        enable_network_isolation: bool = False,
        use_spot_instances: bool = False,
        max_wait: int | None = None,
        max_retry_attempts: int | None = None,
        tags: Sequence[Mapping[str, str]] | None = None,
    ) -> None:
        self.image_uri = image_uri
        self.role = role
        self.instance_count = instance_count
        self.instance_type = instance_type
        self.volume_size = volume_size
        self.max_run = max_run
        self.input_mode = input_mode
        self.output_path = output_path
        self.base_job_name = base_job_name
        self.sagemaker_session = sagemaker_session
        self.metric_definitions = metric_definitions
        self.environment = environment
        self.entry_point = entry_point
        self.source_dir = source_dir
        self.dependencies = dependencies
        self.container_log_level = container_log_level
        self.debugger_hook_config = debugger_hook_config
        self.disable_profiler = disable_profiler
        self.enable_network_isolation = enable_network_isolation
        self.use_spot_instances = use_spot_instances
        self.max_wait = max_wait
        self.max_retry_attempts = max_retry_attempts
        self.tags = tags
        self._hyperparameters = dict(hyperparameters or {})

    def set_hyperparameters(self, **kwargs: Any) -> None:
        """Add or replace hyper-parameters."""
        self._hyperparameters.update(kwargs)

    def hyperparameters(self) -> dict[str, Any]:
        """The hyper-parameters as text or pipeline variables."""
        return {name: as_text(value) for name, value in self._hyperparameters.items()}

    def training_image_uri(self, region: str) -> str | PipelineVariable:
        """The image that names the environment.

        Raises:
            UsageError: none was given.
        """
        if self.image_uri is None:
            raise UsageError("An Estimator needs an image_uri.")
        return self.image_uri

    def fit(
        self, inputs: Channels | TrainingInput | str | PipelineVariable | None = None
    ) -> StepArguments:
        """The `step_args` of a `TrainingStep`.

        Args:
            inputs: channels by name, or one that is named "training".
        """
        return StepArguments("Training", lambda compiling: self._request(compiling, inputs))

    def _request(self, compiling: Compiling, inputs: Any) -> dict[str, Any]:
        output = self.output_path or f"s3://{compiling.session.default_bucket()}/"
        algorithm: dict[str, Any] = {
            "TrainingInputMode": self.input_mode,
            "TrainingImage": self.training_image_uri(compiling.session.boto_region_name),
        }
        if self.metric_definitions:
            algorithm["MetricDefinitions"] = list(self.metric_definitions)
        made: dict[str, Any] = {
            "AlgorithmSpecification": algorithm,
            "OutputDataConfig": {"S3OutputPath": output},
            "StoppingCondition": {"MaxRuntimeInSeconds": self.max_run},
            "ResourceConfig": {
                "VolumeSizeInGB": self.volume_size,
                "InstanceCount": self.instance_count,
                "InstanceType": self.instance_type,
            },
            "RoleArn": self.role or compiling.session.default_role(),
        }
        optional = {
            "InputDataConfig": _channels(inputs),
            "HyperParameters": {**self.hyperparameters(), **self._script_mode(compiling)},
            "Environment": dict(self.environment or {}),
            "Tags": list(self.tags or ()),
        }
        made.update({key: value for key, value in optional.items() if value})
        return {**made, **self._service_settings(made)}

    def _service_settings(self, made: dict[str, Any]) -> dict[str, Any]:
        more: dict[str, Any] = {}
        if self.debugger_hook_config is not False:
            path = made["OutputDataConfig"]["S3OutputPath"]
            more["DebugHookConfig"] = {"S3OutputPath": path, "CollectionConfigurations": []}
        if self.disable_profiler:
            more["ProfilerConfig"] = {"DisableProfiler": True}
        if self.enable_network_isolation:
            more["EnableNetworkIsolation"] = True
        if self.use_spot_instances:
            more["EnableManagedSpotTraining"] = True
        if self.max_wait is not None:
            wait = {"MaxWaitTimeInSeconds": self.max_wait}
            more["StoppingCondition"] = {**made["StoppingCondition"], **wait}
        if self.max_retry_attempts is not None:
            more["RetryStrategy"] = {"MaximumRetryAttempts": self.max_retry_attempts}
        return more

    def _script_mode(self, compiling: Compiling) -> dict[str, str]:
        if self.entry_point is None:
            return {}
        source = self.source_dir
        if source is not None and is_address(source):
            uri, program = source, self.entry_point
        else:
            folder = str(local_path(source)) if source is not None else None
            uri, program = put_sources(compiling, self.entry_point, folder, self.dependencies)
        told = {
            "sagemaker_submit_directory": uri,
            "sagemaker_program": program,
            "sagemaker_container_log_level": self.container_log_level,
            "sagemaker_region": compiling.session.boto_region_name,
        }
        return {name: json.dumps(value) for name, value in told.items()}


class Framework(Estimator):
    """An estimator whose hyper-parameters travel as JSON; see `Estimator` for the arguments."""

    def hyperparameters(self) -> dict[str, Any]:
        """The hyper-parameters as JSON texts or pipeline variables."""
        return {
            name: as_text(value) if isinstance(value, PipelineVariable) else json.dumps(value)
            for name, value in self._hyperparameters.items()
        }


def _channels(inputs: Any) -> list[dict[str, Any]]:
    if inputs is None:
        return []
    named = inputs if isinstance(inputs, Mapping) else {"training": inputs}
    channels = {
        name: one if isinstance(one, TrainingInput) else TrainingInput(one)
        for name, one in named.items()
    }
    return [one.to_request(name) for name, one in channels.items()]
