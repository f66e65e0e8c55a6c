"""Cache keys: everything that decides the result of a job.

The cause of a result is the job's request without what cannot change the result (names, roles,
tags, machines, addresses), the contents behind the addresses, and the environment. The key is its
digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from kinoloom.pipelines.language.problems import child_path
from kinoloom.pipelines.language.shapes import format_value
from kinoloom.pipelines.local.jobs.environment import describe_environment, describe_variables

CONTRACT = 1
"""Incremented when the folder or environment of steps changes."""

_VOLATILE = (
    "RoleArn", "Tags", "ExperimentConfig", "TrainingJobName", "ProcessingJobName",
    "OutputDataConfig", "DebugHookConfig", "ProfilerConfig", "ProcessingResources",
    "ResourceConfig", "StoppingCondition", "RetryStrategy", "InputDataConfig",
    "ProcessingInputs", "ProcessingOutputConfig", "EnableManagedSpotTraining", "NetworkConfig",
)  # fmt: skip
_VOLATILE_PARAMETERS = ("sagemaker_submit_directory", "sagemaker_job_name", "sagemaker_region")


def build_cause(
    kind: str,
    arguments: Mapping[str, Any],
    inputs: Mapping[str, str],
    outputs: Mapping[str, str],
    addresses: Mapping[str, str],
    variables: Mapping[str, str],
) -> dict[str, Any]:
    """Return everything that decides a job's result, as plain values.

    Args:
        kind: The step type.
        arguments: The resolved request.
        inputs: The inputs' digests by path in the job.
        outputs: The outputs' names by path in the job.
        addresses: The inputs' paths in the job by address; they replace the addresses.
        variables: The environment variables that the request does not have.
    """
    kept = {key: value for key, value in arguments.items() if key not in _VOLATILE}
    if "HyperParameters" in kept:
        kept["HyperParameters"] = {
            key: value
            for key, value in kept["HyperParameters"].items()
            if key not in _VOLATILE_PARAMETERS
        }
    return {
        "Contract": CONTRACT,
        "Type": kind,
        "Arguments": _replace_addresses(kept, addresses),
        "Inputs": dict(inputs),
        "Outputs": dict(outputs),
        "Environment": describe_environment(),
        "Variables": describe_variables(variables),
    }


def _replace_addresses(value: Any, addresses: Mapping[str, str]) -> Any:
    """Replace the inputs' addresses, which differ between executions, by paths in the job."""
    if isinstance(value, Mapping):
        return {key: _replace_addresses(item, addresses) for key, item in value.items()}
    if isinstance(value, list):
        return [_replace_addresses(item, addresses) for item in value]
    if isinstance(value, str) and "://" in value:
        for uri in sorted(addresses, key=len, reverse=True):
            value = value.replace(uri, addresses[uri])
    return value


def build_key(cause: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a cause: equal for equal work on equal content."""
    text = json.dumps(cause, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def first_difference(before: Any, after: Any) -> str:
    """Return the first difference in words, such as "Arguments.x was 1, is 2"; "" if none."""
    return next(_iter_differences(before, after, ""), "")


def _iter_differences(before: Any, after: Any, path: str) -> Iterator[str]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            member = child_path(path, key).removeprefix(".")
            if key not in after:
                yield f"{member} was {format_value(before[key])}, is missing"
            elif key not in before:
                yield f"{member} is new: {format_value(after[key])}"
            else:
                yield from _iter_differences(before[key], after[key], member)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _iter_differences(old, new, child_path(path, index))
    elif before != after:
        yield f"{path} was {format_value(before)}, is {format_value(after)}"
