"""Processing jobs: a command with inputs and outputs, or a script.

Names and arguments are those of `sagemaker.processing`; `run()` does not run anything but returns
the `step_args` of a `ProcessingStep`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlparse

from kinoloom.errors import UsageError
from kinoloom.pipelines.code import is_address, local_path, put_script
from kinoloom.pipelines.compiling import Compiling, Session, StepArguments
from kinoloom.pipelines.workflow.entities import PipelineVariable
from kinoloom.pipelines.workflow.execution_variables import ExecutionVariables
from kinoloom.pipelines.workflow.functions import Join

_CODE = "/opt/ml/processing/input/code"


@dataclass(frozen=True)
class ProcessingInput:
    """Files that the job finds at `destination`.

    Attributes:
        source: an s3:// address, a path on this machine (it is uploaded), or a pipeline variable.
        destination: an absolute path in the job.
        input_name: None names it input-1, input-2, ...
        s3_data_type, s3_input_mode, s3_data_distribution_type, s3_compression_type: as the
            service's S3Input has them.
        app_managed: true for what the job reads where it lies; it is then not copied.
    """

    source: str | PipelineVariable
    destination: str
    input_name: str | None = None
    s3_data_type: str = "S3Prefix"
    s3_input_mode: str = "File"
    s3_data_distribution_type: str = "FullyReplicated"
    s3_compression_type: str = "None"
    app_managed: bool = False


@dataclass(frozen=True)
class ProcessingOutput:
    """Files that the job leaves at `source`.

    Attributes:
        source: an absolute path in the job.
        destination: an s3:// address or a pipeline variable; None puts them below the session's
            bucket: <pipeline>/<execution>/<step>/output/<name>.
        output_name: None names it output-1, output-2, ...
        s3_upload_mode: as the service's S3Output has it.
        app_managed: as the service has it.
    """

    source: str
    destination: str | PipelineVariable | None = None
    output_name: str | None = None
    s3_upload_mode: str = "EndOfJob"
    app_managed: bool = False


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
        base_job_name: accepted; pipelines name their jobs.
        sagemaker_session: accepted; the pipeline's session is used.
        env: environment variables.
        tags: kept in the definition.
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

    def run(
        self,
        inputs: Sequence[ProcessingInput] | None = None,
        outputs: Sequence[ProcessingOutput] | None = None,
        arguments: Sequence[str | PipelineVariable] | None = None,
    ) -> StepArguments:
        """The `step_args` of a `ProcessingStep`.

        Args:
            inputs, outputs: the files.
            arguments: of the command.
        """
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
        made: dict[str, Any] = {
            "ProcessingResources": {"ClusterConfig": self._cluster()},
            "AppSpecification": application,
            "RoleArn": self.role or compiling.session.default_role(),
        }
        if inputs:
            made["ProcessingInputs"] = [
                _input(compiling, one, index) for index, one in enumerate(inputs, 1)
            ]
        if outputs:
            listed = [_output(compiling, one, index) for index, one in enumerate(outputs, 1)]
            made["ProcessingOutputConfig"] = {"Outputs": listed}
            if self.output_kms_key:
                made["ProcessingOutputConfig"]["KmsKeyId"] = self.output_kms_key
        if self.env:
            made["Environment"] = dict(self.env)
        if self.max_runtime_in_seconds is not None:
            made["StoppingCondition"] = {"MaxRuntimeInSeconds": self.max_runtime_in_seconds}
        if self.tags:
            made["Tags"] = list(self.tags)
        return made

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
    ) -> StepArguments:
        """The `step_args` of a `ProcessingStep`.

        Args:
            code: the script: a path on this machine or an s3:// address.
            inputs, outputs: the files.
            arguments: of the script.

        Raises:
            UsageError: code is a pipeline variable.
        """
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


def _input(compiling: Compiling, one: ProcessingInput, index: int) -> dict[str, Any]:
    name = one.input_name or f"input-{index}"
    source = one.source
    if isinstance(source, str) and not is_address(source) and not one.app_managed:
        path = local_path(source)
        last = [path.name] if path.is_file() else []
        source = compiling.uri(compiling.step, "input", name, *last)
        compiling.session.upload(path, source)
    return {
        "InputName": name,
        "AppManaged": one.app_managed,
        "S3Input": {
            "S3Uri": source,
            "LocalPath": one.destination,
            "S3DataType": one.s3_data_type,
            "S3InputMode": one.s3_input_mode,
            "S3DataDistributionType": one.s3_data_distribution_type,
            "S3CompressionType": one.s3_compression_type,
        },
    }


def _output(compiling: Compiling, one: ProcessingOutput, index: int) -> dict[str, Any]:
    name = one.output_name or f"output-{index}"
    run = ExecutionVariables.PIPELINE_EXECUTION_ID
    usual = ["s3:/", *compiling.base(), run, compiling.step, "output", name]
    return {
        "OutputName": name,
        "AppManaged": one.app_managed,
        "S3Output": {
            "S3Uri": Join(on="/", values=usual) if one.destination is None else one.destination,
            "LocalPath": one.source,
            "S3UploadMode": one.s3_upload_mode,
        },
    }
