"""Transform steps: `serving.main` applies an unpacked model to files.

The model's script runs in a process of its own; the service's images run it behind HTTP.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.language import Step
from kinoloom.pipelines.language.problems import Problems, child_path
from kinoloom.pipelines.language.shapes import Nullable, Record, Scalar
from kinoloom.pipelines.local.context import RunContext
from kinoloom.pipelines.local.jobs.job import (
    Input,
    Job,
    Output,
    module_command,
    time_limit,
)
from kinoloom.pipelines.local.jobs.mounts import ML
from kinoloom.pipelines.local.shapes import DATA, TARGET, All, get_member, note_hosts
from kinoloom.pipelines.local.step_kind import LocalKind
from kinoloom.pipelines.serving.filters import parse_expression

_TRANSFORM = f"{ML}/transform"
_CODE = f"{ML}/code"
_MODEL = f"{ML}/model"
_DEFAULT_PAYLOAD_MB = 6


def build_job(context: RunContext, step: Step) -> Job:
    """Return the job of a Transform step.

    Raises:
        KinoloomError: The arguments are invalid or not supported.
    """
    arguments, name = context.resolve(step, _SUPPORTED)
    containers = context.tools.models.containers(arguments["ModelName"])
    arn = f"{context.run.arn_base}:transform-job/{name}"
    job = transform_job(arguments, name, arn, containers)
    return replace(job, resources=context.tools.demand.of(job.instance_type))


def transform_job(
    arguments: Mapping[str, Any], name: str, arn: str, containers: Sequence[Mapping[str, Any]]
) -> Job:
    """Return the job of a request.

    Args:
        arguments: The resolved request.
        name, arn: The job's name and ARN.
        containers: The model's containers: Image, ModelDataUrl, Environment.

    Raises:
        UsageError: A container has no archive.
    """
    machine = arguments["TransformResources"]
    source = arguments["TransformInput"]["DataSource"]["S3DataSource"]
    served = [
        _serve_container(one, arguments.get("Environment", {}), _Places.of(k, len(containers)))
        for k, one in enumerate(containers)
    ]
    data = Input(
        source["S3Uri"],
        f"{_TRANSFORM}/input",
        manifest=source.get("S3DataType") == "ManifestFile",
    )
    config = _build_config(arguments)
    chain = [{"model": one.model, "environment": one.env} for one in served]
    settings = {"Transform": config, "Image": containers[0].get("Image")}
    if len(served) == 1:
        settings["Environment"] = served[0].env
    else:
        config["containers"] = chain
    output_uri = arguments["TransformOutput"]["S3OutputPath"]
    return Job(
        kind="Transform",
        name=name,
        arguments=settings,
        inputs=(*(one for container in served for one in container.inputs), data),
        outputs=(Output("transform", f"{_TRANSFORM}/output", output_uri),),
        files={f"{_TRANSFORM}/config.json": json.dumps(config)},
        words=module_command("kinoloom.pipelines.serving.main"),
        env={**(served[0].env if len(served) == 1 else {}), "SAGEMAKER_BATCH": "true"},
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


@dataclass(frozen=True)
class _Places:
    """The paths of a container's model and code in the job."""

    model: str
    code: str

    @classmethod
    def of(cls, number: int, count: int) -> _Places:
        """Return the paths; containers that share a job cannot all be at /opt/ml/model."""
        if count == 1:
            return cls(_MODEL, _CODE)
        folder = f"{_TRANSFORM}/containers/{number}"
        return cls(f"{folder}/model", f"{folder}/code")


@dataclass(frozen=True)
class _Served:
    """A container in the job: the path of its model, its variables and its inputs."""

    model: str
    env: dict[str, str]
    inputs: tuple[Input, ...]


def _serve_container(
    container: Mapping[str, Any], more: Mapping[str, Any], places: _Places
) -> _Served:
    if "ModelDataUrl" not in container:
        raise UsageError("The model has no archive (ModelDataUrl), and no image is run locally.")
    env = {key: str(value) for key, value in {**container.get("Environment", {}), **more}.items()}
    inputs = [Input(str(container["ModelDataUrl"]), places.model, archive=True)]
    submitted = env.get("SAGEMAKER_SUBMIT_DIRECTORY", "")
    if submitted.startswith("s3://"):
        inputs.append(Input(submitted, places.code, archive=True))
        env["SAGEMAKER_SUBMIT_DIRECTORY"] = places.code
    elif submitted:
        env["SAGEMAKER_SUBMIT_DIRECTORY"] = submitted.replace(_MODEL, places.model, 1)
    return _Served(places.model, env, tuple(inputs))


def _build_config(arguments: Mapping[str, Any]) -> dict[str, Any]:
    source, output = arguments["TransformInput"], arguments["TransformOutput"]
    processing = arguments.get("DataProcessing", {})
    return {
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


def _is_expression(raw: Any) -> bool:
    try:
        return isinstance(raw, str) and parse_expression(raw) is not None
    except ValueError:
        return False


_FILTER = Scalar("a JSONPath of names, ['keys'], [indices] and [slices]", _is_expression)


@dataclass(frozen=True)
class _TextRecords:
    """A request whose records are text if they are filtered or joined."""

    def check(self, raw: Any, path: str, problems: Problems) -> None:
        """See `Shape.check`."""
        processing = get_member(raw, "DataProcessing")
        split = get_member(raw, "TransformInput").get("SplitType", "None")
        is_plain = processing in ({}, {"JoinSource": "None"})
        if not is_plain and isinstance(split, str) and split not in ("Line", "None"):
            problems.add(
                child_path(path, "DataProcessing"),
                f"needs records of text, SplitType Line or None, not '{split}'",
            )


_SUPPORTED = All(
    (
        Record(
            {
                "TransformInput": Record({"DataSource": Record({"S3DataSource": DATA})}),
                "TransformOutput": Record({"S3OutputPath": Nullable(TARGET)}),
            },
            {"DataProcessing": Record({}, {"InputFilter": _FILTER, "OutputFilter": _FILTER})},
        ),
        _TextRecords(),
    )
)

KINDS = (
    LocalKind(
        "Transform",
        build_job=build_job,
        result=lambda properties, locate: {
            "transform": locate(properties["TransformOutput"]["S3OutputPath"])
        },
        supported=_SUPPORTED,
        notes=note_hosts,
    ),
)
