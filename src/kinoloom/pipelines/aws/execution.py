"""An execution on the service, with the methods of a local one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kinoloom.errors import ExecutionError, UsageError
from kinoloom.pipelines.language.problems import suggestion

if TYPE_CHECKING:
    from kinoloom.pipelines.aws.session import SageMakerSession

_OVER = ("Succeeded", "Failed", "Stopped")
_DELAY_S = 30.0
_JOBS = {  # by the word in a step's metadata: the call that describes it, and its logs
    "ProcessingJob": ("describe_processing_job", "ProcessingJobName", "ProcessingJobs"),
    "TrainingJob": ("describe_training_job", "TrainingJobName", "TrainingJobs"),
    "TransformJob": ("describe_transform_job", "TransformJobName", "TransformJobs"),
    "TuningJob": ("describe_hyper_parameter_tuning_job", "HyperParameterTuningJobName", ""),
    "Model": ("describe_model", "ModelName", ""),
    "RegisterModel": ("describe_model_package", "ModelPackageName", ""),
}


class SageMakerExecution:
    """One execution of a pipeline on the service. Made by `SageMakerSession.start`.

    Args:
        session: where it runs.
        arn: its address.
    """

    def __init__(self, session: SageMakerSession, arn: str) -> None:
        self._session = session
        self._client = session.sagemaker_client
        self._arn = arn
        self.id = arn.rpartition("/")[2]

    @property
    def arn(self) -> str:
        """Its address."""
        return self._arn

    @property
    def _named(self) -> dict[str, str]:
        return {"PipelineExecutionArn": self._arn}

    @property
    def status(self) -> str:
        """How far it is: "Executing", "Stopping", "Succeeded", "Failed" or "Stopped"."""
        return str(self.describe()["PipelineExecutionStatus"])

    @property
    def definition(self) -> str:
        """The definition that it runs, as JSON."""
        method = self._client.describe_pipeline_definition_for_execution
        return str(self._session.call(method, **self._named)["PipelineDefinition"])

    def describe(self) -> dict[str, Any]:
        """What the service tells of it."""
        method = self._client.describe_pipeline_execution
        told: dict[str, Any] = self._session.call(method, **self._named)
        return told

    def wait(self, delay: float | None = None, max_attempts: int | None = None) -> None:
        """Wait for its end.

        Args:
            delay: how many seconds between looks; None is 30.
            max_attempts: how many looks; None for as long as it takes.

        Raises:
            ExecutionError: it failed or was stopped, or it takes longer.
        """
        pause_s = _DELAY_S if delay is None else delay
        looks = 0
        while (told := self.describe())["PipelineExecutionStatus"] not in _OVER:
            looks += 1
            if max_attempts is not None and looks >= max_attempts:
                limit_s = pause_s * max_attempts
                raise ExecutionError(f"The execution {self.id} takes longer than {limit_s:g} s.")
            time.sleep(pause_s)
        status = told["PipelineExecutionStatus"]
        if status != "Succeeded":
            reason = told.get("FailureReason", "no reason is given")
            raise ExecutionError(f"The execution {self.id} {status}: {reason}")

    def join(self) -> None:
        """Wait for its end, well or not."""
        while self.status not in _OVER:
            time.sleep(_DELAY_S)

    def stop(self) -> None:
        """Stop it."""
        self._session.call(self._client.stop_pipeline_execution, **self._named)

    def retry(self) -> None:
        """Go on with it after a failure; what succeeded stays."""
        self._session.call(self._client.retry_pipeline_execution, **self._named)

    def list_steps(self) -> list[dict[str, Any]]:
        """The steps that have begun, in that order."""
        method = self._client.list_pipeline_execution_steps
        return self._session.pages(
            method, "PipelineExecutionSteps", SortOrder="Ascending", **self._named
        )

    def list_parameters(self) -> list[dict[str, Any]]:
        """The parameters that it was started with."""
        method = self._client.list_pipeline_parameters_for_execution
        return self._session.pages(method, "PipelineParameters", **self._named)

    def properties(self, step_name: str) -> Any:
        """What the service tells of a step's job, or its outputs where it has no job.

        Raises:
            UsageError: no such step has begun.
        """
        word, told = self._metadata(step_name)
        if word not in _JOBS:
            return told
        verb, member, _ = _JOBS[word]
        name = told["Arn"] if word == "RegisterModel" else _last(told["Arn"])
        return self._session.call(getattr(self._client, verb), **{member: name})

    def result(self, step_name: str) -> Any:
        """Wait for the end and give what a step made.

        Returns:
            As a local execution does, with s3:// addresses in place of paths.

        Raises:
            UsageError: no such step has begun.
        """
        self.join()
        word, told = self._metadata(step_name)
        properties = self.properties(step_name)
        if word == "ProcessingJob":
            outputs = properties.get("ProcessingOutputConfig", {}).get("Outputs", [])
            return {one["OutputName"]: one["S3Output"]["S3Uri"] for one in outputs}
        if word == "TrainingJob":
            return {"model": properties["ModelArtifacts"]["S3ModelArtifacts"]}
        if word == "TransformJob":
            return {"transform": properties["TransformOutput"]["S3OutputPath"]}
        if word == "Condition":
            return str(told["Outcome"]).lower() == "true"
        if "OutputParameters" in told:
            return {one["Name"]: one["Value"] for one in told["OutputParameters"]}
        return properties

    def logs(self, step_name: str) -> str:
        """All that a step's job has written, from CloudWatch; "" for a step without a job.

        Raises:
            UsageError: no such step has begun.
        """
        word, told = self._metadata(step_name)
        group = _JOBS[word][2] if word in _JOBS else ""
        if not group:
            return ""
        client = self._session.boto_session.client("logs")
        events: list[Mapping[str, Any]] = []
        request = {
            "logGroupName": f"/aws/sagemaker/{group}",
            "logStreamNamePrefix": _last(told["Arn"]),
        }
        token: str | None = ""
        while token is not None:
            more = {"nextToken": token} if token else {}
            page = self._session.call(client.filter_log_events, **request, **more)
            events += page["events"]
            token = page.get("nextToken")
        return "".join(f"{event['message']}\n" for event in events)

    def _metadata(self, step_name: str) -> tuple[str, Mapping[str, Any]]:
        steps = {step["StepName"]: step for step in self.list_steps()}
        if step_name not in steps:
            raise UsageError(f"No step '{step_name}' has begun{suggestion(step_name, steps)}.")
        metadata = steps[step_name].get("Metadata", {})
        return next(iter(metadata.items()), ("", {}))


def _last(arn: str) -> str:
    return arn.rpartition("/")[2]
