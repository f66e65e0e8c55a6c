"""Transform jobs: a model's archive, unpacked, and `serving.main` applied to the data.

The model's script runs in a process of its own, as the service's images run it behind HTTP.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.local.jobs import Input, Job, Output, limit_of, only, own_program
from kinoloom.pipelines.local.mounts import ML

_HERE = f"{ML}/transform"
_CODE = f"{ML}/code"
_USUAL_MB = 6


def transform_job(
    arguments: Mapping[str, Any], name: str, arn: str, container: Mapping[str, Any]
) -> Job:
    """The job of a Transform step.

    Args:
        arguments: the request, resolved.
        name, arn: of the job.
        container: of the model: Image, ModelDataUrl, Environment.

    Raises:
        UsageError: it asks for what a LocalSession cannot do.
    """
    machine = arguments["TransformResources"]
    only(int(machine["InstanceCount"]), 1, "InstanceCount")
    source = arguments["TransformInput"]["DataSource"]["S3DataSource"]
    only(source.get("S3DataType", "S3Prefix"), "S3Prefix", "S3DataType")
    config = _config(arguments)
    env = {**container.get("Environment", {}), **arguments.get("Environment", {})}
    inputs = [
        Input(_model_data(container), f"{ML}/model", archive=True),
        Input(source["S3Uri"], f"{_HERE}/input"),
    ]
    submitted = str(env.get("SAGEMAKER_SUBMIT_DIRECTORY", ""))
    if submitted.startswith("s3://"):
        inputs.append(Input(submitted, _CODE, archive=True))
        env["SAGEMAKER_SUBMIT_DIRECTORY"] = _CODE
    output = Output("transform", f"{_HERE}/output", arguments["TransformOutput"]["S3OutputPath"])
    return Job(
        kind="Transform",
        name=name,
        arguments={"Transform": config, "Image": container.get("Image"), "Environment": env},
        inputs=tuple(inputs),
        outputs=(output,),
        files={f"{_HERE}/config.json": json.dumps(config)},
        words=own_program("kinoloom.pipelines.serving.main"),
        env={**{key: str(value) for key, value in env.items()}, "SAGEMAKER_BATCH": "true"},
        cwd=_HERE,
        limit_s=limit_of(arguments),
        instance_type=str(machine.get("InstanceType", "")),
        properties={
            **arguments,
            "TransformJobName": name,
            "TransformJobArn": arn,
            "TransformJobStatus": "Completed",
        },
    )


def _model_data(container: Mapping[str, Any]) -> str:
    if "ModelDataUrl" not in container:
        raise UsageError("The model has no archive (ModelDataUrl): no image is run here.")
    return str(container["ModelDataUrl"])


def _config(arguments: Mapping[str, Any]) -> dict[str, Any]:
    source, output = arguments["TransformInput"], arguments["TransformOutput"]
    processing = arguments.get("DataProcessing", {})
    config = {
        "content_type": source.get("ContentType", ""),
        "accept": output.get("Accept", ""),
        "compression": source.get("CompressionType", "None"),
        "split": source.get("SplitType", "None"),
        "strategy": arguments.get("BatchStrategy", "MultiRecord"),
        "most_bytes": int(arguments.get("MaxPayloadInMB", _USUAL_MB)) << 20,
        "assemble": output.get("AssembleWith", "None"),
        "input_filter": processing.get("InputFilter", "$"),
        "output_filter": processing.get("OutputFilter", "$"),
        "join": processing.get("JoinSource", "None"),
    }
    processed = [config[key] for key in ("input_filter", "output_filter", "join")]
    if processed != ["$", "$", "None"] and config["split"] not in ("Line", "None"):
        raise UsageError("Filters and joins are for records of text: SplitType Line or None.")
    return config
