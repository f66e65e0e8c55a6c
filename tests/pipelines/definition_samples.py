"""Small definitions for tests, as plain JSON values."""

import re
from typing import Any

ROLE = "arn:aws:iam::123456789012:role/Any"

# Counts its beginnings in its checkpoints, is killed in the first two, and writes a model.
COUNT = """
import os, signal
ml = os.environ["KINOLOOM_ML_ROOT"]
place = ml + "/checkpoints/count"
count = int(open(place).read()) + 1 if os.path.exists(place) else 1
open(place, "w").write(str(count))
print("beginning", count, flush=True)
if count < 3:
    os.kill(os.getpid(), signal.SIGKILL)
open(ml + "/model/count", "w").write(str(count))
"""


def replaced(value: Any, *rules: tuple[str, str]) -> Any:
    """JSON with regular expressions replaced in all of its texts."""
    if isinstance(value, dict):
        return {key: replaced(item, *rules) for key, item in value.items()}
    if isinstance(value, list):
        return [replaced(item, *rules) for item in value]
    if isinstance(value, str):
        for pattern, text in rules:
            value = re.sub(pattern, text, value)
    return value


def get(text: str) -> dict[str, Any]:
    return {"Get": text}


def join(on: str, *values: Any) -> dict[str, Any]:
    return {"Std:Join": {"On": on, "Values": list(values)}}


def json_get(step: str, file: str, path: str) -> dict[str, Any]:
    place = get(f"Steps.{step}.PropertyFiles.{file}")
    return {"Std:JsonGet": {"PropertyFile": place, "Path": path}}


def definition(*steps: dict[str, Any], parameters: Any = ()) -> dict[str, Any]:
    return {
        "Version": "2020-12-01",
        "Metadata": {},
        "Parameters": list(parameters),
        "PipelineExperimentConfig": None,
        "Steps": list(steps),
    }


def lambda_step(name: str, *needs: str, **arguments: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "Name": name,
        "Type": "Lambda",
        "Arguments": arguments,
        "FunctionArn": "arn:aws:lambda:us-west-2:123456789012:function:f",
        "OutputParameters": [{"OutputName": "answer", "OutputType": "Integer"}],
    }
    return {**made, "DependsOn": list(needs)} if needs else made


def fail(name: str, message: Any = "no") -> dict[str, Any]:
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": message}}


def equals(left: Any, right: Any) -> dict[str, Any]:
    return {"Type": "Equals", "LeftValue": left, "RightValue": right}


def condition(
    name: str, *conditions: dict[str, Any], then: Any = (), otherwise: Any = ()
) -> dict[str, Any]:
    return {
        "Name": name,
        "Type": "Condition",
        "Arguments": {
            "Conditions": list(conditions),
            "IfSteps": list(then),
            "ElseSteps": list(otherwise),
        },
    }


def processing(
    name: str,
    *,
    entrypoint: Any = ("python3", "-c", "pass"),
    inputs: dict[str, Any] | None = None,
    outputs: tuple[str, ...] = (),
    **more: Any,
) -> dict[str, Any]:
    """A Processing step; inputs are name: address, outputs land below s3://bucket/out."""
    arguments: dict[str, Any] = {
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceType": "ml.m5.large",
                "InstanceCount": 1,
                "VolumeSizeInGB": 30,
            }
        },
        "AppSpecification": {"ImageUri": "any", "ContainerEntrypoint": list(entrypoint)},
        "RoleArn": ROLE,
        "ProcessingInputs": [_input(key, uri) for key, uri in (inputs or {}).items()],
        "ProcessingOutputConfig": {"Outputs": [_output(name, output) for output in outputs]},
    }
    words = {key: value for key, value in more.items() if key in _STEP_WORDS}
    arguments.update({key: value for key, value in more.items() if key not in _STEP_WORDS})
    return {"Name": name, "Type": "Processing", "Arguments": arguments, **words}


_STEP_WORDS = ("DependsOn", "CacheConfig", "RetryPolicies", "PropertyFiles")


def training(**more: Any) -> dict[str, Any]:
    """A Training step "T" that is killed twice and keeps count in its checkpoints."""
    arguments = {
        "AlgorithmSpecification": {
            "TrainingImage": "any",
            "TrainingInputMode": "FastFile",
            "ContainerEntrypoint": ["python3", "-S", "-c", COUNT],
        },
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/models"},
        "CheckpointConfig": {"S3Uri": "s3://bucket/checkpoints"},
        "RoleArn": "any",
        **more,
    }
    return {"Name": "T", "Type": "Training", "Arguments": arguments}


def _input(name: str, uri: Any) -> dict[str, Any]:
    return {
        "InputName": name,
        "AppManaged": False,
        "S3Input": {
            "S3Uri": uri,
            "LocalPath": f"/opt/ml/processing/{name}",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
            "S3CompressionType": "None",
        },
    }


def _output(step: str, name: str) -> dict[str, Any]:
    uri = join("/", "s3://bucket/out", get("Execution.PipelineExecutionId"), step, name)
    return {
        "OutputName": name,
        "AppManaged": False,
        "S3Output": {
            "S3Uri": uri,
            "LocalPath": f"/opt/ml/processing/out/{name}",
            "S3UploadMode": "EndOfJob",
        },
    }
