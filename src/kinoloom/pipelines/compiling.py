"""What a step needs to know while a pipeline is compiled: where code goes, and names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


class Session(Protocol):
    """Where a pipeline's files go. `LocalSession` is one."""

    boto_region_name: str
    default_bucket_prefix: str | None

    def default_bucket(self) -> str:
        """The name of the bucket for code and outputs."""

    def default_role(self) -> str:
        """The role of jobs for which none was given."""

    def upload(self, content: Path | bytes, uri: str) -> None:
        """Put a file, a folder or bytes at an s3:// address, in place of what is there."""


class Started(Protocol):
    """An execution of a pipeline, wherever it runs."""

    id: str

    @property
    def arn(self) -> str:
        """Its address."""

    @property
    def status(self) -> str:
        """How far it is: "Executing", "Stopping", "Succeeded", "Failed" or "Stopped"."""

    @property
    def definition(self) -> str:
        """The definition that it runs, as JSON."""

    def wait(self, delay: float | None = None, max_attempts: int | None = None) -> None:
        """Wait for its end; an error when it is not a success."""

    def join(self) -> None:
        """Wait for its end, well or not."""

    def stop(self) -> None:
        """Stop it."""

    def describe(self) -> dict[str, Any]:
        """What DescribePipelineExecution tells."""

    def list_steps(self) -> list[dict[str, Any]]:
        """The steps that have begun, in that order."""

    def list_parameters(self) -> list[dict[str, Any]]:
        """The parameters that it was started with."""

    def logs(self, step_name: str) -> str:
        """What a step has written."""

    def properties(self, step_name: str) -> Any:
        """What later steps may take from a step."""

    def result(self, step_name: str) -> Any:
        """Wait for the end and give what a step made."""


class PipelineSession(Session, Protocol):
    """What runs pipelines: a `LocalSession`, a `RaySession` or a `SageMakerSession`."""

    create_replaces: bool
    """Whether `Pipeline.create` may meet a pipeline of that name."""

    def put_pipeline(
        self, name: str, definition: str, description: str = "", role: str | None = None
    ) -> str:
        """Make a pipeline, or give it another definition, and give its address."""

    def describe_pipeline(self, name: str) -> dict[str, Any]:
        """What DescribePipeline tells; a `UsageError` when there is none."""

    def delete_pipeline(self, name: str) -> None:
        """Forget a pipeline."""

    def start(
        self,
        name: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        display_name: str = "",
        description: str = "",
        max_parallel: int = 0,
        selected: Any = None,
    ) -> Started:
        """Start an execution and come back at once."""

    def executions(self, name: str) -> Sequence[Started]:
        """The executions of a pipeline, the latest first."""


@dataclass(frozen=True)
class Compiling:
    """The step that is being compiled.

    Attributes:
        session: where its files go.
        pipeline: the name of the pipeline.
        step: the name of the step.
        job_prefixes: whether jobs have names of their own, see `PipelineDefinitionConfig`.
    """

    session: Session
    pipeline: str
    step: str = ""
    job_prefixes: bool = False

    def job_name(self, member: str, prefix: str | None) -> dict[str, str]:
        """The member of a request that names its job, if the pipeline wants one."""
        return {member: prefix} if self.job_prefixes and prefix else {}

    def base(self) -> list[str]:
        """The parts of the pipeline's own address: bucket, prefix if there is one, name."""
        prefix = self.session.default_bucket_prefix
        return [self.session.default_bucket(), *([prefix] if prefix else []), self.pipeline]

    def uri(self, *parts: str) -> str:
        """An address below the pipeline's own."""
        return "s3://" + "/".join([*self.base(), *parts])


@dataclass(frozen=True)
class StepArguments:
    """What `run()` or `fit()` was called with; becomes a request when the pipeline is compiled.

    Attributes:
        kind: the type of step that it is for.
        make: makes the request.
    """

    kind: str
    make: Callable[[Compiling], dict[str, Any]]
