"""What sessions and executions have in common, wherever pipelines run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol


class FileSession(Protocol):
    """Stores the files of a pipeline: its code, data and outputs."""

    boto_region_name: str
    default_bucket_prefix: str | None
    local_mode: bool
    """Whether jobs run in this interpreter's environment instead of images."""

    def default_bucket(self) -> str:
        """Return the bucket of code and outputs without an address."""

    def default_role(self) -> str:
        """Return the role of jobs without one."""

    def default_image(self) -> str:
        """Return the image of functions as steps without one."""

    def upload(self, content: Path | bytes, uri: str) -> None:
        """Store a file, the files of a folder, or bytes at an s3:// address; other files stay."""

    def read_object(self, uri: str) -> bytes:
        """Return the file at an s3:// address; raise UsageError if there is none."""

    def list_objects(self, uri: str) -> list[str]:
        """Return the addresses of the files at and below an s3:// address."""


class Execution(Protocol):
    """An execution of a pipeline."""

    id: str

    @property
    def arn(self) -> str:
        """The execution's ARN."""

    @property
    def status(self) -> str:
        """The status: "Executing", "Stopping", "Succeeded", "Failed" or "Stopped"."""

    @property
    def definition(self) -> str:
        """The pipeline definition that it runs, as JSON."""

    def wait(self, delay: float | None = None, max_attempts: int | None = None) -> None:
        """Wait until the execution has finished; raise an error unless it succeeded."""

    def join(self) -> None:
        """Wait until the execution has finished, whatever its status."""

    def stop(self) -> None:
        """Stop the execution."""

    def describe(self) -> dict[str, Any]:
        """Return the response of DescribePipelineExecution."""

    def list_steps(self) -> list[dict[str, Any]]:
        """Return the started steps in start order."""

    def list_parameters(self) -> list[dict[str, Any]]:
        """Return the parameters with their values."""

    def logs(self, step_name: str) -> str:
        """Return the output of a step."""

    def properties(self, step_name: str) -> Any:
        """Return the properties of a succeeded step."""

    def result(self, step_name: str) -> Any:
        """Wait for the execution and return the result of a step."""


class Session(FileSession, Protocol):
    """Runs pipelines: a `LocalSession`, a `RaySession` or a `SageMakerSession`."""

    create_replaces: bool
    """Whether `Pipeline.create` may replace an existing pipeline."""

    def put_pipeline(
        self, name: str, definition: str, description: str = "", role: str | None = None
    ) -> str:
        """Create a pipeline, or replace the definition of an existing one, and return its ARN."""

    def describe_pipeline(self, name: str) -> dict[str, Any]:
        """Return the response of DescribePipeline; raise UsageError if there is no pipeline."""

    def delete_pipeline(self, name: str) -> None:
        """Delete a pipeline."""

    def start(
        self,
        name: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        display_name: str = "",
        description: str = "",
        max_parallel: int = 0,
        selected: Any = None,
    ) -> Execution:
        """Start an execution and return at once."""

    def executions(self, name: str) -> Sequence[Execution]:
        """Return the executions of a pipeline, latest first."""
