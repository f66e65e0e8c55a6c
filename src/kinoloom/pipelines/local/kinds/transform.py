"""Transform steps: `serving.main` applies an unpacked model to files.

The model's script runs in a process of its own; the service's images run it behind HTTP.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.language import Step
from kinoloom.pipelines.local.context import RunContext
from kinoloom.pipelines.local.jobs.job import (
    Input,
    Job,
    Output,
    check_value,
    module_command,
    time_limit,
)
from kinoloom.pipelines.local.jobs.mounts import ML
from kinoloom.pipelines.local.step_kind import LocalKind

_TRANSFORM = f"{ML}/transform"
_CODE = f"{ML}/code"
_DEFAULT_PAYLOAD_MB = 6


def build_job(context: RunContext, step: Step) -> Job:
    """Return the job of a Transform step.

    Raises:
        KinoloomError: The arguments are invalid or not supported.
    """
    arguments, name = context.resolve(step)
    container = context.tools.models.container(arguments["ModelName"])
    arn = f"{context.run.arn_base}:transform-job/{name}"
    job = transform_job(arguments, name, arn, container)
    return replace(job, resources=context.tools.demand.of(job.instance_type))


def transform_job(
    arguments: Mapping[str, Any], name: str, arn: str, container: Mapping[str, Any]
) -> Job:
    """Return the job of a request.

    Args:
        arguments: The resolved request.
        name, arn: The job's name and ARN.
        container: The model's container: Image, ModelDataUrl, Environment.

    Raises:
        UsageError: The request is not supported.
    """
    machine = arguments["TransformResources"]
    check_value(int(machine["InstanceCount"]), 1, "InstanceCount")
    source = arguments["TransformInput"]["DataSource"]["S3DataSource"]
    check_value(source.get("S3DataType", "S3Prefix"), "S3Prefix", "S3DataType")
    config = _build_config(arguments)
    env = {**container.get("Environment", {}), **arguments.get("Environment", {})}
    inputs = [
        Input(_archive_address(container), f"{ML}/model", archive=True),
        Input(source["S3Uri"], f"{_TRANSFORM}/input"),
    ]
    submitted = str(env.get("SAGEMAKER_SUBMIT_DIRECTORY", ""))
    if submitted.startswith("s3://"):
        inputs.append(Input(submitted, _CODE, archive=True))
        env["SAGEMAKER_SUBMIT_DIRECTORY"] = _CODE
    output_uri = arguments["TransformOutput"]["S3OutputPath"]
    return Job(
        kind="Transform",
        name=name,
        arguments={"Transform": config, "Image": container.get("Image"), "Environment": env},
        inputs=tuple(inputs),
        outputs=(Output("transform", f"{_TRANSFORM}/output", output_uri),),
        files={f"{_TRANSFORM}/config.json": json.dumps(config)},
        words=module_command("kinoloom.pipelines.serving.main"),
        env={**{key: str(value) for key, value in env.items()}, "SAGEMAKER_BATCH": "true"},
        cwd=_TRANSFORM,
        limit_s=time_limit(arguments),
        instance_type=str(machine.get("InstanceType", "")),
        properties={
            **arguments,
            "TransformJobName": name,
            "TransformJobArn": arn,
            "TransformJobStatus": "Completed",
        },
    )


def _archive_address(container: Mapping[str, Any]) -> str:
    if "ModelDataUrl" not in container:
        raise UsageError("The model has no archive (ModelDataUrl), and no image is run locally.")
    return str(container["ModelDataUrl"])


def _build_config(arguments: Mapping[str, Any]) -> dict[str, Any]:
    source, output = arguments["TransformInput"], arguments["TransformOutput"]
    processing = arguments.get("DataProcessing", {})
    config = {
        "content_type": source.get("ContentType", ""),
        "accept": output.get("Accept", ""),
        "compression": source.get("CompressionType", "None"),
        "split": source.get("SplitType", "None"),
        "strategy": arguments.get("BatchStrategy", "MultiRecord"),
        "max_bytes": int(arguments.get("MaxPayloadInMB", _DEFAULT_PAYLOAD_MB)) << 20,
        "assemble": output.get("AssembleWith", "None"),
        "input_filter": processing.get("InputFilter", "$"),
        "output_filter": processing.get("OutputFilter", "$"),
        "join": processing.get("JoinSource", "None"),
    }
    processed = [config[key] for key in ("input_filter", "output_filter", "join")]
    if processed != ["$", "$", "None"] and config["split"] not in ("Line", "None"):
        raise UsageError("Filters and joins need records of text: SplitType Line or None.")
    return config


KINDS = (
    LocalKind(
        "Transform",
        build_job=build_job,
        result=lambda properties, locate: {
            "transform": locate(properties["TransformOutput"]["S3OutputPath"])
        },
    ),
)
