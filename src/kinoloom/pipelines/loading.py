"""Pipelines from Python files.

A file builds a pipeline, and may start it itself as its last lines do when Python runs it. A
command decides what a start does: it starts the pipeline in the command's session with the
command's parameters, or only ends the file.
"""

from __future__ import annotations

import contextlib
import os
import runpy
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from kinoloom.errors import ExecutionError, InputNotFoundError, UsageError
from kinoloom.pipelines.builder.context import forcing_session
from kinoloom.pipelines.builder.pipeline import Pipeline
from kinoloom.pipelines.importing import SCRIPT, importing_from
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.pipelines.local.storage.workspace import ROOT_VARIABLE
from kinoloom.pipelines.protocols import Execution, Session

_MAIN = "__main__"


@dataclass(frozen=True)
class Loaded:
    """A file's pipeline.

    Attributes:
        name: The pipeline's name.
        definition: Its definition as JSON.
        parameters: The parameters' values that the file starts it with.
        more: The file's other arguments of `Session.start`.
    """

    name: str
    definition: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)


class _Ended(BaseException):
    """Ends a file where it starts a pipeline."""

    def __init__(self, pipeline: Loaded) -> None:
        self.pipeline = pipeline


def load_pipeline(
    file: Path,
    name: str | None,
    session: Session,
    start: Callable[[Loaded], Execution] | None = None,
) -> Loaded | None:
    """Run a Python file and return the pipeline that it builds, or that it starts.

    The file runs in its own folder, which is on `sys.path`, and not as `__main__`, so code under
    `if __name__ == "__main__":` does not run, unless the file has no pipeline otherwise. A
    `LocalPipelineSession()` in it uses the session's workspace, if there is one. The pipeline is
    the one that the file starts, or else the only `Pipeline` among the file's global names, or the
    result of its function `get_pipeline(sagemaker_session=...)`. The file is trusted.

    Args:
        file: The Python file.
        name: The pipeline's name, if the file has several pipelines.
        session: Runs the pipelines, whatever session the file sets.
        start: Starts a pipeline for the file, which runs to its end; None ends the file there.

    Returns:
        The pipeline; None if `start` has started it.

    Raises:
        InputNotFoundError: The file does not exist.
        UsageError: The file has no pipeline or several, or starts another than `name`.
        ExecutionError: The file raised an error.
    """
    if not file.is_file():
        raise InputNotFoundError(f"The file {file} does not exist.")
    starter = _StartingSession(session, name, start)
    path = file.resolve()
    with (
        working_in(path.parent, workspace_root(session)),
        forcing_session(cast("Session", starter)),
    ):
        try:
            names = _run(path, SCRIPT)
            has_pipeline = starter.has_started or _list_pipelines(names, session)
            if not has_pipeline and _MAIN in path.read_text(errors="replace"):
                names = _run(path, _MAIN)
        except _Ended as end:
            if name not in (None, end.pipeline.name):
                raise UsageError(
                    f"{file.name} starts '{end.pipeline.name}', not '{name}'."
                ) from None
            return end.pipeline
        if starter.has_started:
            return None
        pipeline = _select(_list_pipelines(names, session), file, name)
        return Loaded(pipeline.name, pipeline.definition())


class _StartingSession:
    """The session of a file's pipelines, which starts them as the command wants.

    Args:
        session: The command's session.
        name: The only pipeline that may be started; None allows any.
        start: See `load_pipeline`.
    """

    create_replaces = True  # the file may run again

    def __init__(
        self,
        session: Session,
        name: str | None,
        start: Callable[[Loaded], Execution] | None,
    ) -> None:
        self._session, self._name, self._start = session, name, start
        self._definitions: dict[str, str] = {}
        self.has_started = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def put_pipeline(
        self, name: str, definition: str, description: str = "", role: str | None = None
    ) -> str:
        """Store a definition, which a pipeline that is started must have."""
        self._definitions[name] = definition
        if self._start is None:
            return name
        return self._session.put_pipeline(name, definition, description, role)

    def describe_pipeline(self, name: str) -> dict[str, Any]:
        """Return the response of DescribePipeline; for a new pipeline, only its definition."""
        if self._start is None and name in self._definitions:
            return {"PipelineName": name, "PipelineDefinition": self._definitions[name]}
        return self._session.describe_pipeline(name)

    def start(
        self, name: str, parameters: Mapping[str, Any] | None = None, **more: Any
    ) -> Execution:
        """Start a pipeline, or end the file."""
        definition = self.describe_pipeline(name)["PipelineDefinition"]
        pipeline = Loaded(name, definition, dict(parameters or {}), more)
        if self._start is None or self._name not in (None, name):
            raise _Ended(pipeline)
        self.has_started = True
        return self._start(pipeline)


def _run(path: Path, module: str) -> dict[str, Any]:
    """Run a file and return its global names."""
    arguments, sys.argv = sys.argv, [str(path)]
    try:
        return runpy.run_path(str(path), run_name=module)
    except SystemExit as end:
        if end.code in (None, 0):
            return {}
        raise ExecutionError(f"{path.name} ended with exit code {end.code}.") from end
    except Exception as error:
        raise ExecutionError(f"{path.name} raised {type(error).__name__}: {error}") from error
    finally:
        sys.argv = arguments


def _list_pipelines(names: Mapping[str, Any], session: Session) -> list[Pipeline]:
    pipelines = {id(one): one for one in names.values() if isinstance(one, Pipeline)}
    if not pipelines and callable(names.get("get_pipeline")):
        built = names["get_pipeline"](sagemaker_session=session)
        return [built] if isinstance(built, Pipeline) else []
    return list(pipelines.values())


@contextlib.contextmanager
def working_in(folder: Path, root: Path | None) -> Iterator[None]:
    """Change the working directory, and the default workspace unless `root` is None.

    The folder is also the first on `sys.path`; see `importing_from`.
    """
    before = os.environ.get(ROOT_VARIABLE)
    if root is not None:
        os.environ[ROOT_VARIABLE] = str(root)
    try:
        with contextlib.chdir(folder), importing_from(folder):
            yield
    finally:
        if before is None:
            os.environ.pop(ROOT_VARIABLE, None)
        else:
            os.environ[ROOT_VARIABLE] = before


def workspace_root(session: Session) -> Path | None:
    """Return a session's workspace folder; None if it has none."""
    return session.root if isinstance(session, LocalSession) else None


def _select(pipelines: list[Pipeline], file: Path, name: str | None) -> Pipeline:
    matching = [p for p in pipelines if name is None or p.name == name]
    if len(matching) == 1:
        return matching[0]
    names = ", ".join(sorted(p.name for p in pipelines)) or "none"
    raise UsageError(
        f"{file.name} must have one Pipeline among its global names; it has: {names}.",
        hint="Select one with --name." if len(pipelines) > 1 else "",
    )
