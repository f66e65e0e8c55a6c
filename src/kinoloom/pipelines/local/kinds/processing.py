"""Processing steps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from kinoloom.pipelines.language import Step
from kinoloom.pipelines.language.kinds.processing import list_outputs
from kinoloom.pipelines.language.shapes import ListOf, Record
from kinoloom.pipelines.local.context import RunContext
from kinoloom.pipelines.local.jobs.job import (
    Input,
    Job,
    Output,
    check_place,
    resource_config,
    time_limit,
)
from kinoloom.pipelines.local.jobs.mounts import ML
from kinoloom.pipelines.local.shapes import (
    DATA,
    PLACE,
    TARGET,
    All,
    Needs,
    Replicated,
    get_items,
    get_member,
    local_choice,
    note_hosts,
)
from kinoloom.pipelines.local.step_kind import LocalKind


def build_job(context: RunContext, step: Step) -> Job:
    """Return the job of a Processing step.

    Raises:
        KinoloomError: The arguments are invalid or not supported.
    """
    arguments, name = context.resolve(step, _SUPPORTED)
    job = processing_job(arguments, name, f"{context.run.arn_base}:processing-job/{name}")
    return replace(job, resources=context.tools.demand.of(job.instance_type))


def processing_job(arguments: Mapping[str, Any], name: str, arn: str) -> Job:
    """Return the job of a request.

    Args:
        arguments: The resolved request.
        name, arn: The job's name and ARN.
    """
    cluster = arguments["ProcessingResources"]["ClusterConfig"]
    application = arguments["AppSpecification"]
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
    source = one["S3Input"]
    return Input(
        source["S3Uri"],
        check_place(source["LocalPath"]),
        in_place=bool(one.get("AppManaged")),
        manifest=source["S3DataType"] == "ManifestFile",
    )


def _build_output(one: Mapping[str, Any]) -> Output:
    target = one["S3Output"]
    return Output(one["OutputName"], check_place(target["LocalPath"]), target["S3Uri"])


def _list_notes(arguments: Mapping[str, Any]) -> Iterator[str]:
    yield from note_hosts(arguments)
    for output in get_items(arguments.get("ProcessingOutputConfig"), "Outputs"):
        if get_member(output, "S3Output").get("S3UploadMode") == "Continuous":
            yield f"Output '{output['OutputName']}' is uploaded at the end of the job."


_INPUT = All(
    (
        DATA,
        Record(
            {"LocalPath": PLACE},
            {"S3InputMode": local_choice("File"), "S3CompressionType": local_choice("None")},
        ),
    )
)
_OUTPUT = Record({"S3Uri": TARGET, "LocalPath": PLACE})
_SUPPORTED = All(
    (
        Record(
            {"AppSpecification": Needs("ContainerEntrypoint", "no image is run locally")},
            {
                "ProcessingInputs": ListOf(Record({"S3Input": _INPUT})),
                "ProcessingOutputConfig": Record(
                    {}, {"Outputs": ListOf(Record({"S3Output": _OUTPUT}))}
                ),
            },
        ),
        Replicated(),
    )
)

KINDS = (
    LocalKind(
        "Processing",
        build_job=build_job,
        result=lambda properties, locate: {
            name: locate(uri) for name, uri in list_outputs(properties).items()
        },
        supported=_SUPPORTED,
        notes=_list_notes,
    ),
)
