"""The context in which a step is compiled to its request: names and addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from kinoloom.pipelines.builder.variables import iter_steps, to_expression
from kinoloom.pipelines.protocols import FileSession, Session

_forced: list[Session] = []


@contextmanager
def forcing_session(session: Session) -> Iterator[None]:
    """Make every pipeline use a session, whatever session it has; for commands that run a file."""
    _forced.append(session)
    try:
        yield
    finally:
        _forced.pop()


def forced_session() -> Session | None:
    """Return the session that every pipeline uses; None if each uses its own."""
    return _forced[-1] if _forced else None


@dataclass(frozen=True)
class CompileContext:
    """The step that is being compiled.

    Attributes:
        session: Stores the step's files.
        pipeline: The pipeline's name.
        step: The step's name.
        use_job_prefix: Whether jobs have names of their own; see `PipelineDefinitionConfig`.
        needed: Collects the steps to which compiled values refer.
        uploaded: Collects the addresses of folders that several steps share.
    """

    session: FileSession
    pipeline: str
    step: str = ""
    use_job_prefix: bool = False
    needed: list[Any] = field(default_factory=list)
    uploaded: set[str] = field(default_factory=set)

    def to_json(self, value: Any) -> Any:
        """Return a value as plain JSON, and collect the steps to which it refers."""
        self.needed.extend(iter_steps(value))
        return to_expression(value)

    def job_name(self, member: str, prefix: str | None) -> dict[str, str]:
        """Return the request's member with the job's name, or {} if the pipeline names it."""
        return {member: prefix} if self.use_job_prefix and prefix else {}

    def address_parts(self) -> list[str]:
        """Return the parts of the pipeline's address: bucket, prefix (if any) and name."""
        prefix = self.session.default_bucket_prefix
        return [self.session.default_bucket(), *([prefix] if prefix else []), self.pipeline]

    def uri(self, *parts: str) -> str:
        """Return the s3:// address of `parts` below the pipeline's address."""
        return "s3://" + "/".join([*self.address_parts(), *parts])


@dataclass(frozen=True)
class StepArguments:
    """The arguments of a `run()` or `fit()` call; compiled to a request with the pipeline.

    Attributes:
        step_type: The type of step that they are for.
        build: Builds the request.
    """

    step_type: str
    build: Callable[[CompileContext], dict[str, Any]]
