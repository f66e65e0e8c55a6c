"""LocalSession: pipelines on this machine, without AWS, a region, a network or Docker.

Everything lies below one folder: `state.db` (SQLite), `cas/` (contents), `s3/` (what s3://
addresses name), `runs/<execution>/<step>/<attempt>/` (logs, and the files of steps that failed),
`opt/` (see `mounts`).
"""

from __future__ import annotations

import fcntl
import secrets
import sqlite3
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from kinoloom.errors import ExecutionError, KinoloomError, UsageError
from kinoloom.pipelines.language import Checked
from kinoloom.pipelines.local.accepting import supported, values_of
from kinoloom.pipelines.local.callbacks import Callbacks
from kinoloom.pipelines.local.engine import Engine
from kinoloom.pipelines.local.execution import Execution
from kinoloom.pipelines.local.foresight import foresee
from kinoloom.pipelines.local.models import Models
from kinoloom.pipelines.local.objects import Objects
from kinoloom.pipelines.local.process import Isolation, end_orphan
from kinoloom.pipelines.local.resources import Demand, Resources, this_machine
from kinoloom.pipelines.local.state import State, now
from kinoloom.pipelines.local.stopping import StopOrder, give_stop_order
from kinoloom.pipelines.local.store import Store
from kinoloom.pipelines.local.tasks import Function, Run, Tools
from kinoloom.pipelines.local.worker import Worker

_ACCOUNT = "000000000000"


