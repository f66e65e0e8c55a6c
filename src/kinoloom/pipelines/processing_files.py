"""The files of processing jobs; `processing` has the names too, as the SDK does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.code import is_address, local_path
from kinoloom.pipelines.compiling import Compiling
from kinoloom.pipelines.workflow.entities import PipelineVariable
from kinoloom.pipelines.workflow.execution_variables import ExecutionVariables
from kinoloom.pipelines.workflow.functions import Join


@dataclass(frozen=True)
class S3Input:
    """Where files are and where the job finds them; see `ProcessingInput` for the attributes."""

    s3_uri: str | PipelineVariable | None = None
    local_path: str | None = None
    s3_data_type: str = "S3Prefix"
    s3_input_mode: str = "File"
    s3_data_distribution_type: str = "FullyReplicated"
    s3_compression_type: str = "None"


@dataclass(frozen=True)
class ProcessingInput:
    """Files that the job finds at `destination`.

    Attributes:
        source: an s3:// address, a path on this machine (it is uploaded), or a pipeline variable.
        destination: an absolute path in the job.
        input_name: None names it input-1, input-2, ...
        s3_data_type, s3_input_mode, s3_data_distribution_type, s3_compression_type: as the
            service's S3Input has them.
        s3_input: all of the above in one object, in their place.
        dataset_definition: not for processing here; None.
        app_managed: true for what the job reads where it lies; it is then not copied.

    Raises:
        UsageError: there is no source or destination, or a dataset_definition.
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
            raise UsageError("A dataset_definition cannot be read; give a source of files.")
        if self.s3_input is None and (self.source is None or self.destination is None):
            raise UsageError("A ProcessingInput needs a source and a destination, or an s3_input.")

    @property
    def settings(self) -> S3Input:
        """What it comes to, however it was given."""
        if self.s3_input is not None:
            return self.s3_input
        return S3Input(
            self.source, self.destination, self.s3_data_type, self.s3_input_mode,
            self.s3_data_distribution_type, self.s3_compression_type,
        )  # fmt: skip


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


def input_request(compiling: Compiling, one: ProcessingInput, index: int) -> dict[str, Any]:
    """The JSON of a processing job's input number `index`; a local source is uploaded."""
    name = one.input_name or f"input-{index}"
    settings = one.settings
    source = settings.s3_uri
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
            "LocalPath": settings.local_path,
            "S3DataType": settings.s3_data_type,
            "S3InputMode": settings.s3_input_mode,
            "S3DataDistributionType": settings.s3_data_distribution_type,
            "S3CompressionType": settings.s3_compression_type,
        },
    }


def output_request(compiling: Compiling, one: ProcessingOutput, index: int) -> dict[str, Any]:
    """The JSON of a processing job's output number `index`."""
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
