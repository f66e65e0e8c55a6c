"""Training jobs in script mode, as the service's training toolkit runs them in its images.

The script runs as `python3 <program> --name value ...` in /opt/ml/code, with the SM_ variables.

Source: aws/sagemaker-training-toolkit, ENVIRONMENT_VARIABLES.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.local.jobs.job import (
    Input,
    Job,
    Output,
    Restarts,
    check_place,
    resource_config,
    time_limit,
)
from kinoloom.pipelines.local.jobs.mounts import ML

CODE = f"{ML}/code"
_DATA = f"{ML}/output/data"


def training_job(arguments: Mapping[str, Any], name: str, arn: str) -> Job:
    """Return the job of a request.

    Args:
        arguments: The resolved request.
        name, arn: The job's name and ARN.

    Raises:
        UsageError: The code is in a channel that does not exist.
    """
    machine = arguments.get("ResourceConfig", {})
    algorithm = arguments.get("AlgorithmSpecification", {})
    hyperparameters = {
        key: str(value) for key, value in arguments.get("HyperParameters", {}).items()
    }
    decoded = {key: decode_parameter(value) for key, value in hyperparameters.items()}
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
        inputs=_build_inputs([_build_channel(one) for one in listed], decoded),
        outputs=(
            Output("model", f"{ML}/model", model_uri, "model.tar.gz"),
            Output("data", _DATA, f"{output}/output.tar.gz", "output.tar.gz", optional=True),
        ),
        files=_config_files(names, hyperparameters, instance_type),
        words=tuple(_build_command(algorithm, decoded, own)),
        env={
            **_build_variables(names, decoded, own),
            **arguments.get("Environment", {}),
            "TRAINING_JOB_NAME": name,
        },
        cwd=CODE,
        limit_s=time_limit(arguments),
        instance_type=instance_type,
        properties={
            **arguments,
            "TrainingJobName": name,
            "TrainingJobArn": arn,
            "TrainingJobStatus": "Completed",
            "ModelArtifacts": {"S3ModelArtifacts": model_uri},
        },
        checkpoints=_find_checkpoints(arguments),
        restarts=_find_restarts(arguments),
        metrics={one["Name"]: one["Regex"] for one in algorithm.get("MetricDefinitions", ())},
    )


def _build_inputs(channels: list[Input], decoded: Mapping[str, Any]) -> tuple[Input, ...]:
    if "sagemaker_submit_directory" not in decoded:
        return tuple(channels)
    uri = _find_code(str(decoded["sagemaker_submit_directory"]), channels)
    return (*channels, Input(uri, CODE, archive=True))


def _find_code(directory: str, channels: list[Input]) -> str:
    """Return the address of the code, which a job without a network gets in a channel.

    Raises:
        UsageError: The channel does not exist.
    """
    if "://" in directory:
        return directory
    path = PurePosixPath(directory)
    for channel in channels:
        if path.is_relative_to(channel.place):
            inner = path.relative_to(channel.place).as_posix()
            is_file = channel.uri.endswith(f"/{inner}")
            return channel.uri if is_file else f"{channel.uri.rstrip('/')}/{inner}"
    raise UsageError(f"sagemaker_submit_directory '{directory}' is in no channel of the job.")


def _config_files(
    channels: list[str], hyperparameters: Mapping[str, str], instance_type: str
) -> dict[str, str]:
    """Return the texts of the configuration files by path."""
    data = {channel: {"TrainingInputMode": "File"} for channel in channels}
    config = f"{ML}/input/config"
    return {
        f"{config}/hyperparameters.json": json.dumps(hyperparameters),
        f"{config}/inputdataconfig.json": json.dumps(data),
        f"{config}/resourceconfig.json": resource_config(instance_type),
    }


def _build_command(
    algorithm: Mapping[str, Any], decoded: Mapping[str, Any], own: Mapping[str, Any]
) -> list[str]:
    entry = algorithm.get("ContainerEntrypoint")
    if entry:
        return [str(word) for word in (*entry, *algorithm.get("ContainerArguments", ()))]
    program = str(decoded["sagemaker_program"])
    runner = "sh" if program.endswith(".sh") else "python3"
    return [runner, check_place(f"{CODE}/{program}"), *_build_flags(own)]


def _build_flags(own: Mapping[str, Any]) -> list[str]:
    """Return hyper-parameters as arguments: --name value, or -n value for names of one letter."""
    words = []
    for name, value in own.items():
        words += [f"-{name}" if len(name) == 1 else f"--{name}", str(value)]
    return words


def _build_variables(
    channels: list[str], decoded: Mapping[str, Any], own: Mapping[str, Any]
) -> dict[str, str]:
    program = str(decoded.get("sagemaker_program", ""))
    variables = {
        "SM_MODEL_DIR": f"{ML}/model",
        "SM_OUTPUT_DIR": f"{ML}/output",
        "SM_OUTPUT_DATA_DIR": _DATA,
        "SM_INPUT_DIR": f"{ML}/input",
        "SM_INPUT_CONFIG_DIR": f"{ML}/input/config",
        "SM_CHANNELS": json.dumps(channels),
        "SM_HPS": json.dumps(own),
        "SM_USER_ARGS": json.dumps(_build_flags(own)),
        "SM_USER_ENTRY_POINT": program,
        "SM_MODULE_NAME": program.removesuffix(".py"),
        "SM_MODULE_DIR": str(decoded.get("sagemaker_submit_directory", "")),
        "SM_CURRENT_HOST": "algo-1",
        "SM_HOSTS": '["algo-1"]',
        "SM_NETWORK_INTERFACE_NAME": "lo",
        "SM_LOG_LEVEL": str(decoded.get("sagemaker_container_log_level", 20)),
    }
    variables.update({f"SM_CHANNEL_{name.upper()}": f"{ML}/input/data/{name}" for name in channels})
    variables.update({f"SM_HP_{name.upper()}": _format_variable(v) for name, v in own.items()})
    return variables


def _build_channel(one: Mapping[str, Any]) -> Input:
    source = one["DataSource"]["S3DataSource"]
    return Input(
        source["S3Uri"],
        check_place(f"{ML}/input/data/{one['ChannelName']}"),
        in_place=one.get("InputMode", "File") == "FastFile",
        manifest=source["S3DataType"] == "ManifestFile",
    )


def _find_checkpoints(arguments: Mapping[str, Any]) -> dict[str, str]:
    config = arguments.get("CheckpointConfig")
    if config is None:
        return {}
    return {check_place(config.get("LocalPath", f"{ML}/checkpoints").rstrip("/")): config["S3Uri"]}


def _find_restarts(arguments: Mapping[str, Any]) -> Restarts:
    spot = arguments.get("EnableManagedSpotTraining")
    wait_s = arguments.get("StoppingCondition", {}).get("MaxWaitTimeInSeconds")
    max_count = int(arguments.get("RetryStrategy", {}).get("MaximumRetryAttempts", 0))
    return Restarts(max_count, float(wait_s or time_limit(arguments)) if spot else 0)


def decode_parameter(text: str) -> Any:
    """Return a hyper-parameter's value: decoded if it is JSON, otherwise the text itself."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _format_variable(value: Any) -> str:
    """Return a hyper-parameter as a variable: text as it is, null as "", the rest as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, sort_keys=True, separators=(",", ":"))
