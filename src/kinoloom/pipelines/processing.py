"""Processing jobs: a command with inputs and outputs, or a script.

Names and arguments are those of `sagemaker.processing`; `run()` does not run anything but returns
the `step_args` of a `ProcessingStep`.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlparse

from kinoloom.errors import UsageError
from kinoloom.pipelines.code import (
    bytes_digest,
    is_address,
    local_path,
    put_script,
    put_sources,
)
from kinoloom.pipelines.compiling import Compiling, Session, StepArguments
from kinoloom.pipelines.language.problems import suggestion
from kinoloom.pipelines.network import NetworkConfig
from kinoloom.pipelines.processing_files import (
    ProcessingInput,
    ProcessingOutput,
    S3Input,
    input_request,
    output_request,
)
from kinoloom.pipelines.workflow.entities import PipelineVariable, given

_CODE = "/opt/ml/processing/input/code"
_ENTRY = "/opt/ml/processing/input/entrypoint"
_ACCEPTED = ("wait", "logs", "job_name", "experiment_config", "kms_key")
# Runs on the service too; KINOLOOM_ML_ROOT is set for local steps only.
_RUNPROC = """#!/bin/bash
set -e
cd "${{KINOLOOM_ML_ROOT:-/opt/ml}}/processing/input/code"
tar -xzf sourcedir.tar.gz
if [ -f requirements.txt ] && [ -z "$KINOLOOM_ML_ROOT" ]; then
  pip install -r requirements.txt
fi
exec {command} "$@"
"""


class Processor:
    """A command in an environment.

    Args:
        role: of the job; None takes the session's.
        image_uri: names the environment; locally the steps run in this interpreter's.
        instance_count, instance_type: the machines; locally they decide the resources taken.
        entrypoint: the command.
        volume_size_in_gb: of the machine.
        volume_kms_key: for the machine's disk; kept in the definition.
        output_kms_key: for the outputs; kept in the definition.
        max_runtime_in_seconds: the job is stopped after this; None is a day.
        base_job_name: for a `PipelineDefinitionConfig`; else pipelines name their jobs.
        sagemaker_session: accepted; the pipeline's session is used.
        env: environment variables.
        tags: kept in the definition.
        network_config: kept in the definition.
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
        sagemaker_session: Session | None = None,
        env: Mapping[str, str | PipelineVariable] | None = None,
        tags: Sequence[Mapping[str, str]] | None = None,
        network_config: NetworkConfig | None = None,
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
        **accepted: Any,
    ) -> StepArguments:
        """The `step_args` of a `ProcessingStep`.

        Args:
            inputs, outputs: the files.
            arguments: of the command.
            **accepted: wait, logs, job_name, experiment_config and kms_key, which a pipeline
                decides.

        Raises:
            UsageError: another argument is given.
        """
        _only_accepted(accepted)
        return StepArguments(
            "Processing",
            lambda compiling: self._request(
                compiling, list(inputs or ()), list(outputs or ()), arguments, self.entrypoint
            ),
        )

    def _request(
        self,
        compiling: Compiling,
        inputs: Sequence[ProcessingInput],
        outputs: Sequence[ProcessingOutput],
        arguments: Sequence[Any] | None,
        entrypoint: Sequence[Any] | None,
    ) -> dict[str, Any]:
        if self.image_uri is None:
            raise UsageError(f"The processor of '{compiling.step}' needs an image_uri.")
        application: dict[str, Any] = {"ImageUri": self.image_uri}
        if arguments:
            application["ContainerArguments"] = list(arguments)
        if entrypoint:
            application["ContainerEntrypoint"] = list(entrypoint)
        made_outputs = [output_request(compiling, one, k) for k, one in enumerate(outputs, 1)]
        kept = given(Outputs=made_outputs, KmsKeyId=self.output_kms_key)
        limit = self.max_runtime_in_seconds
        network = self.network_config.to_request() if self.network_config else None
        made = {
            "ProcessingResources": {"ClusterConfig": self._cluster()},
            "AppSpecification": application,
            "RoleArn": self.role or compiling.session.default_role(),
        }
        optional = {
            "ProcessingInputs": [
                input_request(compiling, one, k) for k, one in enumerate(inputs, 1)
            ],
            "ProcessingOutputConfig": kept if outputs else None,
            "Environment": dict(self.env or {}),
            "StoppingCondition": given(MaxRuntimeInSeconds=limit),
            "NetworkConfig": network,
            "Tags": list(self.tags or ()),
        }
        named = compiling.job_name("ProcessingJobName", self.base_job_name)
        return {**made, **named, **{key: value for key, value in optional.items() if value}}

    def _cluster(self) -> dict[str, Any]:
        made: dict[str, Any] = {
            "InstanceType": self.instance_type,
            "InstanceCount": self.instance_count,
            "VolumeSizeInGB": self.volume_size_in_gb,
        }
        return {**made, "VolumeKmsKeyId": self.volume_kms_key} if self.volume_kms_key else made


