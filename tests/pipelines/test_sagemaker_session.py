"""SageMakerSession: against moto, and against stubbed responses where moto has none."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from definition_samples import definition, fail
from moto import mock_aws

from kinoloom.errors import DefinitionError, ExecutionError, UsageError
from kinoloom.pipelines.aws.execution import SageMakerExecution
from kinoloom.pipelines.aws.session import SageMakerSession
from kinoloom.pipelines.builder.pipeline import Pipeline
from kinoloom.pipelines.commands.run import run_file
from kinoloom.pipelines.loading import working_in
from kinoloom.pipelines.options import RunOptions

EXAMPLE = Path(__file__).parents[2] / "examples" / "pipelines" / "abalone"
ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
BUCKET = "sagemaker-us-west-2-123456789012"
ARN = "arn:aws:sagemaker:us-west-2:123456789012:pipeline/p/execution/abcdefabcdef"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A made-up account with an empty bucket."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    with mock_aws():
        place = {"LocationConstraint": "us-west-2"}
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
        yield s3
        s3.close()


@pytest.fixture
def session(aws: Any) -> SageMakerSession:
    return SageMakerSession(role=ROLE, default_bucket=BUCKET)


@pytest.fixture
def stub(session: SageMakerSession) -> Iterator[Stubber]:
    with Stubber(session.sagemaker_client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def execution(session: SageMakerSession) -> SageMakerExecution:
    return SageMakerExecution(session._service, ARN)


def keys(s3: Any) -> list[str]:
    return [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]


def test_the_example_starts_when_one_object_is_changed(aws: Any, tmp_path: Path) -> None:
    text = (EXAMPLE / "pipeline.py").read_text()
    changed = text.replace("import LocalPipelineSession", "import PipelineSession").replace(
        "LocalPipelineSession()", f"PipelineSession(role={ROLE!r})"
    )
    with working_in(EXAMPLE, tmp_path):
        names: dict[str, Any] = {"__name__": "example"}
        exec(changed, names)  # noqa: S102  the example itself, with another session
        pipeline: Pipeline = names["pipeline"]
        first = pipeline.create(ROLE, description="example")
        again = pipeline.upsert(ROLE)
    assert first == again
    made = json.loads(pipeline.describe()["PipelineDefinition"])
    assert [step["Name"] for step in made["Steps"]][-1] == "AbaloneMSECond"
    assert made["Parameters"][0]["DefaultValue"].startswith(f"s3://{BUCKET}/")
    image = made["Steps"][1]["Arguments"]["AlgorithmSpecification"]["TrainingImage"]
    assert image == "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-xgboost:1.5-1"
    codes = [key for key in keys(aws) if "/code/" in key]
    assert {key.rpartition("/")[2] for key in codes} == {
        "preprocessing.py", "evaluation.py", "sourcedir.tar.gz",
    }  # fmt: skip
    execution = pipeline.start({"MseThreshold": 6.5}, execution_display_name="one")
    execution.wait(delay=0)
    assert execution.status == "Succeeded"
    assert {"Name": "MseThreshold", "Value": "6.5"} in execution.list_parameters()
    assert [one.id for one in pipeline.list_executions()] == [execution.id]
    assert json.loads(execution.definition) == made
    with pytest.raises(UsageError, match="already"):
        pipeline.create(ROLE)
    pipeline.delete()
    with pytest.raises(UsageError, match=r"AWS: .*LocalModelPipeline"):
        pipeline.describe()


def test_the_command_runs_a_definition_on_the_service(
    aws: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "small.json"
    file.write_text(json.dumps(definition(fail("Stop"))))
    monkeypatch.setattr(SageMakerExecution, "list_steps", lambda self: [])  # moto has none
    report = run_file(file, RunOptions(session=f"sagemaker:{ROLE}"))
    assert report.data["status"] == "Succeeded"
    assert SageMakerSession().describe_pipeline("small")["RoleArn"] == ROLE
    with pytest.raises(UsageError, match="The session has no role"):
        run_file(file, RunOptions(session="sagemaker", name="other"))
    with pytest.raises(UsageError, match="does not support --session sagemaker"):
        run_file(file, RunOptions(session="sagemaker", resume="abc"))


def test_uploaded_content_is_not_sent_again(
    session: SageMakerSession, aws: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "a").write_text("1")
    (folder / "sub" / "b").write_text("2")
    session.upload(folder, f"s3://{BUCKET}/x")
    assert keys(aws) == ["x/a", "x/sub/b"]
    before = aws.head_object(Bucket=BUCKET, Key="x/a")
    sent = []
    upload_file = session._service.s3.upload_file
    session._service.s3.upload_file = lambda **given: (
        sent.append(given["Key"]) or upload_file(**given)
    )
    (folder / "sub" / "b").write_text("3")
    session.upload(folder, f"s3://{BUCKET}/x")
    assert sent == ["x/sub/b"]
    assert aws.head_object(Bucket=BUCKET, Key="x/a")["ETag"] == before["ETag"]
    assert aws.get_object(Bucket=BUCKET, Key="x/sub/b")["Body"].read() == b"3"
    with pytest.raises(ExecutionError, match="NoSuchBucket"):
        session.upload(b"x", "s3://no-such-bucket-here/x")


def test_objects_are_read_and_listed(session: SageMakerSession) -> None:
    session.upload(b"1", f"s3://{BUCKET}/data/a")
    session.upload(b"2", f"s3://{BUCKET}/data/b")
    assert session.list_objects(f"s3://{BUCKET}/data") == [
        f"s3://{BUCKET}/data/a", f"s3://{BUCKET}/data/b",
    ]  # fmt: skip
    assert session.read_object(f"s3://{BUCKET}/data/b") == b"2"
    with pytest.raises(ExecutionError, match="NoSuchKey"):
        session.read_object(f"s3://{BUCKET}/none")


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
@pytest.mark.parametrize("name", [None, "my-own-bucket"])
def test_the_default_bucket_is_created(
    aws: Any, monkeypatch: pytest.MonkeyPatch, region: str, name: str | None
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    session = SageMakerSession(role=ROLE, default_bucket=name)
    bucket = session.default_bucket()
    assert bucket == (name or f"sagemaker-{region}-123456789012")
    session.upload(b"x", f"s3://{bucket}/x")
    assert aws.get_bucket_location(Bucket=bucket)["LocationConstraint"] in (region, None)
    again = SageMakerSession(role=ROLE, default_bucket=name)
    assert again.default_bucket() == bucket
    assert aws.get_object(Bucket=bucket, Key="x")["Body"].read() == b"x"


def test_a_bucket_of_another_account_is_rejected(session: SageMakerSession) -> None:
    with Stubber(session._service.s3) as stubber:
        stubber.add_client_error("head_bucket", "403", "Forbidden")
        with pytest.raises(ExecutionError, match="cannot be used") as caught:
            session.default_bucket()
    assert "another account" in str(caught.value)


def test_a_long_definition_goes_to_s3(session: SageMakerSession, aws: Any) -> None:
    long = json.dumps(definition(*[fail(f"F{k}", "x" * 400) for k in range(300)]))
    session.put_pipeline("Long", long)
    (key,) = keys(aws)
    assert aws.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode() == long
    with pytest.raises(DefinitionError):
        session.put_pipeline("Bad", "{}")


def test_missing_settings_are_reported(aws: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    session = SageMakerSession()
    assert session.default_bucket() == "sagemaker-us-west-2-123456789012"
    with pytest.raises(UsageError, match="The session has no role"):
        session.put_pipeline("P", json.dumps(definition(fail("F"))))
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(UsageError, match="No AWS region"):
        SageMakerSession()


def step(name: str, status: str = "Succeeded", **metadata: Any) -> dict[str, Any]:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return {"StepName": name, "StepStatus": status, "StartTime": moment, "Metadata": metadata}


def test_steps_come_in_pages(stub: Stubber, execution: SageMakerExecution) -> None:
    asked = {"PipelineExecutionArn": ARN, "SortOrder": "Ascending"}
    pages = [
        ({"PipelineExecutionSteps": [step("A")], "NextToken": "more"}, asked),
        ({"PipelineExecutionSteps": [step("B")]}, {**asked, "NextToken": "more"}),
    ]
    for answer, expected in pages:
        stub.add_response("list_pipeline_execution_steps", answer, expected)
    assert [one["StepName"] for one in execution.list_steps()] == ["A", "B"]


def test_stop_and_retry_are_asked_of_the_service(
    stub: Stubber, execution: SageMakerExecution
) -> None:
    for verb in ("stop_pipeline_execution", "retry_pipeline_execution"):
        stub.add_response(verb, {"PipelineExecutionArn": ARN})
    execution.stop()
    execution.retry()


def test_wait_ends_with_the_execution(stub: Stubber, execution: SageMakerExecution) -> None:
    for status in ("Executing", "Stopped"):
        stub.add_response("describe_pipeline_execution", {"PipelineExecutionStatus": status})
    with pytest.raises(ExecutionError, match="abcdefabcdef stopped"):
        execution.wait(delay=0)
    stub.add_response("describe_pipeline_execution", {"PipelineExecutionStatus": "Executing"})
    with pytest.raises(ExecutionError, match="did not finish within 0 s"):
        execution.wait(delay=0, max_attempts=1)


def test_results_are_addresses(stub: Stubber, execution: SageMakerExecution) -> None:
    job = "arn:aws:sagemaker:us-west-2:123456789012:training-job/t-1"
    listed = {
        "PipelineExecutionSteps": [
            step("T", TrainingJob={"Arn": job}),
            step("C", Condition={"Outcome": "False"}),
            step("L", Lambda={"OutputParameters": [{"Name": "a", "Value": "1"}]}),
        ]
    }
    over = {"PipelineExecutionStatus": "Succeeded"}

    def answers(looks: int) -> None:
        stub.add_response("describe_pipeline_execution", over)
        for _ in range(looks):
            stub.add_response("list_pipeline_execution_steps", listed)

    answers(2)
    described = {
        "TrainingJobName": "t-1", "TrainingJobArn": job, "TrainingJobStatus": "Completed",
        "ModelArtifacts": {"S3ModelArtifacts": "s3://b/model.tar.gz"},
        "SecondaryStatus": "Completed", "StoppingCondition": {}, "CreationTime": 0,
        "ResourceConfig": {"VolumeSizeInGB": 1},
        "AlgorithmSpecification": {"TrainingInputMode": "File"},
    }  # fmt: skip
    stub.add_response("describe_training_job", described, {"TrainingJobName": "t-1"})
    assert execution.result("T") == {"model": "s3://b/model.tar.gz"}
    answers(2)
    assert execution.result("C") is False
    answers(2)
    assert execution.result("L") == {"a": "1"}
    stub.add_response("list_pipeline_execution_steps", listed)
    with pytest.raises(UsageError, match="No step 'X' has started"):
        execution.logs("X")
    stub.add_client_error("describe_pipeline_execution", "ThrottlingException", "slow down")
    with pytest.raises(ExecutionError, match="ThrottlingException: slow down"):
        execution.describe()


def test_logs_come_from_cloudwatch(
    stub: Stubber, execution: SageMakerExecution, session: SageMakerSession
) -> None:
    logs = session.boto_session.client("logs")
    group, stream = "/aws/sagemaker/ProcessingJobs", "p-1/algo-1"
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    now = int(datetime.now(UTC).timestamp() * 1000)
    events = [{"timestamp": now + k, "message": f"line {k}"} for k in range(2)]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
    arn = "arn:aws:sagemaker:us-west-2:123456789012:processing-job/p-1"
    listed = {"PipelineExecutionSteps": [step("P", ProcessingJob={"Arn": arn})]}
    stub.add_response("list_pipeline_execution_steps", listed)
    assert execution.logs("P") == "line 0\nline 1\n"
