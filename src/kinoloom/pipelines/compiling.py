"""What a step needs to know while a pipeline is compiled: where code goes, and names."""

from __future__ import annotations

from collections.abc import Callable
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


@dataclass(frozen=True)
class Compiling:
    """The step that is being compiled.

    Attributes:
        session: where its files go.
        pipeline: the name of the pipeline.
        step: the name of the step.
    """

    session: Session
    pipeline: str
    step: str = ""

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
