"""Training jobs in script mode: what the service's training toolkit does inside its images.

The script is run as `python3 <program> --name value ...` in /opt/ml/code, with the SM_ variables.
Source: aws/sagemaker-training-toolkit, ENVIRONMENT_VARIABLES.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.local.jobs import (
    Again,
    Input,
    Job,
    Output,
    limit_of,
    only,
    place,
    resource_config,
)
from kinoloom.pipelines.local.mounts import ML

_CODE = f"{ML}/code"
_DATA = f"{ML}/output/data"


def training_job(arguments: Mapping[str, Any], name: str, arn: str) -> Job:
    """The job of a Training step.

    Args:
        arguments: the request, resolved.
        name, arn: of the job.

    Raises:
        UsageError: it asks for what a LocalSession cannot do.
    """
    machine = arguments.get("ResourceConfig", {})
    only(int(machine.get("InstanceCount", 1)), 1, "InstanceCount")
    algorithm = arguments.get("AlgorithmSpecification", {})
    _files_only(algorithm.get("TrainingInputMode", "File"), "TrainingInputMode")
    given = {key: str(value) for key, value in arguments.get("HyperParameters", {}).items()}
    decoded = {key: _decoded(value) for key, value in given.items()}
    own = {key: value for key, value in decoded.items() if not key.startswith("sagemaker_")}
    listed = arguments.get("InputDataConfig", ())
    names = [str(one["ChannelName"]) for one in listed]
    output = f"{arguments['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{name}/output"
    model_uri = f"{output}/model.tar.gz"
    instance_type = str(machine.get("InstanceType", ""))
    return Job(
        kind="Training",
        name=name,
        arguments=arguments,
        inputs=_inputs([_channel(one) for one in listed], decoded),
        outputs=(
            Output("model", f"{ML}/model", model_uri, "model.tar.gz"),
            Output("data", _DATA, f"{output}/output.tar.gz", "output.tar.gz", optional=True),
        ),
        files=_told_files(names, given, instance_type),
        words=tuple(_words(algorithm, decoded, own)),
        env={
            **_variables(names, decoded, own),
            **arguments.get("Environment", {}),
            "TRAINING_JOB_NAME": name,
        },
        cwd=_CODE,
        limit_s=limit_of(arguments),
        instance_type=instance_type,
        properties={
            **arguments,
            "TrainingJobName": name,
            "TrainingJobArn": arn,
            "TrainingJobStatus": "Completed",
            "ModelArtifacts": {"S3ModelArtifacts": model_uri},
        },
        kept=_checkpoints(arguments),
        again=_again(arguments),
        metrics={one["Name"]: one["Regex"] for one in algorithm.get("MetricDefinitions", ())},
    )


def _inputs(channels: list[Input], decoded: Mapping[str, Any]) -> tuple[Input, ...]:
    made = list(channels)
    if "sagemaker_submit_directory" in decoded:
        made.append(Input(str(decoded["sagemaker_submit_directory"]), _CODE, archive=True))
    return tuple(made)


def _told_files(
    channels: list[str], given: Mapping[str, str], instance_type: str
) -> dict[str, str]:
    """What the service tells a job in files."""
    data = {channel: {"TrainingInputMode": "File"} for channel in channels}
    config = f"{ML}/input/config"
    return {
        f"{config}/hyperparameters.json": json.dumps(given),
        f"{config}/inputdataconfig.json": json.dumps(data),
        f"{config}/resourceconfig.json": resource_config(instance_type),
    }


def _words(
    algorithm: Mapping[str, Any], decoded: Mapping[str, Any], own: Mapping[str, Any]
) -> list[str]:
    entry = algorithm.get("ContainerEntrypoint")
    if entry:
        return [str(word) for word in (*entry, *algorithm.get("ContainerArguments", ()))]
    program = decoded.get("sagemaker_program")
    if not isinstance(program, str) or "sagemaker_submit_directory" not in decoded:
        raise UsageError(
            "A Training step needs a script here (sagemaker_program and "
            "sagemaker_submit_directory) or a ContainerEntrypoint: no image is run."
        )
    runner = "sh" if program.endswith(".sh") else "python3"
    return [runner, place(f"{_CODE}/{program}"), *_flags(own)]


def _flags(own: Mapping[str, Any]) -> list[str]:
    """Hyper-parameters as the script's arguments: --name value, or -n value for one letter."""
    words = []
    for name, value in own.items():
        words += [f"-{name}" if len(name) == 1 else f"--{name}", _text(value)]
    return words


def _variables(
    channels: list[str], decoded: Mapping[str, Any], own: Mapping[str, Any]
) -> dict[str, str]:
    program = str(decoded.get("sagemaker_program", ""))
    made = {
        "SM_MODEL_DIR": f"{ML}/model",
        "SM_OUTPUT_DIR": f"{ML}/output",
        "SM_OUTPUT_DATA_DIR": _DATA,
        "SM_INPUT_DIR": f"{ML}/input",
        "SM_INPUT_CONFIG_DIR": f"{ML}/input/config",
        "SM_CHANNELS": json.dumps(channels),
        "SM_HPS": json.dumps(own),
        "SM_USER_ARGS": json.dumps(_flags(own)),
        "SM_USER_ENTRY_POINT": program,
        "SM_MODULE_NAME": program.removesuffix(".py"),
        "SM_MODULE_DIR": str(decoded.get("sagemaker_submit_directory", "")),
        "SM_CURRENT_HOST": "algo-1",
        "SM_HOSTS": '["algo-1"]',
        "SM_NETWORK_INTERFACE_NAME": "lo",
        "SM_LOG_LEVEL": str(decoded.get("sagemaker_container_log_level", 20)),
    }
    made.update({f"SM_CHANNEL_{name.upper()}": f"{ML}/input/data/{name}" for name in channels})
    made.update({f"SM_HP_{name.upper()}": _variable(value) for name, value in own.items()})
    return made


def _channel(one: Mapping[str, Any]) -> Input:
    if "S3DataSource" not in one["DataSource"]:
        raise UsageError(f"The channel '{one['ChannelName']}' is no S3DataSource.")
    source = one["DataSource"]["S3DataSource"]
    only(source["S3DataType"], "S3Prefix", "S3DataType")
    where = place(f"{ML}/input/data/{one['ChannelName']}")
    mode = one.get("InputMode", "File")
    _files_only(mode, "InputMode")
    return Input(source["S3Uri"], where, in_place=mode == "FastFile")


def _files_only(mode: Any, what: str) -> None:
    """FastFile shows files too, only later; a pipe is something else."""
    if mode != "FastFile":
        only(mode, "File", what)


def _checkpoints(arguments: Mapping[str, Any]) -> dict[str, str]:
    config = arguments.get("CheckpointConfig")
    if config is None:
        return {}
    return {place(config.get("LocalPath", f"{ML}/checkpoints").rstrip("/")): config["S3Uri"]}


def _again(arguments: Mapping[str, Any]) -> Again:
    spot = arguments.get("EnableManagedSpotTraining")
    wait_s = arguments.get("StoppingCondition", {}).get("MaxWaitTimeInSeconds")
    most = int(arguments.get("RetryStrategy", {}).get("MaximumRetryAttempts", 0))
    return Again(most, float(wait_s or limit_of(arguments)) if spot else 0)


def _decoded(text: str) -> Any:
    """What a hyper-parameter means: JSON where it is JSON, else the text itself."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _variable(value: Any) -> str:
    """A hyper-parameter as a variable: text as it is, null as "", anything else as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, sort_keys=True, separators=(",", ":"))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)
