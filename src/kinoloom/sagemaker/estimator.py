"""Training jobs: a script, its hyper-parameters and channels of data, as `sagemaker.estimator`.

`fit()` does not train; it returns the `step_args` of a `TrainingStep`.

`Estimator` passes hyper-parameters as text ("5", "reg:squarederror"); a `Framework`, such as
`XGBoost`, as JSON ("5", "\\"reg:squarederror\\""). Both add the settings of the service images'
script mode (sagemaker_program, sagemaker_submit_directory, ...) as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.builder.code import is_address, local_path, upload_sources
from kinoloom.pipelines.builder.context import CompileContext, StepArguments
from kinoloom.pipelines.builder.variables import PipelineVariable, omit_none, to_text
from kinoloom.pipelines.protocols import FileSession
from kinoloom.sagemaker.inputs import TrainingInput
from kinoloom.sagemaker.network import vpc_config

Channels = Mapping[str, "TrainingInput | str | PipelineVariable"]


class Estimator:
    """A training script in an environment.

    Args:
        image_uri: Names the environment; local steps run in this interpreter's environment.
        role: The job's role; None means the session's.
        instance_count, instance_type: The machines; locally they decide the resources.
        volume_size: The size of the machine's disk in GB.
        max_run: The job's time limit in seconds.
        input_mode: The mode of the channels.
        output_path: An s3:// address or a pipeline variable; None means the session's bucket.
        base_job_name: The job's name with a `PipelineDefinitionConfig`.
        sagemaker_session: Accepted for compatibility; the pipeline's session is used.
        hyperparameters: Values by name.
        metric_definitions: The job's metrics, [{"Name": ..., "Regex": ...}].
        environment: Environment variables.
        entry_point: The script's path, within source_dir if there is one; None for an image with
            its own command.
        source_dir: The script's folder, or the s3:// address of a sourcedir.tar.gz.
        dependencies: More files and folders, stored next to the script.
        container_log_level: A level of Python's logging.
        debugger_hook_config: False omits the debugger's output address.
        disable_profiler: True disables the profiler; False gives it an output address.
        enable_network_isolation: Kept in the definition if true.
        use_spot_instances: Whether a killed training restarts from its checkpoints.
        max_wait: The time limit of spot training, waiting included, in seconds.
        max_retry_attempts: The maximum number of restarts of a killed training.
        tags: Kept in the definition.
        checkpoint_s3_uri: The address of the checkpoints, which the next job finds there.
        checkpoint_local_path: The checkpoints' folder in the job; None means /opt/ml/checkpoints.
        container_entry_point, container_arguments: The command that runs instead of a script.
        subnets, security_group_ids, encrypt_inter_container_traffic, volume_kms_key,
            output_kms_key, keep_alive_period_in_seconds, enable_sagemaker_metrics,
            disable_output_compression: Kept in the definition if given.
    """

    _enable_metrics: bool | None = None
    """Whether the service records time series of metrics; some frameworks enable it."""

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
        sagemaker_session: FileSession | None = None,
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
        """Return the hyper-parameters as text or pipeline variables."""
        return {name: to_text(value) for name, value in self._hyperparameters.items()}

    def training_image_uri(self, region: str | None = None) -> str | PipelineVariable:
        """Return the name of the training image.

        Raises:
            UsageError: The estimator has no image_uri.
        """
        if self.image_uri is None:
            raise UsageError("Estimator needs an image_uri.")
        return self.image_uri

    def fit(
        self,
        inputs: Channels | TrainingInput | str | PipelineVariable | None = None,
        wait: bool = True,
        logs: Any = "All",
        job_name: str | None = None,
        experiment_config: Mapping[str, str] | None = None,
    ) -> StepArguments:
        """Return the `step_args` of a `TrainingStep`; nothing runs.

        Args:
            inputs: Channels by name, or one channel, which is named "training".
            wait, logs, job_name, experiment_config: Accepted; the pipeline decides them.
        """
        return StepArguments("Training", lambda context: self._build_request(context, inputs))

    def _build_request(self, context: CompileContext, inputs: Any) -> dict[str, Any]:
        output = self.output_path or f"s3://{context.session.default_bucket()}/"
        optional = {
            "InputDataConfig": _build_channels(inputs),
            "HyperParameters": {**self.hyperparameters(), **self._script_mode(context)},
            "Environment": dict(self.environment or {}),
            "Tags": list(self.tags or ()),
            "VpcConfig": vpc_config(self.subnets, self.security_group_ids),
            "EnableInterContainerTrafficEncryption": self.encrypt_inter_container_traffic,
            "EnableNetworkIsolation": self.enable_network_isolation,
            "EnableManagedSpotTraining": self.use_spot_instances,
        }
        return {
            **self._required_members(context, output),
            **{key: value for key, value in optional.items() if value},
            **context.job_name("TrainingJobName", self.base_job_name),
            **self._debugging_members(output),
        }

    def _required_members(
        self, context: CompileContext, output: str | PipelineVariable
    ) -> dict[str, Any]:
        return {
            "AlgorithmSpecification": self._algorithm(context),
            "OutputDataConfig": omit_none(
                S3OutputPath=output,
                KmsKeyId=self.output_kms_key,
                CompressionType="NONE" if self.disable_output_compression else None,
            ),
            "StoppingCondition": omit_none(
                MaxRuntimeInSeconds=self.max_run, MaxWaitTimeInSeconds=self.max_wait
            ),
            "ResourceConfig": omit_none(
                VolumeSizeInGB=self.volume_size,
                VolumeKmsKeyId=self.volume_kms_key,
                KeepAlivePeriodInSeconds=self.keep_alive_period_in_seconds,
                InstanceCount=self.instance_count,
                InstanceType=self.instance_type,
            ),
            "RoleArn": self.role or context.session.default_role(),
        }

    def _algorithm(self, context: CompileContext) -> dict[str, Any]:
        enabled = self.enable_sagemaker_metrics
        metrics = list(self.metric_definitions) if self.metric_definitions else None
        return omit_none(
            TrainingInputMode=self.input_mode,
            TrainingImage=self.training_image_uri(context.session.boto_region_name),
            EnableSageMakerMetricsTimeSeries=self._enable_metrics if enabled is None else enabled,
            MetricDefinitions=metrics,
            ContainerEntrypoint=self.container_entry_point,
            ContainerArguments=self.container_arguments,
        )

    def _debugging_members(self, output: str | PipelineVariable) -> dict[str, Any]:
        """Return the members for the profiler, the debugger, checkpoints and retries."""
        profiler = {"S3OutputPath": output, "DisableProfiler": False}
        members: dict[str, Any] = {
            "ProfilerConfig": {"DisableProfiler": True} if self.disable_profiler else profiler
        }
        if self.debugger_hook_config is not False:
            members["DebugHookConfig"] = {"S3OutputPath": output, "CollectionConfigurations": []}
        if self.checkpoint_s3_uri is not None:
            members["CheckpointConfig"] = omit_none(
                S3Uri=self.checkpoint_s3_uri, LocalPath=self.checkpoint_local_path
            )
        if self.max_retry_attempts is not None:
            members["RetryStrategy"] = {"MaximumRetryAttempts": self.max_retry_attempts}
        return members

    def _script_mode(self, context: CompileContext) -> dict[str, str]:
        """Upload the script and return the hyper-parameters of the images' script mode."""
        if self.entry_point is None:
            return {}
        source = self.source_dir
        if source is not None and is_address(source):
            uri, program = source, self.entry_point
        else:
            folder = str(local_path(source)) if source is not None else None
            uri, program = upload_sources(context, self.entry_point, folder, self.dependencies)
        settings = {
            "sagemaker_submit_directory": uri,
            "sagemaker_program": program,
            "sagemaker_container_log_level": self.container_log_level,
            "sagemaker_region": context.session.boto_region_name,
        }
        return {name: json.dumps(value) for name, value in settings.items()}


class Framework(Estimator):
    """An estimator that passes hyper-parameters as JSON; see `Estimator` for the arguments."""

    def hyperparameters(self) -> dict[str, Any]:
        """Return the hyper-parameters as JSON texts or pipeline variables."""
        return {
            name: to_text(value) if isinstance(value, PipelineVariable) else json.dumps(value)
            for name, value in self._hyperparameters.items()
        }


def _build_channels(inputs: Any) -> list[dict[str, Any]]:
    if inputs is None:
        return []
    named = inputs if isinstance(inputs, Mapping) else {"training": inputs}
    channels = {
        name: one if isinstance(one, TrainingInput) else TrainingInput(one)
        for name, one in named.items()
    }
    return [one.to_request(name) for name, one in channels.items()]
