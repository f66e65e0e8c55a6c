"""An execution as its user sees it: the same for one that runs, has ended, or ran elsewhere."""

from __future__ import annotations

import json
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kinoloom.errors import ExecutionError, UsageError
from kinoloom.pipelines.language.problems import suggestion
from kinoloom.pipelines.local.schedule import Status

if TYPE_CHECKING:
    from kinoloom.pipelines.local.session import LocalSession

_OVER = ("Succeeded", "Failed", "Stopped")
_LOOK_S = 0.1
_METADATA = {
    "Processing": ("ProcessingJob", "ProcessingJobArn"),
    "Training": ("TrainingJob", "TrainingJobArn"),
    "Transform": ("TransformJob", "TransformJobArn"),
    "Tuning": ("TuningJob", "HyperParameterTuningJobArn"),
    "Model": ("Model", "ModelArn"),
    "RegisterModel": ("RegisterModel", "ModelPackageArn"),
}


class Execution:
    """One execution of a pipeline. Made by `Pipeline.start` and the session's methods.

    Args:
        session: where it runs.
        execution: its id.
        thread: of its engine, when that is in this process.
    """

    def __init__(
        self,
        session: LocalSession,
        execution: str,
        thread: threading.Thread | None = None,
    ) -> None:
        self._session = session
        self.id = execution
        self._thread = thread

    @property
    def arn(self) -> str:
        """Its address, as `Execution.PipelineExecutionArn` has it."""
        return self._session.execution_arn(self._row()["pipeline"], self.id)

    @property
    def definition(self) -> str:
        """The definition that it runs, as JSON."""
        return str(self._row()["definition"])

    @property
    def status(self) -> str:
        """How far it is: "Executing", "Stopping", "Succeeded", "Failed" or "Stopped"."""
        return str(self._row()["status"])

    def wait(self, delay: float | None = None, max_attempts: int | None = None) -> None:
        """Wait for its end.

        Args:
            delay, max_attempts: as the SDK has them: at most so many times so many seconds;
                without them, for as long as it takes.

        Raises:
            ExecutionError: it failed or was stopped, or it takes longer.
        """
        limit_s = None if max_attempts is None else max_attempts * (30 if delay is None else delay)
        deadline = None if limit_s is None else time.monotonic() + limit_s
        if self._thread is not None:
            self._thread.join(limit_s)
        while self.status not in _OVER:
            if deadline is not None and time.monotonic() >= deadline:
                raise ExecutionError(f"The execution {self.id} takes longer than {limit_s:g} s.")
            if self._thread is None and not self._session.is_driven(self.id):
                raise ExecutionError(
                    f"The execution {self.id} was interrupted.",
                    hint="LocalSession.resume goes on with it.",
                )
            time.sleep(_LOOK_S)
        row = self._row()
        if row["status"] != "Succeeded":
            raise ExecutionError(f"The execution {self.id} {row['status']}: {row['reason']}")

    def join(self) -> None:
        """Wait for its end, well or not, when it runs in this process."""
        if self._thread is not None:
            self._thread.join()

    def stop(self) -> None:
        """Stop it: nothing more begins, what runs is ended.

        Raises:
            ExecutionError: no process is running it.
        """
        if self.status not in _OVER:
            self._session.stop(self.id)

    def describe(self) -> dict[str, Any]:
        """What the service's DescribePipelineExecution tells, as far as it means anything here."""
        row = self._row()
        told = {
            "PipelineArn": self._session.pipeline_arn(row["pipeline"]),
            "PipelineExecutionArn": self.arn,
            "PipelineExecutionDisplayName": row["display_name"],
            "PipelineExecutionDescription": row["description"],
            "PipelineExecutionStatus": row["status"],
            "CreationTime": datetime.fromisoformat(row["created"]),
            "LastModifiedTime": datetime.fromisoformat(row["modified"]),
        }
        return {**told, "FailureReason": row["reason"]} if row["reason"] else told

    def list_steps(self) -> list[dict[str, Any]]:
        """The steps that have begun, in that order, as ListPipelineExecutionSteps tells them.

        Beside the service's words, `CacheExplanation` says why a step ran or was taken over.
        """
        rows = self._session.state.steps(self.id)
        return [self._told(row) for row in rows if "/" not in row["name"]]

    def list_trainings(self, step_name: str) -> list[dict[str, Any]]:
        """The trainings of a Tuning step that have begun, each as `list_steps` tells a step."""
        rows = self._session.state.steps(self.id)
        return [self._told(row) for row in rows if row["name"].startswith(f"{step_name}/")]

    def list_parameters(self) -> list[dict[str, Any]]:
        """The parameters that it was started with, defaults included."""
        return [{"Name": name, "Value": value} for name, value in self._row()["parameters"].items()]

    def logs(self, step_name: str) -> str:
        """All that the latest attempt of a step has written so far.

        Raises:
            UsageError: no such step has begun.
        """
        row = self._step(step_name)
        log = self._session.step_folder(self.id, step_name) / str(row["attempts"]) / "log.txt"
        return log.read_text(errors="replace") if log.is_file() else ""

    def properties(self, step_name: str) -> Any:
        """What later steps may take from a step that has succeeded.

        Raises:
            UsageError: no such step has begun.
            ExecutionError: it has not succeeded.
        """
        row = self._step(step_name)
        if row["status"] != Status.SUCCEEDED.value:
            raise ExecutionError(f"The step '{step_name}' has not succeeded: {row['status']}.")
        return row["properties"]

    def result(self, step_name: str) -> Any:
        """Wait for the end and give what a step made.

        Returns:
            Of a Processing step the paths of its outputs by name; of a Training step "model" (and
            "data") as paths of archives; of a Transform step "transform", a path; of a Model,
            RegisterModel or Tuning step its properties; of a Lambda or Callback its outputs
            by name; of a Condition a bool.

        Raises:
            UsageError: no such step has begun.
            ExecutionError: it has not succeeded.
        """
        self.join()
        return self.result_so_far(step_name)

    def result_so_far(self, step_name: str) -> Any:
        """As `result`, of a step that has succeeded, while others may be running.

        Raises:
            UsageError: no such step has begun.
            ExecutionError: it has not succeeded.
        """
        properties = self.properties(step_name)
        kind = self._step(step_name)["type"]
        if kind == "Condition":
            return properties["Outcome"] == "true"
        if kind in ("Lambda", "Callback"):
            return properties["OutputParameters"]
        if kind in ("Model", "RegisterModel", "Tuning"):
            return properties
        if kind == "Transform":
            return {"transform": self._path(properties["TransformOutput"]["S3OutputPath"])}
        if kind == "Training":
            model = self._path(properties["ModelArtifacts"]["S3ModelArtifacts"])
            data = model.with_name("output.tar.gz")
            return {"model": model, "data": data} if data.exists() else {"model": model}
        outputs = properties.get("ProcessingOutputConfig", {}).get("Outputs", [])
        return {o["OutputName"]: self._path(o["S3Output"]["S3Uri"]) for o in outputs}

    def _path(self, uri: str) -> Path:
        return self._session.objects.path(uri)

    def _row(self) -> dict[str, Any]:
        row = self._session.state.execution(self.id)
        if row is None:
            raise UsageError(f"There is no execution {self.id}.")
        return row

    def _step(self, name: str) -> dict[str, Any]:
        rows = {row["name"]: row for row in self._session.state.steps(self.id)}
        if name not in rows:
            raise UsageError(f"No step '{name}' has begun{suggestion(name, rows)}.")
        return rows[name]

    def _told(self, row: dict[str, Any]) -> dict[str, Any]:
        told: dict[str, Any] = {
            "StepName": row["name"],
            "StepStatus": row["status"],
            "StartTime": datetime.fromisoformat(row["started"]),
            "AttemptCount": row["attempts"],
            "Metadata": _metadata(row),
        }
        if row["ended"]:
            told["EndTime"] = datetime.fromisoformat(row["ended"])
        if row["reason"]:
            told["FailureReason"] = row["reason"]
        if row["cache"]:
            told["CacheExplanation"] = row["cache"]
        if row["source"]:
            arn = self._session.execution_arn(row["pipeline"], row["source"])
            told["CacheHitResult"] = {"SourcePipelineExecutionArn": arn}
        return told


def _metadata(row: dict[str, Any]) -> dict[str, Any]:
    kind, properties = row["type"], row["properties"] or {}
    if kind in _METADATA:
        word, member = _METADATA[kind]
        return {word: {"Arn": properties.get(member, "")}}
    if kind == "Condition":
        return {"Condition": {"Outcome": json.loads(properties.get("Outcome", "null"))}}
    if kind == "Fail":
        return {"Fail": {"ErrorMessage": row["reason"]}}
    answers = properties.get("OutputParameters", {})
    return {kind: {"OutputParameters": [{"Name": k, "Value": v} for k, v in answers.items()]}}
