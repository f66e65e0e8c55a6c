"""An execution on Amazon SageMaker, with the methods of a local one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from kinoloom.errors import ExecutionError, UsageError
from kinoloom.pipelines.aws.service import Service
from kinoloom.pipelines.builder.functions.results import is_function_step
from kinoloom.pipelines.builder.functions.run_function import RESULT, unpickle
from kinoloom.pipelines.language.kinds import KINDS
from kinoloom.pipelines.language.problems import suggest

_FINAL = ("Succeeded", "Failed", "Stopped")
_DELAY_S = 30.0
_KINDS = {kind.job.metadata: kind for kind in KINDS.values() if kind.job is not None}
"""The kinds of steps with a job, by the key of their metadata."""


class SageMakerExecution:
    """An execution of a pipeline on the service; `SageMakerSession.start` returns it.

    Args:
        service: The AWS clients.
        arn: The execution's ARN.

    Attributes:
        id: The last part of the ARN.
    """

    def __init__(self, service: Service, arn: str) -> None:
        self._service = service
        self._client = service.sagemaker
        self._arn = arn
        self.id = arn.rpartition("/")[2]

    @property
    def arn(self) -> str:
        """The execution's ARN."""
        return self._arn

    @property
    def _key(self) -> dict[str, str]:
        return {"PipelineExecutionArn": self._arn}

    @property
    def status(self) -> str:
        """The status: "Executing", "Stopping", "Succeeded", "Failed" or "Stopped"."""
        return str(self.describe()["PipelineExecutionStatus"])

    @property
    def definition(self) -> str:
        """The pipeline definition that it runs, as JSON."""
        method = self._client.describe_pipeline_definition_for_execution
        return str(self._service.call(method, **self._key)["PipelineDefinition"])

    def describe(self) -> dict[str, Any]:
        """Return the response of DescribePipelineExecution."""
        method = self._client.describe_pipeline_execution
        response: dict[str, Any] = self._service.call(method, **self._key)
        return response

    def wait(self, delay: float | None = None, max_attempts: int | None = None) -> None:
        """Wait until the execution has finished.

        Args:
            delay: Seconds between status requests; None means 30.
            max_attempts: Maximum number of status requests; None means no limit.

        Raises:
            ExecutionError: The execution failed, was stopped or exceeded the limit.
        """
        delay_s = _DELAY_S if delay is None else delay
        attempts = 0
        while (response := self.describe())["PipelineExecutionStatus"] not in _FINAL:
            attempts += 1
            if max_attempts is not None and attempts >= max_attempts:
                limit_s = delay_s * max_attempts
                raise ExecutionError(f"Execution {self.id} did not finish within {limit_s:g} s.")
            time.sleep(delay_s)
        status = response["PipelineExecutionStatus"]
        if status != "Succeeded":
            reason = response.get("FailureReason", "no reason given")
            raise ExecutionError(f"Execution {self.id} {status.lower()}: {reason}")

    def join(self) -> None:
        """Wait until the execution has finished, whatever its status."""
        while self.status not in _FINAL:
            time.sleep(_DELAY_S)

    def stop(self) -> None:
        """Stop the execution."""
        self._service.call(self._client.stop_pipeline_execution, **self._key)

    def retry(self) -> None:
        """Retry the execution after a failure; finished steps do not run again."""
        self._service.call(self._client.retry_pipeline_execution, **self._key)

    def list_steps(self) -> list[dict[str, Any]]:
        """Return the started steps in start order."""
        method = self._client.list_pipeline_execution_steps
        return self._service.list_all(
            method, "PipelineExecutionSteps", SortOrder="Ascending", **self._key
        )

    def list_parameters(self) -> list[dict[str, Any]]:
        """Return the parameters with their values."""
        method = self._client.list_pipeline_parameters_for_execution
        return self._service.list_all(method, "PipelineParameters", **self._key)

    def properties(self, step_name: str) -> Any:
        """Return the description of a step's job, or the step's outputs if it has no job.

        Raises:
            UsageError: No step of that name has started.
        """
        word, metadata = self._metadata(step_name)
        kind = _KINDS.get(word)
        if kind is None or kind.job is None:
            return metadata
        name = metadata["Arn"] if kind.job.named_by_arn else _last(metadata["Arn"])
        return self._service.call(getattr(self._client, kind.job.describe), **{kind.job.name: name})

    def result(self, step_name: str) -> Any:
        """Wait for the execution and return the result of a step.

        Returns:
            The same as `LocalExecution.result`, with s3:// addresses instead of paths.

        Raises:
            UsageError: No step of that name has started.
        """
        self.join()
        word, metadata = self._metadata(step_name)
        properties = self.properties(step_name)
        kind = _KINDS.get(word)
        if kind is not None and kind.outputs is not None:
            outputs = kind.outputs(properties)
            return self._value(outputs["result"]) if is_function_step(properties) else outputs
        if word == "Condition":
            return str(metadata["Outcome"]).lower() == "true"
        if "OutputParameters" in metadata:
            return {one["Name"]: one["Value"] for one in metadata["OutputParameters"]}
        return properties

    def _value(self, uri: str) -> Any:
        """Return the value that a step's function stored, with addresses of its files."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        request = {"Bucket": bucket, "Key": f"{key}/{RESULT}"}
        content = self._service.call(self._service.s3.get_object, **request)["Body"].read()
        return unpickle(content, lambda kind, name: f"{uri}/files/{name}")

    def logs(self, step_name: str) -> str:
        """Return the output of a step's job from CloudWatch; "" for a step without a job.

        Raises:
            UsageError: No step of that name has started.
        """
        word, metadata = self._metadata(step_name)
        kind = _KINDS.get(word)
        if kind is None or kind.job is None or not kind.job.log_group:
            return ""
        client = self._service.boto_session.client("logs")
        events: list[Mapping[str, Any]] = []
        request = {
            "logGroupName": f"/aws/sagemaker/{kind.job.log_group}",
            "logStreamNamePrefix": _last(metadata["Arn"]),
        }
        token: str | None = ""
        while token is not None:
            more = {"nextToken": token} if token else {}
            page = self._service.call(client.filter_log_events, **request, **more)
            events += page["events"]
            token = page.get("nextToken")
        return "".join(f"{event['message']}\n" for event in events)

    def _metadata(self, step_name: str) -> tuple[str, Mapping[str, Any]]:
        """Return the one member of a step's metadata: its key and its value."""
        steps = {step["StepName"]: step for step in self.list_steps()}
        if step_name not in steps:
            raise UsageError(f"No step '{step_name}' has started{suggest(step_name, steps)}.")
        metadata = steps[step_name].get("Metadata", {})
        return next(iter(metadata.items()), ("", {}))


def _last(arn: str) -> str:
    return arn.rpartition("/")[2]
