"""Processing jobs: a command with inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.builder.context import CompileContext, StepArguments
from kinoloom.pipelines.builder.processing_files import (
    ProcessingInput,
    ProcessingOutput,
    build_input,
    build_output,
)
from kinoloom.pipelines.builder.variables import PipelineVariable, omit_none, to_request
from kinoloom.pipelines.language.problems import suggest
from kinoloom.pipelines.protocols import FileSession

_IGNORED = ("wait", "logs", "job_name", "experiment_config", "kms_key")


class Processor:
    """A command in an environment.

    Args:
        role: The job's role; None means the session's.
        image_uri: Names the environment; local steps run in this interpreter's environment.
        instance_count, instance_type: The machines; locally they decide the resources.
        entrypoint: The command.
        volume_size_in_gb: The size of the machine's disk.
        volume_kms_key: The key of the machine's disk; kept in the definition.
        output_kms_key: The key of the outputs; kept in the definition.
        max_runtime_in_seconds: The job's time limit; None means one day.
        base_job_name: The job's name with a `PipelineDefinitionConfig`.
        sagemaker_session: Accepted for compatibility; the pipeline's session is used.
        env: Environment variables.
        tags: Kept in the definition.
        network_config: A `NetworkConfig`, kept in the definition.
    """

    def __init__(
        self,
        role: str | PipelineVariable | None = None,
        image_uri: str | PipelineVariable | None = None,
        instance_count: int | PipelineVariable = 1,
        instance_type: str | PipelineVariable = "local",
        entrypoint: Sequence[str | PipelineVariable] | None = None,
        volume_size_in_gb: int | PipelineVariable = 30,
        volume_kms_key: str | PipelineVariable | None = None,
        output_kms_key: str | PipelineVariable | None = None,
        max_runtime_in_seconds: int | PipelineVariable | None = None,
        base_job_name: str | None = None,
        sagemaker_session: FileSession | None = None,
        env: Mapping[str, str | PipelineVariable] | None = None,
        tags: Sequence[Mapping[str, str]] | None = None,
        network_config: Any = None,
    ) -> None:
        self.role = role
        self.image_uri = image_uri
        self.instance_count = instance_count
        self.instance_type = instance_type
        self.entrypoint = entrypoint
        self.volume_size_in_gb = volume_size_in_gb
        self.volume_kms_key = volume_kms_key
        self.output_kms_key = output_kms_key
        self.max_runtime_in_seconds = max_runtime_in_seconds
        self.base_job_name = base_job_name
        self.sagemaker_session = sagemaker_session
        self.env = env
        self.tags = tags
        self.network_config = network_config

    def run(
        self,
        inputs: Sequence[ProcessingInput] | None = None,
        outputs: Sequence[ProcessingOutput] | None = None,
        arguments: Sequence[str | PipelineVariable] | None = None,
        **ignored: Any,
    ) -> StepArguments:
        """Return the `step_args` of a `ProcessingStep`; nothing runs.

        Args:
            inputs, outputs: The job's files.
            arguments: The command's arguments.
            **ignored: wait, logs, job_name, experiment_config and kms_key, which the pipeline
                decides.

        Raises:
            UsageError: Another argument is passed.
        """
        check_ignored(ignored)
        return StepArguments(
            "Processing",
            lambda context: self._build_request(
                context, list(inputs or ()), list(outputs or ()), arguments, self.entrypoint
            ),
        )

    def _build_request(
        self,
        context: CompileContext,
        inputs: Sequence[ProcessingInput],
        outputs: Sequence[ProcessingOutput],
        arguments: Sequence[Any] | None,
        entrypoint: Sequence[Any] | None,
    ) -> dict[str, Any]:
        if self.image_uri is None:
            raise UsageError(f"The processor of '{context.step}' needs an image_uri.")
        application: dict[str, Any] = {"ImageUri": self.image_uri}
        if arguments:
            application["ContainerArguments"] = list(arguments)
        if entrypoint:
            application["ContainerEntrypoint"] = list(entrypoint)
        output_config = omit_none(
            Outputs=[build_output(context, one, k) for k, one in enumerate(outputs, 1)],
            KmsKeyId=self.output_kms_key,
        )
        required = {
            "ProcessingResources": {"ClusterConfig": self._cluster()},
            "AppSpecification": application,
            "RoleArn": self.role or context.session.default_role(),
        }
        optional = {
            "ProcessingInputs": [build_input(context, one, k) for k, one in enumerate(inputs, 1)],
            "ProcessingOutputConfig": output_config if outputs else None,
            "Environment": dict(self.env or {}),
            "StoppingCondition": omit_none(MaxRuntimeInSeconds=self.max_runtime_in_seconds),
            "NetworkConfig": to_request(self.network_config),
            "Tags": list(self.tags or ()),
        }
        name = context.job_name("ProcessingJobName", self.base_job_name)
        return {**required, **name, **{key: value for key, value in optional.items() if value}}

    def _cluster(self) -> dict[str, Any]:
        return omit_none(
            InstanceType=self.instance_type,
            InstanceCount=self.instance_count,
            VolumeSizeInGB=self.volume_size_in_gb,
            VolumeKmsKeyId=self.volume_kms_key or None,
        )


def check_ignored(arguments: Mapping[str, Any]) -> None:
    """Reject arguments of `run()` that are not among those that a pipeline decides.

    Raises:
        UsageError: There is such an argument.
    """
    for name in arguments:
        if name not in _IGNORED:
            raise UsageError(f"run() has no argument '{name}'{suggest(name, _IGNORED)}.")