class LocalSession:
    """Runs pipelines on this machine.

    Args:
        root: the folder of everything; made when it is not there.
        region: in names and addresses; nothing is ever contacted.
        default_bucket: for code and outputs without an address.
        default_bucket_prefix: put before keys in that bucket.
        resources: what steps may take together; None takes all cores.
        instances: what a step takes that asks for a type of machine; others take one core.
        isolation: "namespace" lets steps see their files at /opt/ml, "plain" rewrites that path
            in their command and environment, "auto" takes the first where the system allows it;
            "inline" gives the steps this terminal instead of a log, one at a time, so that
            `breakpoint()` in a script stops in the debugger.
        env: more environment variables for every step; credentials of the caller are not passed.
        strict: as the service does: a step uses the cache only when it asks for it.

    Raises:
        UsageError: the folder was written by a newer kinoloom.
    """

    local_mode = True
    create_replaces = False

    def __init__(
        self,
        root: str | Path,
        region: str = "local",
        default_bucket: str = "local",
        default_bucket_prefix: str | None = None,
        resources: Resources | None = None,
        instances: Mapping[str, Resources] | None = None,
        isolation: Isolation = "auto",
        env: Mapping[str, str] | None = None,
        strict: bool = False,
    ) -> None:
        self.root = Path(root).resolve()
        self.root.mkdir(parents=True, exist_ok=True)
        self.boto_region_name = region
        self.default_bucket_prefix = default_bucket_prefix
        self._bucket = default_bucket
        self.objects = Objects(self.root / "s3")
        self.state = State(self.root / "state.db")
        self.models = Models(self.state, self.objects)
        self.callbacks = Callbacks(self.state)
        self._functions: dict[str, Function] = {}
        self.store = Store(self.root / "cas")
        self._tools = Tools(
            self._worker(isolation, dict(env or {}), strict=strict),
            self.models,
            self._demand(
                Resources() if isolation == "inline" else resources, dict(instances or {})
            ),
            self._functions,
        )

    def _worker(self, isolation: Isolation, env: dict[str, str], *, strict: bool) -> Worker:
        return Worker(
            self.state, self.store, self.objects, isolation, env, strict, self.root / "opt"
        )

    def _demand(self, resources: Resources | None, instances: dict[str, Resources]) -> Demand:
        return Demand(resources or this_machine(), instances)

    def default_bucket(self) -> str:
        """The bucket for code and outputs without an address."""
        return self._bucket

    def default_role(self) -> str:
        """The role of jobs for which none was given; it means nothing here."""
        return f"arn:aws:iam::{_ACCOUNT}:role/local"

    def upload(self, content: Path | bytes, uri: str) -> None:
        """Put a file, a folder or bytes at an s3:// address, in place of what is there."""
        self.objects.put(content, uri)

    def register_function(self, function_arn: str, function: Function) -> None:
        """What Lambda steps of that address call: (event, context) -> a dict with their outputs.

        It runs in a thread of this process; the context is None.
        """
        self._functions[function_arn] = function

    def pipeline_arn(self, name: str) -> str:
        """The address of a pipeline."""
        return f"arn:aws:sagemaker:{self.boto_region_name}:{_ACCOUNT}:pipeline/{name}"

    def execution_arn(self, name: str, execution: str) -> str:
        """The address of an execution."""
        return f"{self.pipeline_arn(name)}/execution/{execution}"

    def step_folder(self, execution: str, step: str) -> Path:
        """Where the attempts of a step lie."""
        return self.root / "runs" / execution / step

    def put_pipeline(
        self, name: str, definition: str, description: str = "", role: str | None = None
    ) -> str:
        """Make a pipeline, or give it another definition, and give its address.

        Args:
            name: of the pipeline.
            definition: as JSON.
            description: for people.
            role: accepted; it means nothing here.

        Raises:
            DefinitionError: the definition is not right, or has steps that cannot be run here.
        """
        supported(definition)
        self.state.put_pipeline(name, definition, description)
        return self.pipeline_arn(name)

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
        """Start an execution and come back at once; see `prepare` for the arguments.

        Raises:
            UsageError: as `prepare`, or there are `selected` steps: that is for the service.
        """
        if selected is not None:
            raise UsageError(
                "A LocalSession does not run selected steps.",
                hint="The cache does what they are for: steps that did not change do not run.",
            )
        execution = self.prepare(
            name,
            parameters,
            display_name=display_name,
            description=description,
            max_parallel=max_parallel,
        )
        return self.resume(execution)

    def prepare(
        self,
        name: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        display_name: str = "",
        description: str = "",
        max_parallel: int = 0,
    ) -> str:
        """Make an execution that `resume` begins, here or in another process; its id.

        Args:
            name: of the pipeline.
            parameters: by name; the others have their defaults.
            display_name, description: for people.
            max_parallel: how many steps at once at most; 0 leaves it to the resources.

        Raises:
            UsageError: there is no such pipeline or parameter, one has no value, or a wrong one.
        """
        row, _, values = self._ready(name, parameters)
        execution = secrets.token_hex(6)
        self.state.add_execution(
            {
                "id": execution,
                "pipeline": name,
                "definition": row["definition"],
                "parameters": values,
                "display_name": display_name,
                "description": description,
                "parallel": max_parallel,
                "status": "Executing",
                "reason": "",
            }
        )
        return execution

    def describe_pipeline(self, name: str) -> dict[str, Any]:
        """What the service's DescribePipeline tells, as far as it means anything here.

        Raises:
            UsageError: there is no such pipeline.
        """
        row = self._pipeline(name)
        return {
            "PipelineArn": self.pipeline_arn(name),
            "PipelineName": name,
            "PipelineDefinition": row["definition"],
            "PipelineDescription": row["description"],
            "PipelineStatus": "Active",
        }

    def delete_pipeline(self, name: str) -> None:
        """Forget a pipeline; its executions stay.

        Raises:
            UsageError: there is no such pipeline.
        """
        self._pipeline(name)
        self.state.change(("DELETE FROM pipelines WHERE name = :name", {"name": name}))

    def executions(self, name: str) -> list[Execution]:
        """The executions of a pipeline, the latest first."""
        return [Execution(self, row["id"]) for row in self.state.executions(name)]

    def foresee(self, name: str, parameters: Mapping[str, Any] | None = None) -> dict[str, str]:
        """What every step of a pipeline would do if it were started now, in words, by name.

        Raises:
            UsageError: as `prepare`.
        """
        row, checked, values = self._ready(name, parameters)
        told = {"id": "", "pipeline": name, "parameters": values, "created": now(), "parallel": 0}
        return foresee(self._run_of({**row, **told}, checked, -1), self._tools)

    def resume(self, execution: str) -> Execution:
        """Go on with an execution that was interrupted or has failed; what succeeded stays.

        Raises:
            UsageError: there is no such execution.
            ExecutionError: a process is running it.
        """
        row = self._row(execution)
        if row["status"] == "Succeeded":
            return Execution(self, execution)
        lock = self._lock(execution)
        for step in self.state.steps(execution):
            end_orphan(step["pid"], step["pid_started"])
        return self._drive(execution, supported(row["definition"]), lock)

    def execution(self, execution: str) -> Execution:
        """An execution by its id, whichever process ran it.

        Raises:
            UsageError: there is no such execution.
        """
        self._row(execution)
        return Execution(self, execution)

    def is_driven(self, execution: str) -> bool:
        """Whether a process is running an execution."""
        try:
            self._lock(execution).close()
        except ExecutionError:
            return True
        return False

    def _ready(
        self, name: str, parameters: Mapping[str, Any] | None
    ) -> tuple[dict[str, Any], Checked, dict[str, Any]]:
        """A pipeline's row, its definition, and the value of every parameter."""
        row = self._pipeline(name)
        checked = supported(row["definition"])
        return row, checked, values_of(checked.definition.parameters, parameters or {})

    def _pipeline(self, name: str) -> dict[str, Any]:
        row = self.state.pipeline(name)
        if row is None:
            raise UsageError(f"There is no pipeline '{name}'.", hint="Make it with upsert().")
        return row

    def _row(self, execution: str) -> dict[str, Any]:
        row = self.state.execution(execution)
        if row is None:
            raise UsageError(f"There is no execution '{execution}'.")
        return row

    def _lock(self, execution: str) -> IO[str]:
        """Claim an execution for this process; a process that dies gives its claims back."""
        file = self.root / "runs" / execution / "lock"
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = file.open("w")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            handle.close()
            raise ExecutionError(f"The execution {execution} is running already.") from error
        return handle

    def _drive(self, execution: str, checked: Checked, lock: IO[str]) -> Execution:
        """Carry out an execution in a thread of its own."""
        row = self._row(execution)
        self.state.set_execution(execution, "Executing")
        order = StopOrder(self.root / "runs" / execution)
        engine = Engine(self._run_of(row, checked, order.fd), self._tools, order.given)
        engine.recall(self.state.steps(execution))

        def stop() -> None:
            self.state.set_execution(execution, "Stopping")
            engine.wake()

        order.watch(stop)

        def carry_out() -> None:
            status, reason = "Failed", "The engine ended without a result."
            try:
                status, reason = engine.carry_out()
            except (KinoloomError, OSError, sqlite3.Error) as error:
                reason = f"The engine could not go on: {error}"
            finally:
                order.close()
                with lock:  # given back even when the state cannot be written
                    self.state.set_execution(execution, status, reason)

        thread = threading.Thread(target=carry_out, name=f"kinoloom-{execution}")
        thread.start()
        return Execution(self, execution, thread)

    def stop(self, execution: str) -> None:
        """Stop an execution, whichever process is running it.

        Raises:
            ExecutionError: no process is.
        """
        give_stop_order(self.root / "runs" / execution, execution)

    def _run_of(self, row: Mapping[str, Any], checked: Checked, stop_fd: int) -> Run:
        name, execution = row["pipeline"], row["id"]
        arn = self.execution_arn(name, execution)
        variables = {
            "StartDateTime": row["created"],
            "CurrentDateTime": row["created"],
            "PipelineName": name,
            "PipelineArn": self.pipeline_arn(name),
            "PipelineExecutionId": execution,
            "PipelineExecutionArn": arn,
        }
        folder = self.root / "runs" / execution
        return Run(
            execution, arn, name, checked, row["parameters"], variables, folder,
            row["parallel"], stop_fd,
        )  # fmt: skip