class ScriptProcessor(Processor):
    """A script and the command that runs it.

    Args:
        role, image_uri: as for `Processor`.
        command: what runs the script: ["python3"].
        **settings: as for `Processor`, but for the entrypoint.
    """

    def __init__(
        self,
        role: str | PipelineVariable | None = None,
        image_uri: str | PipelineVariable | None = None,
        command: Sequence[str] | None = None,
        **settings: Any,
    ) -> None:
        if "entrypoint" in settings:
            raise UsageError("A ScriptProcessor makes its entrypoint of command and code.")
        super().__init__(role, image_uri, **settings)
        self.command = list(command or ("python3",))

    def run(  # type: ignore[override]
        self,
        code: str,
        inputs: Sequence[ProcessingInput] | None = None,
        outputs: Sequence[ProcessingOutput] | None = None,
        arguments: Sequence[str | PipelineVariable] | None = None,
        **accepted: Any,
    ) -> StepArguments:
        """The `step_args` of a `ProcessingStep`.

        Args:
            code: the script: a path on this machine or an s3:// address.
            inputs, outputs: the files.
            arguments: of the script.
            **accepted: as for `Processor.run`.

        Raises:
            UsageError: code is a pipeline variable, or another argument is given.
        """
        _only_accepted(accepted)
        if isinstance(code, PipelineVariable):
            raise UsageError("code must be known before the pipeline runs.")

        def make(compiling: Compiling) -> dict[str, Any]:
            uri = code if is_address(code) else put_script(compiling, local_path(code))
            script = PurePosixPath(_CODE, PurePosixPath(urlparse(uri).path).name)
            last = ProcessingInput(source=uri, destination=_CODE, input_name="code")
            return self._request(
                compiling,
                [*(inputs or ()), last],
                list(outputs or ()),
                arguments,
                [*self.command, str(script)],
            )

        return StepArguments("Processing", make)


class FrameworkProcessor(ScriptProcessor):
    """A script with the folder that it needs, in the environment of a framework.

    The job unpacks the folder and runs the script in it. On the service it installs the folder's
    requirements.txt first; locally it does not, for a step runs in this interpreter's environment.

    Args:
        estimator_cls: the framework's estimator, such as `SKLearn`: it names the image.
        framework_version, py_version: of the image.
        role, image_uri, command, **settings: as for `ScriptProcessor`.
    """

    def __init__(
        self,
        estimator_cls: Any,
        framework_version: str | None = None,
        role: str | PipelineVariable | None = None,
        instance_count: int | PipelineVariable = 1,
        instance_type: str | PipelineVariable = "local",
        py_version: str | None = "py3",
        image_uri: str | PipelineVariable | None = None,
        command: Sequence[str] | None = None,
        **settings: Any,
    ) -> None:
        machine = {"instance_count": instance_count, "instance_type": instance_type}
        super().__init__(role, image_uri, command, **machine, **settings)
        self._image_of = estimator_cls(
            framework_version=framework_version,
            py_version=py_version,
            image_uri=image_uri,
            instance_type=instance_type,
        ).training_image_uri

    def run(  # type: ignore[override]
        self,
        code: str,
        source_dir: str | None = None,
        dependencies: Sequence[str] = (),
        inputs: Sequence[ProcessingInput] | None = None,
        outputs: Sequence[ProcessingOutput] | None = None,
        arguments: Sequence[str | PipelineVariable] | None = None,
        **accepted: Any,
    ) -> StepArguments:
        """The `step_args` of a `ProcessingStep`.

        Args:
            code: the script: a path, or a path within source_dir.
            source_dir: the folder that it needs.
            dependencies: more files and folders that are put beside the script.
            inputs, outputs, arguments, **accepted: as for `ScriptProcessor.run`.

        Raises:
            UsageError: another argument is given.
        """
        _only_accepted(accepted)

        def make(compiling: Compiling) -> dict[str, Any]:
            self.image_uri = self._image_of(compiling.session.boto_region_name)
            archive, program = put_sources(compiling, code, source_dir, dependencies)
            text = _RUNPROC.format(command=shlex.join([*self.command, program])).encode()
            runner = compiling.uri("code", bytes_digest(text), "runproc.sh")
            compiling.session.upload(text, runner)
            more = [
                ProcessingInput(archive, f"{_CODE}/", "code"),
                ProcessingInput(runner, _ENTRY, "entrypoint"),
            ]
            entrypoint = ["/bin/bash", f"{_ENTRY}/runproc.sh"]
            return self._request(
                compiling, [*(inputs or ()), *more], list(outputs or ()), arguments, entrypoint
            )

        return StepArguments("Processing", make)


def _only_accepted(named: Mapping[str, Any]) -> None:
    for name in named:
        if name not in _ACCEPTED:
            raise UsageError(f"run() has no argument '{name}'{suggestion(name, _ACCEPTED)}.")


__all__ = [
    "FrameworkProcessor",
    "ProcessingInput",
    "ProcessingOutput",
    "Processor",
    "S3Input",
    "ScriptProcessor",
]
