"""LocalSession: pipelines on this machine, without AWS, a region, a network or Docker."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import IO, Any

from kinoloom.base.notes import logger
from kinoloom.errors import UsageError
from kinoloom.pipelines.language import Checked
from kinoloom.pipelines.local.changes import replace_definition
from kinoloom.pipelines.local.context import Run, Tools
from kinoloom.pipelines.local.driving import start_engine
from kinoloom.pipelines.local.dry_run import explain_steps
from kinoloom.pipelines.local.execution import LocalExecution
from kinoloom.pipelines.local.functions import Function, Functions
from kinoloom.pipelines.local.jobs.process import Isolation, kill_orphan
from kinoloom.pipelines.local.jobs.resources import Demand, Resources, this_machine
from kinoloom.pipelines.local.jobs.step_log import LOG_LIMIT_BYTES
from kinoloom.pipelines.local.jobs.worker import Worker
from kinoloom.pipelines.local.storage.callbacks import Callbacks
from kinoloom.pipelines.local.storage.models import Models
from kinoloom.pipelines.local.storage.objects import rejecting_errors
from kinoloom.pipelines.local.storage.state import now
from kinoloom.pipelines.local.storage.workspace import ACCOUNT, Workspace
from kinoloom.pipelines.local.supported import (
    check_parameters,
    check_supported,
    examine_steps,
    examine_text,
)


class LocalSession:
    """Runs pipelines on this machine.

    Args:
        root: The workspace folder; created if missing.
        region: The region in names and ARNs; nothing is contacted.
        default_bucket: The bucket of code and outputs without an address.
        default_bucket_prefix: A prefix for keys in that bucket.
        resources: What concurrent steps may use together; None means all cores.
        instances: What a step uses, by the instance type that it requests; one core for other
            types.
        isolation: "namespace" mounts a step's files at /opt/ml for that step alone; "plain"
            rewrites that path in the step's command and environment; "auto" is "namespace" where
            the system allows it; "inline" is "auto" with this terminal instead of a log and one
            step at a time, so that `breakpoint()` in a script opens the debugger.
        env: Additional environment variables of every step. The caller's credentials are not
            passed.
        strict: Cache only the steps that request it, as SageMaker does.
        log_limit_bytes: The maximum size of a step's log. A step that writes more is not stopped;
            the log says what was left out before its last part.

    Attributes:
        workspace: The stored state, contents and files.

    Raises:
        UsageError: A newer version of kinoloom wrote the folder.
    """

    local_mode = True
    create_replaces = False
    shows_progress = False
    """Whether the progress of executions is printed on standard error from their start."""

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
        log_limit_bytes: int = LOG_LIMIT_BYTES,
    ) -> None:
        self.workspace = Workspace(root, region)
        self.boto_region_name = region
        self.default_bucket_prefix = default_bucket_prefix
        self._bucket = default_bucket
        self._functions = Functions(self.root / "functions")
        if isolation == "inline":
            resources = Resources()
        self._tools = Tools(
            self._worker(isolation, dict(env or {}), log_limit_bytes, strict=strict),
            self.models,
            self._demand(resources, dict(instances or {})),
            self._functions,
        )

    def _worker(
        self, isolation: Isolation, env: dict[str, str], log_limit_bytes: int, *, strict: bool
    ) -> Worker:
        place = self.workspace
        return Worker(
            place.state, place.store, place.objects, isolation, env, strict, self.root / "opt",
            log_limit_bytes,
        )  # fmt: skip

    def _demand(self, resources: Resources | None, instances: dict[str, Resources]) -> Demand:
        return Demand(resources or this_machine(), instances)

    @property
    def root(self) -> Path:
        """The workspace folder."""
        return self.workspace.root

    @property
    def models(self) -> Models:
        """The model registry."""
        return self.workspace.models

    @property
    def callbacks(self) -> Callbacks:
        """The callbacks of Callback steps."""
        return self.workspace.callbacks

    def default_bucket(self) -> str:
        """Return the bucket of code and outputs without an address."""
        return self._bucket

    def default_role(self) -> str:
        """Return the role of jobs without one; it has no effect locally."""
        return f"arn:aws:iam::{ACCOUNT}:role/local"

    def default_image(self) -> str:
        """Return the name that stands for this interpreter's environment."""
        return "local/python"

    def upload(self, content: Path | bytes, uri: str) -> None:
        """Store a file, the files of a folder, or bytes at an s3:// address; other files stay.

        Raises:
            UsageError, OutputError: It cannot be stored there.
        """
        with rejecting_errors(self.root):
            self.workspace.objects.put(content, uri)

    def read_object(self, uri: str) -> bytes:
        """Return the file at an address.

        Raises:
            UsageError: There is no file.
        """
        return self.workspace.objects.read(uri)

    def list_objects(self, uri: str) -> list[str]:
        """Return the addresses of the files at and below an address."""
        return self.workspace.objects.list(uri)

    def register_function(self, function_arn: str, function: Function) -> None:
        """Register the function that Lambda steps with this ARN call.

        Args:
            function_arn: The ARN in the definition.
            function: Called as `function(event, None)` in a thread of this process; returns a dict
                with the step's outputs.
        """
        self._functions.register(function_arn, function)

    def keep_function(self, name: str, files: Mapping[str, Path], handler: str) -> str:
        """Store a script that Lambda steps call, in this and other processes; return its ARN.

        Args:
            name: The function's name.
            files: The files of its code by path.
            handler: "module.function", called as in `register_function`.

        Raises:
            UsageError: The script lacks the function.
        """
        arn = f"arn:aws:lambda:{self.boto_region_name}:{ACCOUNT}:function:{name}"
        return self._functions.keep(arn, files, handler)

    def put_pipeline(
        self, name: str, definition: str, description: str = "", role: str | None = None
    ) -> str:
        """Create a pipeline, or replace the definition of an existing one, and return its ARN.

        Args:
            name: The pipeline's name.
            definition: The definition as JSON.
            description: A description.
            role: Accepted for compatibility; it has no effect locally.

        Raises:
            DefinitionError: The definition is invalid or has steps that cannot run locally; the
                message lists all of them.
        """
        for note in examine_text(definition)[1].notes:
            logger.warning(note)
        self.workspace.state.put_pipeline(name, definition, description)
        return self.workspace.pipeline_arn(name)

    def start(
        self,
        name: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        display_name: str = "",
        description: str = "",
        max_parallel: int = 0,
        selected: Any = None,
    ) -> LocalExecution:
        """Start an execution and return at once; see `prepare` for the arguments.

        Raises:
            UsageError: See `prepare`; or `selected` is given, which only SageMaker supports.
        """
        if selected is not None:
            raise UsageError(
                "LocalSession does not support selective execution.",
                hint="Unchanged steps reuse their cached outputs anyway.",
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
        """Create an execution that `resume` starts, in this or another process, and return its id.

        Args:
            name: The pipeline's name.
            parameters: Values by parameter name; other parameters keep their defaults.
            display_name, description: Shown to people.
            max_parallel: Maximum number of concurrent steps; 0 leaves it to the resources.

        Raises:
            UsageError: The pipeline, a parameter or a model does not exist, or a value is missing
                or of the wrong type.
            DefinitionError: A step cannot run locally with these values.
        """
        row, checked, values = self._load(name, parameters)
        known = examine_text(row["definition"])[1]
        found = examine_steps(checked, values) if values else known
        for model in found.models:
            self.models.find(model)
        for note in set(found.notes) - set(known.notes):
            logger.warning(note)
        execution = secrets.token_hex(6)
        self.workspace.state.add_execution(
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
        """Return the members of DescribePipeline that apply to a local pipeline.

        Raises:
            UsageError: The pipeline does not exist.
        """
        row = self.workspace.pipeline_row(name)
        return {
            "PipelineArn": self.workspace.pipeline_arn(name),
            "PipelineName": name,
            "PipelineDefinition": row["definition"],
            "PipelineDescription": row["description"],
            "PipelineStatus": "Active",
        }

    def delete_pipeline(self, name: str) -> None:
        """Delete a pipeline; its executions are kept.

        Raises:
            UsageError: The pipeline does not exist.
        """
        self.workspace.pipeline_row(name)
        self.workspace.state.execute(("DELETE FROM pipelines WHERE name = :name", {"name": name}))

    def executions(self, name: str) -> list[LocalExecution]:
        """Return the executions of a pipeline, latest first."""
        rows = self.workspace.state.list_executions(name)
        return [LocalExecution(self.workspace, row["id"]) for row in rows]

    def execution(self, execution: str) -> LocalExecution:
        """Return an execution by its id.

        Raises:
            UsageError: The execution does not exist.
        """
        self.workspace.execution_row(execution)
        return LocalExecution(self.workspace, execution)

    def explain(self, name: str, parameters: Mapping[str, Any] | None = None) -> dict[str, str]:
        """Explain what each step would do if the pipeline started now, by step name.

        Raises:
            UsageError: See `prepare`.
        """
        row, checked, values = self._load(name, parameters)
        run = {"id": "", "pipeline": name, "parameters": values, "created": now(), "parallel": 0}
        return explain_steps(self._run({**row, **run}, checked, -1), self._tools)

    def resume(self, execution: str, definition: str | None = None) -> LocalExecution:
        """Resume an interrupted, failed or prepared execution; finished steps do not run again.

        Args:
            execution: The execution's id.
            definition: A new definition as JSON, for example with a fixed script: finished steps
                run again if they or the steps that they need have changed. None means the
                definition, and so the code, that the execution started with.

        Raises:
            UsageError: The execution does not exist, or has no valid value for a parameter of the
                new definition.
            DefinitionError: The new definition is invalid or has steps that cannot run locally.
            ExecutionError: A process is running the execution.
            OutputError: The disk is full or reports an error.
        """
        row = self.workspace.execution_row(execution)
        if row["status"] == "Succeeded":
            return LocalExecution(self.workspace, execution)
        changes = (
            [] if definition is None else replace_definition(self.workspace.state, row, definition)
        )
        lock = self.workspace.lock(execution)
        try:
            self.workspace.state.execute(*changes)
            row = self.workspace.execution_row(execution)
            for step in self.workspace.state.list_steps(execution):
                kill_orphan(step["pid"], step["pid_started"])
            return self._drive(execution, check_supported(row["definition"]), lock)
        except BaseException:
            lock.close()
            raise

    def _load(
        self, name: str, parameters: Mapping[str, Any] | None
    ) -> tuple[dict[str, Any], Checked, dict[str, Any]]:
        """Return a pipeline's row, its definition and the value of every parameter."""
        row = self.workspace.pipeline_row(name)
        checked = check_supported(row["definition"])
        return row, checked, check_parameters(checked.definition.parameters, parameters or {})

    def _drive(self, execution: str, checked: Checked, lock: IO[str]) -> LocalExecution:
        """Run an execution in a thread of its own."""
        row = self.workspace.execution_row(execution)
        build_run = partial(self._run, row, checked)
        running = start_engine(self.workspace, self._tools, build_run, execution, lock)
        if self.shows_progress:
            running.progress.show()
        return LocalExecution(self.workspace, execution, running)

    def _outputs(self, pipeline: str, execution: str) -> str:
        parts = [self.default_bucket(), self.default_bucket_prefix, pipeline, execution]
        return "s3://" + "/".join(part for part in parts if part)

    def _run(self, row: Mapping[str, Any], checked: Checked, stop_fd: int) -> Run:
        name, execution = row["pipeline"], row["id"]
        arn = self.workspace.execution_arn(name, execution)
        variables = {
            "StartDateTime": row["created"],
            "CurrentDateTime": row["created"],
            "PipelineName": name,
            "PipelineArn": self.workspace.pipeline_arn(name),
            "PipelineExecutionId": execution,
            "PipelineExecutionArn": arn,
        }
        return Run(
            execution, arn, name, checked, row["parameters"], variables,
            self.workspace.run_folder(execution), self._outputs(name, execution), row["parallel"],
            stop_fd,
        )  # fmt: skip
