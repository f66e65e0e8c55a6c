"""An execution in a workspace: running in this process, in another one, or finished."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import Any

from kinoloom.errors import ExecutionError, UsageError
from kinoloom.pipelines.builder.functions.results import is_function_step
from kinoloom.pipelines.language.kinds import KINDS
from kinoloom.pipelines.language.problems import suggest
from kinoloom.pipelines.local.function_result import read_value
from kinoloom.pipelines.local.jobs.outcome import Status
from kinoloom.pipelines.local.kinds import LOCAL_KINDS
from kinoloom.pipelines.local.script.running import Running
from kinoloom.pipelines.local.storage.workspace import Workspace

_FINAL = ("Succeeded", "Failed", "Stopped")
_POLL_S = 0.1
_SDK_DELAY_S = 30


class LocalExecution:
    """An execution of a pipeline; `Pipeline.start` and `LocalSession` return it.

    Args:
        workspace: Where the execution is stored.
        execution: The execution's id.
        running: The execution's engine if this process runs it.

    Attributes:
        id: The execution's id.
        workspace: Where it is stored.
    """

    def __init__(
        self,
        workspace: Workspace,
        execution: str,
        running: Running | None = None,
    ) -> None:
        self.workspace = workspace
        self.id = execution
        self._running = running

    @property
    def arn(self) -> str:
        """The execution's ARN, the value of `Execution.PipelineExecutionArn`."""
        return self.workspace.execution_arn(self._row()["pipeline"], self.id)

    @property
    def definition(self) -> str:
        """The pipeline definition that it runs, as JSON."""
        return str(self._row()["definition"])

    @property
    def status(self) -> str:
        """The status: "Executing", "Stopping", "Succeeded", "Failed" or "Stopped"."""
        return str(self._row()["status"])

    def wait(self, delay: float | None = None, max_attempts: int | None = None) -> None:
        """Wait until the execution has finished.

        Args:
            delay, max_attempts: As in the SDK, wait for at most `max_attempts` times `delay`
                seconds (30 by default); without `max_attempts` there is no limit.

        Raises:
            ExecutionError: The execution failed, was stopped or exceeded the limit.
            KeyboardInterrupt, SystemExit: A signal stopped the execution; it has ended.
        """
        limit_s = None
        if max_attempts is not None:
            limit_s = max_attempts * (_SDK_DELAY_S if delay is None else delay)
        deadline = None if limit_s is None else time.monotonic() + limit_s
        if self._running is not None:
            self._running.wait(limit_s)
        while (row := self._row())["status"] not in _FINAL:
            if deadline is not None and time.monotonic() >= deadline:
                raise ExecutionError(f"Execution {self.id} did not finish within {limit_s:g} s.")
            if self._running is None and not self.workspace.is_running(self.id):
                raise ExecutionError(
                    f"Execution {self.id} was interrupted.",
                    hint="LocalSession.resume() resumes it.",
                )
            time.sleep(_POLL_S)
        if row["status"] != "Succeeded":
            raise ExecutionError(f"Execution {self.id} {row['status'].lower()}: {row['reason']}")

    def join(self) -> None:
        """Wait until the execution has finished, whatever its status, if this process runs it."""
        if self._running is not None:
            self._running.wait()

    def stop(self) -> None:
        """Stop the execution: no step starts, running steps are terminated.

        Raises:
            ExecutionError: No process is running the execution.
        """
        if self.status not in _FINAL:
            self.workspace.stop(self.id)

    def describe(self) -> dict[str, Any]:
        """Return the members of DescribePipelineExecution that apply to a local execution."""
        row = self._row()
        description = {
            "PipelineArn": self.workspace.pipeline_arn(row["pipeline"]),
            "PipelineExecutionArn": self.arn,
            "PipelineExecutionDisplayName": row["display_name"],
            "PipelineExecutionDescription": row["description"],
            "PipelineExecutionStatus": row["status"],
            "CreationTime": datetime.fromisoformat(row["created"]),
            "LastModifiedTime": datetime.fromisoformat(row["modified"]),
        }
        return {**description, "FailureReason": row["reason"]} if row["reason"] else description

    def list_steps(self) -> list[dict[str, Any]]:
        """Return the started steps in start order, as ListPipelineExecutionSteps does.

        `CacheExplanation` is an addition: why a step ran or reused cached outputs.
        """
        rows = self.workspace.state.list_steps(self.id)
        return [self._describe_step(row) for row in rows if "/" not in row["name"]]

    def list_trainings(self, step_name: str) -> list[dict[str, Any]]:
        """Return the started training jobs of a Tuning step, each described as a step."""
        rows = self.workspace.state.list_steps(self.id)
        return [self._describe_step(row) for row in rows if row["name"].startswith(f"{step_name}/")]

    def list_parameters(self) -> list[dict[str, Any]]:
        """Return all parameters with their values, including defaults."""
        return [{"Name": name, "Value": value} for name, value in self._row()["parameters"].items()]

    def logs(self, step_name: str) -> str:
        """Return the output of a step's latest attempt so far.

        Raises:
            UsageError: No step of that name has started.
        """
        row = self._step(step_name)
        folder = self.workspace.step_folder(self.id, step_name) / str(row["attempts"])
        log = folder / "log.txt"
        return log.read_text(errors="replace") if log.is_file() else ""

    def properties(self, step_name: str) -> Any:
        """Return the properties of a succeeded step.

        Raises:
            UsageError: No step of that name has started.
            ExecutionError: The step has not succeeded.
        """
        return self._succeeded_step(step_name)["properties"]

    def result(self, step_name: str) -> Any:
        """Wait for the execution and return the result of a step.

        Returns:
            For a `@step` function, the value that it returned, with paths to its files; for a
            Processing step, the paths of its outputs by name; for a Training step, the paths
            of the archives "model" and, if there is one, "data"; for a Transform step, the path
            "transform"; for a Model, RegisterModel or Tuning step, its properties; for a Lambda or
            Callback step, its outputs by name; for a Condition step, a bool.

        Raises:
            UsageError: No step of that name has started.
            ExecutionError: The step has not succeeded.
        """
        self.join()
        return self.result_so_far(step_name)

    def result_so_far(self, step_name: str) -> Any:
        """Return the result of a succeeded step without waiting for the execution; see `result`.

        Raises:
            UsageError: No step of that name has started.
            ExecutionError: The step has not succeeded.
        """
        result = self.outputs(step_name)
        if is_function_step(self.properties(step_name)):
            return read_value(self.workspace.store, self._step(step_name), result["result"])
        return result

    def outputs(self, step_name: str) -> Any:
        """Return the result of a succeeded step; for a `@step` function, the paths of its files.

        Raises:
            UsageError: No step of that name has started.
            ExecutionError: The step has not succeeded.
        """
        row = self._succeeded_step(step_name)
        return LOCAL_KINDS[row["type"]].result(row["properties"], self.workspace.objects.path)

    def _row(self) -> dict[str, Any]:
        row = self.workspace.execution_row(self.id)
        running = self._running
        if running is not None and not running.is_stored:
            row["status"], row["reason"] = running.end
        if running is not None and row["status"] in _FINAL:
            running.is_observed = True
        return row

    def _step(self, name: str) -> dict[str, Any]:
        row = self.workspace.state.find_step(self.id, name)
        if row is None:
            names = [one["name"] for one in self.workspace.state.list_steps(self.id)]
            raise UsageError(f"No step '{name}' has started{suggest(name, names)}.")
        return row

    def _succeeded_step(self, name: str) -> dict[str, Any]:
        row = self._step(name)
        if row["status"] != Status.SUCCEEDED.value:
            raise ExecutionError(f"Step '{name}' has not succeeded: {row['status']}.")
        return row

    def _describe_step(self, row: dict[str, Any]) -> dict[str, Any]:
        description: dict[str, Any] = {
            "StepName": row["name"],
            "StepStatus": row["status"],
            "StartTime": datetime.fromisoformat(row["started"]),
            "AttemptCount": row["attempts"],
            "Metadata": _metadata(row),
        }
        if row["ended"]:
            description["EndTime"] = datetime.fromisoformat(row["ended"])
        if row["reason"]:
            description["FailureReason"] = row["reason"]
        if row["cache"]:
            description["CacheExplanation"] = row["cache"]
        if row["source"]:
            arn = self.workspace.execution_arn(row["pipeline"], row["source"])
            description["CacheHitResult"] = {"SourcePipelineExecutionArn": arn}
        return description


def _metadata(row: dict[str, Any]) -> dict[str, Any]:
    """Return the member Metadata of a step's description."""
    step_type, properties = row["type"], row["properties"] or {}
    job = KINDS[step_type].job
    if job is not None:
        return {job.metadata: {"Arn": properties.get(job.arn, "")}}
    if step_type == "Condition":
        return {"Condition": {"Outcome": json.loads(properties.get("Outcome", "null"))}}
    if step_type == "Fail":
        return {"Fail": {"ErrorMessage": row["reason"]}}
    outputs = properties.get("OutputParameters", {})
    return {step_type: {"OutputParameters": [{"Name": k, "Value": v} for k, v in outputs.items()]}}
