"""Models, packages and their approval; Transform steps; changed archives are rejected."""

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from definition_samples import ROLE, definition, get

from kinoloom.errors import ExecutionError, UsageError
from kinoloom.pipelines.local.execution import LocalExecution
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.pipelines.local.storage.models import Origin

SCRIPT = """
import os
def model_fn(d): return float(open(d + "/factor").read())
def input_fn(body, kind): return [float(x) for x in body.split()]
def predict_fn(rows, m): return [m * r + float(os.environ.get("PLUS", 0)) for r in rows]
def output_fn(rows, accept): return "\\n".join(f"{r:g}" for r in rows) + "\\n"
"""


@pytest.fixture
def session(tmp_path: Path) -> LocalSession:
    session = LocalSession(tmp_path / "root")
    session.upload(archive(tmp_path, "3"), "s3://in/model.tar.gz")
    session.upload(b"1\n2\n4\n", "s3://in/data/rows.csv")
    return session


def archive(folder: Path, factor: str) -> Path:
    code = folder / "made" / "code"
    code.mkdir(parents=True, exist_ok=True)
    (code / "inference.py").write_text(SCRIPT)
    (code.parent / "factor").write_text(factor)
    with tarfile.open(folder / "model.tar.gz", "w:gz") as tar:
        tar.add(code.parent, ".")
    return folder / "model.tar.gz"


CONTAINER = {
    "Image": "any",
    "ModelDataUrl": "s3://in/model.tar.gz",
    "Environment": {
        "SAGEMAKER_PROGRAM": "inference.py",
        "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
    },
}


def model(container: Any = None) -> dict[str, Any]:
    arguments = {"ExecutionRoleArn": ROLE, "PrimaryContainer": container or CONTAINER}
    return {"Name": "M", "Type": "Model", "Arguments": arguments}


def transform(**more: Any) -> dict[str, Any]:
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://in/data"}}
    arguments = {
        "ModelName": get("Steps.M.ModelName"),
        "TransformInput": {"DataSource": source, "ContentType": "text/csv", "SplitType": "Line"},
        "TransformOutput": {"S3OutputPath": "s3://out/t", "AssembleWith": "Line"},
        "TransformResources": {"InstanceCount": 1, "InstanceType": "any"},
    }
    return {"Name": "T", "Type": "Transform", "Arguments": {**arguments, **more}}


def register(family: str = "Family", **more: Any) -> dict[str, Any]:
    arguments = {
        "ModelPackageGroupName": family,
        "InferenceSpecification": {"Containers": [CONTAINER]},
        **more,
    }
    kept = {key: value for key, value in arguments.items() if value is not None}
    return {"Name": "R", "Type": "RegisterModel", "Arguments": kept}


def start(session: LocalSession, *steps: dict[str, Any]) -> LocalExecution:
    session.put_pipeline("Models", json.dumps(definition(*steps)))
    execution = session.start("Models")
    execution.join()
    return execution


def test_a_transform_applies_the_model_to_every_file(session: LocalSession) -> None:
    session.upload(b"10\n", "s3://in/data/more/b.csv")
    done = start(session, model(), transform(Environment={"PLUS": "1"}))
    done.wait()
    folder = done.result("T")["transform"]
    assert (folder / "rows.csv.out").read_text() == "4\n7\n13\n"
    assert (folder / "more" / "b.csv.out").read_text() == "31\n"
    assert done.result("M")["ModelName"] == f"pipelines-{done.id}-M"
    again = start(session, transform(Environment={"PLUS": "1"}), model())
    told = {step["StepName"]: step.get("CacheExplanation", "") for step in again.list_steps()}
    assert told["T"].startswith("cache hit"), "the model's name changed, not its content"
    arns = {step["StepName"]: step["Metadata"] for step in again.list_steps()}
    assert arns["T"]["TransformJob"]["Arn"].endswith(f"transform-job/pipelines-{again.id}-T")


def test_records_are_filtered_and_joined_in_the_child(session: LocalSession) -> None:
    processing = {"InputFilter": "$[0]", "JoinSource": "Input", "OutputFilter": "$[1]"}
    done = start(session, model(), transform(DataProcessing=processing))
    done.wait()
    assert (done.result("T")["transform"] / "rows.csv.out").read_text() == "3\n6\n12\n"


