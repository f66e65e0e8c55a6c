"""The workspace: one folder that holds the state, contents, files and logs of pipelines.

`state.db` (SQLite), `cas/` (contents by SHA-256), `s3/` (the files of s3:// addresses),
`runs/<execution>/<step>/<attempt>/` (logs, and the files of failed steps), `functions/` (see
`local.functions`) and `opt/` (see `mounts`).
"""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import IO, Any

from kinoloom.errors import ExecutionError, UsageError
from kinoloom.pipelines.local.storage.callbacks import Callbacks
from kinoloom.pipelines.local.storage.models import Models
from kinoloom.pipelines.local.storage.objects import Objects, rejecting_errors
from kinoloom.pipelines.local.storage.reserve import DiskReserve
from kinoloom.pipelines.local.storage.state import State
from kinoloom.pipelines.local.storage.stop_requests import request_stop
from kinoloom.pipelines.local.storage.store import Store

ACCOUNT = "000000000000"
"""The AWS account number in the ARNs of local resources."""

ROOT_VARIABLE = "KINOLOOM_PIPELINES"
"""The environment variable that names the default workspace folder."""

DEFAULT_ROOT = ".kinoloom"


_RESERVE = "gc.reserve"


def release_reserve(root: Path) -> None:
    """Release disk space, so that the state can be opened and changed on a full disk."""
    (root / _RESERVE).unlink(missing_ok=True)


class Workspace:
    """The stored state of pipelines; several processes may open it at the same time.

    Args:
        root: The folder; created if missing.
        region: The AWS region in ARNs.

    Attributes:
        state: The database of pipelines, executions and steps.
        objects: The files of s3:// addresses.
        store: The contents by digest.
        models: The model registry.
        callbacks: The callbacks of Callback steps.

    Raises:
        UsageError: A newer version of kinoloom wrote the folder.
        OutputError: The folder cannot be written.
    """

    def __init__(self, root: str | Path, region: str = "local") -> None:
        self.root = Path(root).resolve()
        with rejecting_errors(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
        self.region = region
        self.state = State(self.root / "state.db")
        self.objects = Objects(self.root / "s3")
        self.store = Store(self.root / "cas")
        self.models = Models(self.state, self.objects)
        self.callbacks = Callbacks(self.state)

    def occupy_reserve(self) -> None:
        """Occupy the disk space that `release_reserve` gives to the garbage collection."""
        DiskReserve(self.root / _RESERVE)

    def pipeline_arn(self, name: str) -> str:
        """Return the ARN of a pipeline."""
        return f"arn:aws:sagemaker:{self.region}:{ACCOUNT}:pipeline/{name}"

    def execution_arn(self, name: str, execution: str) -> str:
        """Return the ARN of an execution of the pipeline `name`."""
        return f"{self.pipeline_arn(name)}/execution/{execution}"

    def run_folder(self, execution: str) -> Path:
        """Return the folder of an execution; it may not exist."""
        return self.root / "runs" / execution

    def step_folder(self, execution: str, step: str) -> Path:
        """Return the folder of a step's attempts; it may not exist."""
        return self.run_folder(execution) / step

    def pipeline_row(self, name: str) -> dict[str, Any]:
        """Return the database row of a pipeline.

        Raises:
            UsageError: The pipeline does not exist.
        """
        row = self.state.get_pipeline(name)
        if row is None:
            raise UsageError(f"Pipeline '{name}' does not exist.", hint="Create it with upsert().")
        return row

    def execution_row(self, execution: str) -> dict[str, Any]:
        """Return the database row of an execution.

        Raises:
            UsageError: The execution does not exist.
        """
        row = self.state.get_execution(execution)
        if row is None:
            raise UsageError(f"Execution '{execution}' does not exist.")
        return row

    def lock(self, execution: str) -> IO[str]:
        """Claim an execution for this process; closing the file, or dying, releases it.

        Raises:
            ExecutionError: A process is running the execution.
            OutputError: The folder cannot be written.
        """
        file = self.run_folder(execution) / "lock"
        with rejecting_errors(self.root):
            file.parent.mkdir(parents=True, exist_ok=True)
            handle = file.open("w")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            handle.close()
            raise ExecutionError(f"Execution {execution} is already running.") from error
        return handle

    def is_running(self, execution: str) -> bool:
        """Return whether a process is running the execution."""
        try:
            self.lock(execution).close()
        except ExecutionError:
            return True
        return False

    def stop(self, execution: str) -> None:
        """Tell the process that runs an execution to stop it.

        Raises:
            ExecutionError: No process is running the execution.
        """
        request_stop(self.run_folder(execution), execution)
