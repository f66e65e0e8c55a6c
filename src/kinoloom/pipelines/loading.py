"""Pipelines from Python files."""

from __future__ import annotations

import contextlib
import os
import runpy
from collections.abc import Iterator
from pathlib import Path

from kinoloom.errors import ExecutionError, InputNotFoundError, UsageError
from kinoloom.pipelines.builder.pipeline import Pipeline
from kinoloom.pipelines.importing import SCRIPT, importing_from
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.pipelines.local.storage.workspace import ROOT_VARIABLE
from kinoloom.pipelines.protocols import Session


def load_pipeline(file: Path, name: str | None, session: Session) -> Pipeline:
    """Run a Python file and return the `Pipeline` that it builds, with a session.

    The file runs in its own folder, which is on `sys.path`, and not as `__main__`, so code under
    `if __name__ == "__main__":` does not run. A `LocalPipelineSession()` in it uses the session's
    workspace, if there is one. The pipeline is the only `Pipeline` among the file's global names,
    or the result of its function `get_pipeline(sagemaker_session=...)`. The file is trusted.

    Args:
        file: The Python file.
        name: The pipeline's name, if the file has several pipelines.
        session: Runs the pipeline, whatever session the file sets.

    Raises:
        InputNotFoundError: The file does not exist.
        UsageError: The file has no pipeline or several, or starts a pipeline itself.
        ExecutionError: The file raised an error.
    """
    if not file.is_file():
        raise InputNotFoundError(f"The file {file} does not exist.")
    before = _list_executions(session)
    path = file.resolve()
    with working_in(path.parent, workspace_root(session)):
        try:
            names = runpy.run_path(str(path), run_name=SCRIPT)
        except Exception as error:
            raise ExecutionError(f"{file.name} raised {type(error).__name__}: {error}") from error
        pipelines = {id(p): p for p in names.values() if isinstance(p, Pipeline)}
        if not pipelines and callable(names.get("get_pipeline")):
            built = names["get_pipeline"](sagemaker_session=session)
            pipelines = {0: built} if isinstance(built, Pipeline) else {}
    if _list_executions(session) - before:
        raise UsageError(
            f"{file.name} starts its pipeline itself.",
            hint='Move the call under if __name__ == "__main__":, or run the file with python.',
        )
    pipeline = _select(list(pipelines.values()), file, name)
    pipeline.sagemaker_session = session
    return pipeline


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


def _list_executions(session: Session) -> set[str]:
    """Return the executions in a session's workspace; none if it has no workspace."""
    if not isinstance(session, LocalSession):
        return set()
    return {row["id"] for row in session.workspace.state.query("SELECT id FROM executions")}


def _select(pipelines: list[Pipeline], file: Path, name: str | None) -> Pipeline:
    matching = [p for p in pipelines if name is None or p.name == name]
    if len(matching) == 1:
        return matching[0]
    names = ", ".join(sorted(p.name for p in pipelines)) or "none"
    raise UsageError(
        f"{file.name} must have one Pipeline among its global names; it has: {names}.",
        hint="Select one with --name." if len(pipelines) > 1 else "",
    )