def test_a_script_next_to_the_archive_is_used(session: LocalSession, tmp_path: Path) -> None:
    (tmp_path / "inference.py").write_text(SCRIPT.replace("m * r", "m - r"))
    with tarfile.open(tmp_path / "source.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "inference.py", "inference.py")
    session.upload(tmp_path / "source.tar.gz", "s3://in/code/sourcedir.tar.gz")
    env = {**CONTAINER["Environment"],  # type: ignore[dict-item]
           "SAGEMAKER_SUBMIT_DIRECTORY": "s3://in/code/sourcedir.tar.gz"}  # fmt: skip
    done = start(session, model({**CONTAINER, "Environment": env}), transform())
    done.wait()
    assert (done.result("T")["transform"] / "rows.csv.out").read_text() == "2\n1\n-1\n"


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ((model({**CONTAINER, "ModelDataUrl": "s3://in/gone"}),), "s3://in/gone does not exist"),
        ((model({"Image": "any"}), transform()), "has no archive"),
        ((register(ModelPackageGroupName=None),), "needs a ModelPackageGroupName"),
    ],
)  # fmt: skip
def test_unsupported_requests_fail_their_step(
    session: LocalSession, steps: tuple[dict[str, Any], ...], reason: str
) -> None:
    assert reason in start(session, *steps).describe()["FailureReason"]


def test_a_script_that_raises_fails_its_step_with_its_last_lines(
    session: LocalSession,
) -> None:
    session.upload(b"one\n", "s3://in/data/rows.csv")
    reason = start(session, model(), transform()).describe()["FailureReason"]
    assert "could not convert string to float: 'one'" in reason


def test_packages_have_versions_metrics_and_a_history(session: LocalSession) -> None:
    session.upload(b'{"rmse": 2}', "s3://in/metrics.json")
    source = {"ContentType": "application/json", "S3Uri": "s3://in/metrics.json"}
    metrics = {"ModelQuality": {"Statistics": source}, "Bias": {}}
    first = start(session, register(ModelMetrics=metrics))
    assert first.result("R")["ModelPackageVersion"] == 1
    assert first.result("R")["ModelApprovalStatus"] == "PendingManualApproval"
    assert first.result("R")["ModelPackageArn"].endswith(":model-package/family/1")
    start(session, register(ModelApprovalStatus="Approved")).wait()
    rows = session.models.list_packages("Family")
    assert [(row["version"], row["approval"]) for row in rows] == [
        (2, "Approved"), (1, "PendingManualApproval"),
    ]  # fmt: skip
    assert rows[1]["metrics"] == {"ModelQuality.Statistics": {"rmse": 2}}
    session.models.approve("Family", 1, "Rejected", "too slow")
    session.models.approve("Family", 1, "Approved", "fast enough")
    assert session.models.get_package("Family", 1)["approval"] == "Approved"
    told = [(line["status"], line["reason"]) for line in session.models.list_approvals("Family", 1)]
    assert told == [
        ("PendingManualApproval", "registered"), ("Rejected", "too slow"),
        ("Approved", "fast enough"),
    ]  # fmt: skip
    with pytest.raises(UsageError, match=r"Model Family:3 does not exist; versions: 2, 1"):
        session.models.approve("Family", 3, "Approved")
    with pytest.raises(UsageError, match="not 'Yes'"):
        session.models.approve("Family", 1, "Yes")


def test_a_repeated_step_registers_once(session: LocalSession) -> None:
    origin = Origin("abc", "R", "arn:x")
    arguments = register()["Arguments"]
    made = [session.models.register(arguments, origin) for _ in range(2)]
    assert made[0] == made[1]
    assert len(session.models.list_packages("Family")) == 1


def test_a_package_without_a_group_is_unique(session: LocalSession) -> None:
    alone = register(ModelPackageGroupName=None, ModelPackageName="Alone")
    assert start(session, alone).result("R")["ModelPackageArn"].endswith(":model-package/alone")
    assert "Package 'Alone' already exists" in start(session, alone).describe()["FailureReason"]


def test_only_an_approved_unchanged_package_becomes_a_model(
    session: LocalSession, tmp_path: Path
) -> None:
    arn = start(session, register()).result("R")["ModelPackageArn"]
    of_package = model({"ModelPackageName": arn})
    refused = start(session, of_package, transform())
    assert "it is PendingManualApproval" in refused.describe()["FailureReason"]
    session.models.approve("Family", 1, "Approved")
    done = start(session, of_package, transform())
    done.wait()
    assert (done.result("T")["transform"] / "rows.csv.out").read_text() == "3\n6\n12\n"
    session.upload(archive(tmp_path, "4"), "s3://in/model.tar.gz")
    reason = start(session, of_package).describe()["FailureReason"]
    assert "of package arn" in reason
    assert "was changed" in reason
    with pytest.raises(ExecutionError, match="was changed"):
        session.models.containers(f"pipelines-{done.id}-M")
