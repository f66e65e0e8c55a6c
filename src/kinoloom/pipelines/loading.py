"""Pipelines out of files: a definition as JSON, or the Python that makes one."""

from __future__ import annotations

import contextlib
import os
import runpy
from collections.abc import Iterator
from pathlib import Path

from kinoloom.errors import ExecutionError, InputNotFoundError, UsageError
from kinoloom.pipelines.builder.pipeline import Pipeline
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.pipelines.local.workspace import ROOT_VARIABLE
from kinoloom.pipelines.protocols import Session

_MODULE = "__kinoloom__"


def load_pipeline(file: Path, name: str | None, session: Session) -> Pipeline:
    """Run a Python file and give the `Pipeline` that it leaves, on that session.

    The file runs in its own folder and not as `__main__`, so what stands under
    `if __name__ == "__main__":` is left out; a `LocalPipelineSession()` made in it shares the
    session's folder, if that has one. The pipeline is the one `Pipeline` among its names, or what
    its function `get_pipeline(sagemaker_session=...)` returns. The file is trusted: it is the
    user's program.

    Args:
        file: to run.
        name: of the pipeline, when the file has several.
        session: runs the pipeline, whatever session the file has given it.

    Raises:
        InputNotFoundError: there is no such file.
        UsageError: it leaves no pipeline, several, or has started one itself.
        ExecutionError: it raised an error.
    """
    if not file.is_file():
        raise InputNotFoundError(f"There is no file {file}.")
    before = _started(session)
    whole = file.resolve()
    with standing_in(whole.parent, root_of(session)):
        try:
            found = runpy.run_path(str(whole), run_name=_MODULE)
        except Exception as error:
            raise ExecutionError(
                f"{file.name} ended with {type(error).__name__}: {error}"
            ) from error
        pipelines = {id(p): p for p in found.values() if isinstance(p, Pipeline)}
        if not pipelines and callable(found.get("get_pipeline")):
            made = found["get_pipeline"](sagemaker_session=session)
            pipelines = {0: made} if isinstance(made, Pipeline) else {}
    if _started(session) - before:
        raise UsageError(
            f"{file.name} starts its pipeline itself.",
            hint='Put that under if __name__ == "__main__":, or run it with python.',
        )
    pipeline = _chosen(list(pipelines.values()), file, name)
    pipeline.sagemaker_session = session
    return pipeline


@contextlib.contextmanager
def standing_in(folder: Path, root: Path | None) -> Iterator[None]:
    """With that folder as the current one, and `LocalPipelineSession()` in that root, if any."""
    before = os.environ.get(ROOT_VARIABLE)
    if root is not None:
        os.environ[ROOT_VARIABLE] = str(root)
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        if before is None:
            os.environ.pop(ROOT_VARIABLE, None)
        else:
            os.environ[ROOT_VARIABLE] = before


def root_of(session: Session) -> Path | None:
    """The folder of a session that has one."""
    return session.root if isinstance(session, LocalSession) else None


def _started(session: Session) -> set[str]:
    """The executions in a session's folder; none are known of one that has no folder."""
    if not isinstance(session, LocalSession):
        return set()
    return {row["id"] for row in session.workspace.state.rows("SELECT id FROM executions")}


def _chosen(pipelines: list[Pipeline], file: Path, name: str | None) -> Pipeline:
    wanted = [p for p in pipelines if name is None or p.name == name]
    if len(wanted) == 1:
        return wanted[0]
    names = ", ".join(sorted(p.name for p in pipelines)) or "none"
    raise UsageError(
        f"{file.name} must leave one Pipeline among its names; it has: {names}.",
        hint="Choose one with --name." if len(pipelines) > 1 else "",
    )
