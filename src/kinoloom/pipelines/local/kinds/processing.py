"""Processing steps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.language import Step
from kinoloom.pipelines.language.kinds.processing import list_outputs
from kinoloom.pipelines.local.context import RunContext
from kinoloom.pipelines.local.jobs.job import (
    Input,
    Job,
    Output,
    check_place,
    check_value,
    resource_config,
    time_limit,
)
from kinoloom.pipelines.local.jobs.mounts import ML
from kinoloom.pipelines.local.step_kind import LocalKind


def build_job(context: RunContext, step: Step) -> Job:
    """Return the job of a Processing step.

    Raises:
        KinoloomError: The arguments are invalid or not supported.
    """
    arguments, name = context.resolve(step)
    job = processing_job(arguments, name, f"{context.run.arn_base}:processing-job/{name}")
    return replace(job, resources=context.tools.demand.of(job.instance_type))


def processing_job(arguments: Mapping[str, Any], name: str, arn: str) -> Job:
    """Return the job of a request.

    Args:
        arguments: The resolved request.
        name, arn: The job's name and ARN.

    Raises:
        UsageError: The request is not supported.
    """
    cluster = arguments["ProcessingResources"]["ClusterConfig"]
    check_value(int(cluster.get("InstanceCount", 1)), 1, "InstanceCount")
    application = arguments["AppSpecification"]
    if not application.get("ContainerEntrypoint"):
        raise UsageError("A Processing step needs a ContainerEntrypoint: no image is run locally.")
    words = [*application["ContainerEntrypoint"], *application.get("ContainerArguments", ())]
    outputs = arguments.get("ProcessingOutputConfig", {}).get("Outputs", ())
    instance_type = str(cluster.get("InstanceType", ""))
    config = {**arguments, "ProcessingJobName": name, "ProcessingJobArn": arn}
    return Job(
        kind="Processing",
        name=name,
        arguments=arguments,
        inputs=tuple(_build_input(one) for one in arguments.get("ProcessingInputs", ())),
        outputs=tuple(_build_output(one) for one in outputs),
        files={
            f"{ML}/config/processingjobconfig.json": json.dumps(config),
            f"{ML}/config/resourceconfig.json": resource_config(instance_type),
        },
        words=tuple(str(word) for word in words),
        env={**arguments.get("Environment", {}), "PROCESSING_JOB_NAME": name},
        cwd=f"{ML}/processing",
        limit_s=time_limit(arguments),
        instance_type=instance_type,
        properties={**config, "ProcessingJobStatus": "Completed"},
    )


def _build_input(one: Mapping[str, Any]) -> Input:
    if "S3Input" not in one:
        raise UsageError(f"Input '{one['InputName']}' must be an S3Input.")
    source = one["S3Input"]
    check_value(source.get("S3InputMode", "File"), "File", "S3InputMode")
    check_value(source["S3DataType"], "S3Prefix", "S3DataType")
    check_value(source.get("S3CompressionType", "None"), "None", "S3CompressionType")
    in_place = bool(one.get("AppManaged"))
    return Input(source["S3Uri"], check_place(source["LocalPath"]), in_place=in_place)


def _build_output(one: Mapping[str, Any]) -> Output:
    if "S3Output" not in one:
        raise UsageError(f"Output '{one['OutputName']}' must be an S3Output.")
    target = one["S3Output"]
    check_value(target.get("S3UploadMode", "EndOfJob"), "EndOfJob", "S3UploadMode")
    return Output(one["OutputName"], check_place(target["LocalPath"]), target["S3Uri"])


KINDS = (
    LocalKind(
        "Processing",
        build_job=build_job,
        result=lambda properties, locate: {
            name: locate(uri) for name, uri in list_outputs(properties).items()
        },
    ),
)
