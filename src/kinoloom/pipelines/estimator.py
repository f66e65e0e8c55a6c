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
from kinoloom.pipelines.network import vpc_config
from kinoloom.pipelines.workflow.entities import PipelineVariable, as_text, given

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
        base_job_name: for a `PipelineDefinitionConfig`; else pipelines name their jobs.
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
        disable_profiler: False names a place for the profiler, True says that there is none.
        enable_network_isolation: kept in the definition when true.
        use_spot_instances: whether a training that is killed goes on from its checkpoints.
        max_wait: for how long spot instances may be waited for and run, in seconds.
        max_retry_attempts: how often a training that is killed is begun anew.
        tags: kept in the definition.
        checkpoint_s3_uri: where the job's checkpoints are kept; the next job finds them again.
        checkpoint_local_path: where the script leaves them; None is /opt/ml/checkpoints.
        container_entry_point, container_arguments: what runs in place of a script.
        subnets, security_group_ids, encrypt_inter_container_traffic, volume_kms_key,
            output_kms_key, keep_alive_period_in_seconds, enable_sagemaker_metrics,
            disable_output_compression: kept in the definition when given.
    """

    _metrics_series: bool | None = None
    """Whether the service keeps series of metrics; some frameworks choose it."""

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
        disable_profiler: bool = False,
        enable_network_isolation: bool = False,
        use_spot_instances: bool = False,
        max_wait: int | None = None,
        max_retry_attempts: int | None = None,
        tags: Sequence[Mapping[str, str]] | None = None,
        checkpoint_s3_uri: str | PipelineVariable | None = None,
        checkpoint_local_path: str | PipelineVariable | None = None,
        container_entry_point: Sequence[str | PipelineVariable] | None = None,
        container_arguments: Sequence[str | PipelineVariable] | None = None,
        subnets: Sequence[str | PipelineVariable] | None = None,
        security_group_ids: Sequence[str | PipelineVariable] | None = None,
        encrypt_inter_container_traffic: bool | PipelineVariable = False,
        volume_kms_key: str | PipelineVariable | None = None,
        output_kms_key: str | PipelineVariable | None = None,
        keep_alive_period_in_seconds: int | PipelineVariable | None = None,
        enable_sagemaker_metrics: bool | PipelineVariable | None = None,
        disable_output_compression: bool = False,
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
        self.checkpoint_s3_uri = checkpoint_s3_uri
        self.checkpoint_local_path = checkpoint_local_path
        self.container_entry_point = container_entry_point
        self.container_arguments = container_arguments
        self.subnets = subnets
        self.security_group_ids = security_group_ids
        self.encrypt_inter_container_traffic = encrypt_inter_container_traffic
        self.volume_kms_key = volume_kms_key
        self.output_kms_key = output_kms_key
        self.keep_alive_period_in_seconds = keep_alive_period_in_seconds
        self.enable_sagemaker_metrics = enable_sagemaker_metrics
        self.disable_output_compression = disable_output_compression
        self._hyperparameters = dict(hyperparameters or {})

    def set_hyperparameters(self, **kwargs: Any) -> None:
        """Add or replace hyper-parameters."""
        self._hyperparameters.update(kwargs)

    def hyperparameters(self) -> dict[str, Any]:
        """The hyper-parameters as text or pipeline variables."""
        return {name: as_text(value) for name, value in self._hyperparameters.items()}

    def training_image_uri(self, region: str | None = None) -> str | PipelineVariable:
        """The image that names the environment.

        Raises:
            UsageError: none was given.
        """
        if self.image_uri is None:
            raise UsageError("An Estimator needs an image_uri.")
        return self.image_uri

    def fit(
        self,
        inputs: Channels | TrainingInput | str | PipelineVariable | None = None,
        wait: bool = True,
        logs: Any = "All",
        job_name: str | None = None,
        experiment_config: Mapping[str, str] | None = None,
    ) -> StepArguments:
        """The `step_args` of a `TrainingStep`.

        Args:
            inputs: channels by name, or one that is named "training".
            wait, logs, job_name, experiment_config: accepted; a pipeline decides them.
        """
        return StepArguments("Training", lambda compiling: self._request(compiling, inputs))

    def _request(self, compiling: Compiling, inputs: Any) -> dict[str, Any]:
        output = self.output_path or f"s3://{compiling.session.default_bucket()}/"
        made: dict[str, Any] = {
            "AlgorithmSpecification": self._algorithm(compiling),
            "OutputDataConfig": given(
                S3OutputPath=output,
                KmsKeyId=self.output_kms_key,
                CompressionType="NONE" if self.disable_output_compression else None,
            ),
            "StoppingCondition": given(
                MaxRuntimeInSeconds=self.max_run, MaxWaitTimeInSeconds=self.max_wait
            ),
            "ResourceConfig": given(
                VolumeSizeInGB=self.volume_size,
                VolumeKmsKeyId=self.volume_kms_key,
                KeepAlivePeriodInSeconds=self.keep_alive_period_in_seconds,
                InstanceCount=self.instance_count,
                InstanceType=self.instance_type,
            ),
            "RoleArn": self.role or compiling.session.default_role(),
        }
        optional = {
            "InputDataConfig": _channels(inputs),
            "HyperParameters": {**self.hyperparameters(), **self._script_mode(compiling)},
            "Environment": dict(self.environment or {}),
            "Tags": list(self.tags or ()),
            "VpcConfig": vpc_config(self.subnets, self.security_group_ids),
            "EnableInterContainerTrafficEncryption": self.encrypt_inter_container_traffic,
            "EnableNetworkIsolation": self.enable_network_isolation,
            "EnableManagedSpotTraining": self.use_spot_instances,
        }
        made.update({key: value for key, value in optional.items() if value})
        named = compiling.job_name("TrainingJobName", self.base_job_name)
        return {**made, **named, **self._service_settings(output)}

    def _algorithm(self, compiling: Compiling) -> dict[str, Any]:
        series = self.enable_sagemaker_metrics
        metrics = list(self.metric_definitions) if self.metric_definitions else None
        return given(
            TrainingInputMode=self.input_mode,
            TrainingImage=self.training_image_uri(compiling.session.boto_region_name),
            EnableSageMakerMetricsTimeSeries=self._metrics_series if series is None else series,
            MetricDefinitions=metrics,
            ContainerEntrypoint=self.container_entry_point,
            ContainerArguments=self.container_arguments,
        )

    def _service_settings(self, output: str | PipelineVariable) -> dict[str, Any]:
        profiler = {"S3OutputPath": output, "DisableProfiler": False}
        made: dict[str, Any] = {
            "ProfilerConfig": {"DisableProfiler": True} if self.disable_profiler else profiler
        }
        if self.debugger_hook_config is not False:
            made["DebugHookConfig"] = {"S3OutputPath": output, "CollectionConfigurations": []}
        if self.checkpoint_s3_uri is not None:
            made["CheckpointConfig"] = given(
                S3Uri=self.checkpoint_s3_uri, LocalPath=self.checkpoint_local_path
            )
        if self.max_retry_attempts is not None:
            made["RetryStrategy"] = {"MaximumRetryAttempts": self.max_retry_attempts}
        return made

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
