"""Inputs and outputs of processing jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.builder.code import is_address, local_path, upload_files
from kinoloom.pipelines.builder.context import CompileContext
from kinoloom.pipelines.builder.variables import ExecutionVariables, Join, PipelineVariable


@dataclass(frozen=True)
class S3Input:
    """An input's address and its path in the job; see `ProcessingInput` for the attributes."""

    s3_uri: str | PipelineVariable | None = None
    local_path: str | None = None
    s3_data_type: str = "S3Prefix"
    s3_input_mode: str = "File"
    s3_data_distribution_type: str = "FullyReplicated"
    s3_compression_type: str = "None"


@dataclass(frozen=True)
class ProcessingInput:
    """Files that the job reads from `destination`.

    Attributes:
        source: An s3:// address, a local path (which is uploaded) or a pipeline variable.
        destination: An absolute path in the job.
        input_name: None names it input-1, input-2, ...
        s3_data_type, s3_input_mode, s3_data_distribution_type, s3_compression_type: Members of the
            service's S3Input.
        s3_input: All of the above except the name, instead of them.
        dataset_definition: Not supported; must be None.
        app_managed: Read the files in place instead of copying them.

    Raises:
        UsageError: The source or destination is missing, or there is a dataset_definition.
    """

    source: str | PipelineVariable | None = None
    destination: str | None = None
    input_name: str | None = None
    s3_input: S3Input | None = None
    dataset_definition: None = None
    s3_data_type: str = "S3Prefix"
    s3_input_mode: str = "File"
    s3_data_distribution_type: str = "FullyReplicated"
    s3_compression_type: str = "None"
    app_managed: bool = False

    def __post_init__(self) -> None:
        if self.dataset_definition is not None:
            raise UsageError(
                "ProcessingInput does not support dataset_definition.", hint="Pass a source."
            )
        if self.s3_input is None and (self.source is None or self.destination is None):
            raise UsageError("ProcessingInput needs a source and a destination, or an s3_input.")

    @property
    def settings(self) -> S3Input:
        """The address and the path, however they were passed."""
        if self.s3_input is not None:
            return self.s3_input
        return S3Input(
            self.source, self.destination, self.s3_data_type, self.s3_input_mode,
            self.s3_data_distribution_type, self.s3_compression_type,
        )  # fmt: skip


@dataclass(frozen=True)
class ProcessingOutput:
    """Files that the job writes to `source`.

    Attributes:
        source: An absolute path in the job.
        destination: An s3:// address or a pipeline variable; None means
            <bucket>/<pipeline>/<execution>/<step>/output/<name>.
        output_name: None names it output-1, output-2, ...
        s3_upload_mode: A member of the service's S3Output.
        app_managed: A member of the service's ProcessingOutput.
    """

    source: str
    destination: str | PipelineVariable | None = None
    output_name: str | None = None
    s3_upload_mode: str = "EndOfJob"
    app_managed: bool = False


def build_input(context: CompileContext, one: ProcessingInput, number: int) -> dict[str, Any]:
    """Return the JSON of a job's input and upload a local source.

    Args:
        context: The step that is being compiled.
        one: The input.
        number: The input's number, from 1.
    """
    name = one.input_name or f"input-{number}"
    settings = one.settings
    source = settings.s3_uri
    if isinstance(source, str) and not is_address(source) and not one.app_managed:
        source = upload_files(context, local_path(source), context.step, "input", name)
    return {
        "InputName": name,
        "AppManaged": one.app_managed,
        "S3Input": {
            "S3Uri": source,
            "LocalPath": settings.local_path,
            "S3DataType": settings.s3_data_type,
            "S3InputMode": settings.s3_input_mode,
            "S3DataDistributionType": settings.s3_data_distribution_type,
            "S3CompressionType": settings.s3_compression_type,
        },
    }


def build_output(context: CompileContext, one: ProcessingOutput, number: int) -> dict[str, Any]:
    """Return the JSON of a job's output; see `build_input` for the arguments."""
    name = one.output_name or f"output-{number}"
    run = ExecutionVariables.PIPELINE_EXECUTION_ID
    default = ["s3:/", *context.address_parts(), run, context.step, "output", name]
    return {
        "OutputName": name,
        "AppManaged": one.app_managed,
        "S3Output": {
            "S3Uri": Join(on="/", values=default) if one.destination is None else one.destination,
            "LocalPath": one.source,
            "S3UploadMode": one.s3_upload_mode,
        },
    }
