"""`@step` on SageMaker: the image, and a job that has only what was uploaded (against moto)."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from kinoloom.errors import UsageError
from kinoloom.pipelines import Pipeline, SageMakerSession, step
from kinoloom.pipelines.aws import images

ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
BUCKET = "sagemaker-eu-west-1-123456789012"
VERSION = "".join(str(part) for part in sys.version_info[:2])
HELPER = """
class Word:
    def __init__(self, text):
        self.text = text
"""


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[SageMakerSession]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        yield SageMakerSession(role=ROLE, default_bucket=BUCKET)


def download(uri: str, folder: Path) -> None:
    """What the service does with an input: every object below an address."""
    prefix = uri.removeprefix(f"s3://{BUCKET}/")
    s3 = boto3.client("s3")
    for item in s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]:
        file = folder / item["Key"].removeprefix(prefix).lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        s3.download_file(BUCKET, item["Key"], str(file))


def run_job(step: dict[str, Any], ml: Path) -> None:
    """Run a job's command without any package, not even cloudpickle."""
    for one in step["Arguments"]["ProcessingInputs"]:
        if isinstance(one["S3Input"]["S3Uri"], str):
            place = one["S3Input"]["LocalPath"].removeprefix("/opt/ml/")
            download(one["S3Input"]["S3Uri"], ml / place)
    (ml / "processing" / "result").mkdir(parents=True)
    words = step["Arguments"]["AppSpecification"]["ContainerEntrypoint"]
    script = words[1].replace("/opt/ml", str(ml))
    subprocess.run(
        [sys.executable, "-S", script], check=True, env={"KINOLOOM_ML_ROOT": str(ml)}, timeout=60
    )


def test_a_job_has_all_it_needs_in_a_real_image(
    session: SageMakerSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "_TAGS", {sys.version_info[:2]: f"2.5.1-cpu-py{VERSION}"})
    (tmp_path / "word_helper.py").write_text(HELPER)
    monkeypatch.syspath_prepend(tmp_path)
    import word_helper

    @step(name="Say")
    def say() -> Any:
        path = Path(sys.path[0]).parent / "said.txt"
        path.write_text("yes")
        return word_helper.Word("hello"), path

    pipeline = Pipeline("P", steps=[say()], sagemaker_session=session)
    pipeline.upsert()
    (compiled,) = json.loads(pipeline.describe()["PipelineDefinition"])["Steps"]
    image = compiled["Arguments"]["AppSpecification"]["ImageUri"]
    registry = "763104351884.dkr.ecr.eu-west-1.amazonaws.com/pytorch-training:"
    assert image.startswith(registry)
    assert image.endswith(f"-cpu-py{VERSION}")
    cluster = compiled["Arguments"]["ProcessingResources"]["ClusterConfig"]
    assert cluster["InstanceType"] == "ml.m5.large"
    run_job(compiled, tmp_path / "ml")

    content = (tmp_path / "ml" / "processing" / "result" / "result.pkl").read_bytes()
    address = f"s3://{BUCKET}/out/result"
    boto3.client("s3").upload_fileobj(io.BytesIO(content), BUCKET, "out/result/result.pkl")
    arn = "arn:aws:sagemaker:eu-west-1:123456789012:processing-job/j"
    described = {
        "AppSpecification": compiled["Arguments"]["AppSpecification"],
        "ProcessingOutputConfig": {
            "Outputs": [{"OutputName": "result", "S3Output": {"S3Uri": address}}]
        },
    }
    execution = pipeline.start()
    answers: dict[str, Any] = {
        "list_pipeline_execution_steps": {
            "PipelineExecutionSteps": [
                {"StepName": "Say", "Metadata": {"ProcessingJob": {"Arn": arn}}}
            ]
        },
        "describe_processing_job": described,
    }
    for method, answer in answers.items():  # moto has no such steps
        monkeypatch.setattr(session.sagemaker_client, method, lambda answer=answer, **_: answer)
    word, path = execution.result("Say")
    assert word.text == "hello"
    assert path == f"{address}/files/0-said.txt"


def test_the_image_and_the_machine_can_be_chosen(
    session: SageMakerSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compiled(**settings: Any) -> dict[str, Any]:
        call = step(lambda: 1, name="One", **settings)()
        pipeline = Pipeline("P", steps=[call], sagemaker_session=session)
        arguments: dict[str, Any] = json.loads(pipeline.definition())["Steps"][0]["Arguments"]
        return arguments

    arguments = compiled(image_uri="mine", instance_type="ml.c5.xlarge")
    assert arguments["AppSpecification"]["ImageUri"] == "mine"
    cluster = arguments["ProcessingResources"]["ClusterConfig"]
    assert cluster["InstanceType"] == "ml.c5.xlarge"
    monkeypatch.setattr(images, "_TAGS", {(3, 8): "any"})
    with pytest.raises(UsageError, match=r"with Python 3\.\d+: there are images for 3\.8\."):
        compiled()
    monkeypatch.setenv("SAGEMAKER_INTERNAL_IMAGE_URI", "studio")
    assert compiled()["AppSpecification"]["ImageUri"] == "studio"


def test_regions_have_their_registries() -> None:
    assert images.deep_learning_registry("us-east-1").startswith("763104351884.dkr.ecr.us-east-1.")
    china = "727897471807.dkr.ecr.cn-north-1.amazonaws.com.cn"
    assert images.deep_learning_registry("cn-north-1") == china
