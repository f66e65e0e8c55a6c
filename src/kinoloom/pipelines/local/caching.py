"""What decides the result of a job: its cause, the key made of it, and what differs.

A cause is what the job was asked, without what cannot change its result (names, roles, tags,
machines, addresses), with the contents behind the addresses in their place, and the environment.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from kinoloom.pipelines.language.problems import below
from kinoloom.pipelines.language.shapes import told

CONTRACT = 1
"""Raised when what a step finds in its folder or environment changes."""

_INSTALLED = (".dist-info", ".egg-info")  # "numpy-2.4.6.dist-info": name and version
_VOLATILE = (
    "RoleArn", "Tags", "ExperimentConfig", "TrainingJobName", "ProcessingJobName",
    "OutputDataConfig", "DebugHookConfig", "ProfilerConfig", "ProcessingResources",
    "ResourceConfig", "StoppingCondition", "RetryStrategy", "InputDataConfig",
    "ProcessingInputs", "ProcessingOutputConfig", "EnableManagedSpotTraining", "NetworkConfig",
)  # fmt: skip
_VOLATILE_PARAMETERS = ("sagemaker_submit_directory", "sagemaker_job_name", "sagemaker_region")


def cause_of(
    kind: str,
    arguments: Mapping[str, Any],
    inputs: Mapping[str, str],
    outputs: Mapping[str, str],
    addresses: Mapping[str, str],
) -> dict[str, Any]:
    """All that decides a job's result, as plain values.

    Args:
        kind: "Processing" or "Training".
        arguments: resolved.
        inputs: digests of contents, by the place where the job finds them.
        outputs: names of outputs, by the place where the job leaves them.
        addresses: of inputs, with the places where the job finds them: these stand for those.
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
        "Arguments": _placed(kept, addresses),
        "Inputs": dict(inputs),
        "Outputs": dict(outputs),
        "Environment": environment(),
    }


def _placed(value: Any, addresses: Mapping[str, str]) -> Any:
    """The same with the inputs' addresses, which change from run to run, replaced by places."""
    if isinstance(value, Mapping):
        return {key: _placed(item, addresses) for key, item in value.items()}
    if isinstance(value, list):
        return [_placed(item, addresses) for item in value]
    if isinstance(value, str) and "://" in value:
        for uri in sorted(addresses, key=len, reverse=True):
            value = value.replace(uri, addresses[uri])
    return value


def key_of(cause: Mapping[str, Any]) -> str:
    """The SHA-256 of a cause: equal for equal work on equal content."""
    text = json.dumps(cause, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def environment() -> dict[str, str]:
    """The interpreter and a digest of the names and versions of all packages installed in it."""
    folders = [Path(path) for path in sys.path if path and Path(path).is_dir()]
    found = {p.name for folder in folders for p in folder.iterdir() if p.suffix in _INSTALLED}
    packages = hashlib.sha256("\n".join(sorted(found)).encode()).hexdigest()
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return {"python": python, "platform": sys.platform, "packages": packages[:16]}


def first_difference(before: Any, after: Any) -> str:
    """The first thing that is not the same, in words: "Arguments.x was 1, is 2"; "" if none."""
    return next(_differences(before, after, ""), "")


def _differences(before: Any, after: Any, path: str) -> Iterator[str]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            place = below(path, key).removeprefix(".")
            if key not in after:
                yield f"{place} was {told(before[key])}, is gone"
            elif key not in before:
                yield f"{place} is new: {told(after[key])}"
            else:
                yield from _differences(before[key], after[key], place)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _differences(old, new, below(path, index))
    elif before != after:
        yield f"{path} was {told(before)}, is {told(after)}"
