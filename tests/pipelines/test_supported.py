"""What a LocalSession cannot run is reported when a pipeline is stored or started, all at once."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
from definition_samples import (
    ROLE,
    condition,
    definition,
    equals,
    get,
    join,
    processing,
    training,
)

from kinoloom.errors import DefinitionError, UsageError
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.pipelines.local.supported import examine_steps, examine_text
from kinoloom.pipelines.options import ValidateOptions
from kinoloom.pipelines.page import definition_report

COUNT = ("Arguments", "ProcessingResources", "ClusterConfig", "InstanceCount")
INPUT = ("Arguments", "ProcessingInputs", 0, "S3Input")
OUTPUT = ("Arguments", "ProcessingOutputConfig", "Outputs", 0, "S3Output")
MODEL = {"Name": "M", "Type": "Model", "Arguments": {"ExecutionRoleArn": ROLE, "Containers": []}}
N = {"Name": "N", "Type": "Integer", "DefaultValue": 2}


@pytest.fixture
def session(tmp_path: Path) -> LocalSession:
    return LocalSession(tmp_path / "root")


def changed(step: dict[str, Any], *changes: tuple[tuple[str | int, ...], Any]) -> dict[str, Any]:
    """A copy of a step with other values at some places; they may be new, None removes one."""
    step = copy.deepcopy(step)
    for place, value in changes:
        found: Any = step
        for key in place[:-1]:
            found = found.setdefault(key, {}) if isinstance(found, dict) else found[key]
        if value is None:
            del found[place[-1]]
        else:
            found[place[-1]] = value
    return step


def channel(**source: Any) -> dict[str, Any]:
    data = {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/in", **source}
    return {"ChannelName": "train", "DataSource": {"S3DataSource": data}}


PREPARE = processing("Prepare", inputs={"in": "s3://bucket/in"}, outputs=("out",))
TRANSFORM = {
    "Name": "Apply",
    "Type": "Transform",
    "Arguments": {
        "ModelName": "m",
        "TransformInput": {"DataSource": {"S3DataSource": {"S3Uri": "s3://bucket/in"}}},
        "TransformOutput": {"S3OutputPath": "s3://bucket/out"},
        "TransformResources": {"InstanceCount": 1, "InstanceType": "any"},
    },
}
TUNING = {
    "Name": "Tune",
    "Type": "Tuning",
    "Arguments": {
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random", "ResourceLimits": {"MaxParallelTrainingJobs": 1},
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
        },
        "TrainingJobDefinition": {
            **training()["Arguments"],
            "AlgorithmSpecification": {
                "TrainingInputMode": "File", "ContainerEntrypoint": ["python3"],
                "MetricDefinitions": [{"Name": "loss", "Regex": "loss=(.*)"}],
            },
        },
    },
}  # fmt: skip
SEVERAL = ("Arguments", "TrainingJobDefinitions")
ONE = TUNING["Arguments"]["TrainingJobDefinition"]  # type: ignore[index]
LARGEST = {"Type": "Maximize", "MetricName": "loss"}
ALGORITHM = ("Arguments", "AlgorithmSpecification")
DATA = ("Arguments", "TransformInput", "DataSource", "S3DataSource")

WRONG = [
    (PREPARE, [((*INPUT, "S3InputMode"), "Pipe")], "S3InputMode: must be File in a LocalSession"),
    (PREPARE, [((*INPUT, "S3CompressionType"), "Gzip")], "S3CompressionType: must be None in a"),
    (PREPARE, [((*INPUT, "LocalPath"), "/opt/ml/../x")], "LocalPath: must be a path below /opt/ml"),
    (PREPARE, [((*INPUT, "LocalPath"), None)], "S3Input: must have 'LocalPath'"),
    (PREPARE, [((*INPUT, "S3Uri"), "s3://bucket/../../etc")], "S3Uri: must be an address s3://"),
    (PREPARE, [((*INPUT, "S3Uri"), "https://x.org/a")], "S3Uri: must be an address s3://"),
    (PREPARE, [((*INPUT, "S3Uri"), join("/", "s3://bucket", get("Execution.PipelineName"), ".."))],
     "S3Uri: must be an address s3://bucket/key within its bucket"),
    (PREPARE, [(INPUT, None)], "ProcessingInputs[0]: must have 'S3Input'"),
    (PREPARE, [((*OUTPUT, "LocalPath"), "/etc")], "LocalPath: must be a path below /opt/ml, not"),
    (PREPARE, [((*OUTPUT, "S3Uri"), "file:///tmp/x")], "S3Uri: must be an address s3://bucket"),
    (PREPARE, [(OUTPUT, None)], "Outputs[0]: must have 'S3Output'"),
    (PREPARE, [(("Arguments", "AppSpecification", "ContainerEntrypoint"), [])],
     "AppSpecification: must have 'ContainerEntrypoint': no image is run locally"),
    (PREPARE, [(COUNT, 3), ((*INPUT, "S3DataDistributionType"), "ShardedByS3Key")],
     "S3DataDistributionType: must be FullyReplicated for 3 hosts, which"),
    (training(), [((*ALGORITHM, "TrainingInputMode"), "Pipe")], "must be File or FastFile in a"),
    (training(), [(("Arguments", "InputDataConfig"), [{**channel(), "InputMode": "Pipe"}])],
     "InputDataConfig[0].InputMode: must be File or FastFile"),
    (training(), [(("Arguments", "InputDataConfig"),
                   [channel(S3DataType="AugmentedManifestFile")])],
     "S3DataType: must be S3Prefix or ManifestFile in a LocalSession"),
    (training(), [(("Arguments", "InputDataConfig"),
                   [{"ChannelName": "a", "DataSource": {"FileSystemDataSource": {}}}])],
     "DataSource: must have 'S3DataSource'"),
    (training(), [(("Arguments", "InputDataConfig"),
                   [channel(S3DataDistributionType="ShardedByS3Key")]),
                  (("Arguments", "ResourceConfig", "InstanceCount"), 2)],
     "InputDataConfig[0].DataSource.S3DataSource.S3DataDistributionType: must be FullyReplicated"),
    (training(), [(("Arguments", "ResourceConfig", "InstanceGroups"), [])],
     "ResourceConfig.InstanceGroups: is not supported by a LocalSession"),
    (training(), [(("Arguments", "CheckpointConfig", "LocalPath"), "/tmp/x")],
     "CheckpointConfig.LocalPath: must be a path below /opt/ml, not '/tmp/x'"),
    (training(), [(("Arguments", "CheckpointConfig", "S3Uri"), "s3://bucket/../x")],
     "CheckpointConfig.S3Uri: must be an address"),
    (training(), [((*ALGORITHM, "ContainerEntrypoint"), None)],
     "Arguments.HyperParameters: must have a script (sagemaker_program and"),
    (training(), [((*ALGORITHM, "ContainerEntrypoint"), None),
                  (("Arguments", "HyperParameters"), {"sagemaker_program": '"../../x.py"',
                   "sagemaker_submit_directory": '"s3://bucket/../x"'})],
     "HyperParameters.sagemaker_submit_directory: must be an address"),
    (TRANSFORM, [((*DATA, "S3DataType"), "AugmentedManifestFile")], "must be S3Prefix or Manifest"),
    (TRANSFORM, [(("Arguments", "TransformOutput", "S3OutputPath"), "s3://BAD!/x")],
     "S3OutputPath: must be an address"),
    (TRANSFORM, [(("Arguments", "DataProcessing"), {"InputFilter": "$..a"})],
     "InputFilter: must be a JSONPath of names"),
    (TRANSFORM, [(("Arguments", "DataProcessing"), {"JoinSource": "Input"}),
                 (("Arguments", "TransformInput", "SplitType"), "RecordIO")],
     "DataProcessing: needs records of text, SplitType Line or None, not 'RecordIO'"),
    (MODEL, [(("Arguments", "Containers"), [{"ModelDataUrl": "s3://bucket/../x"}])],
     "Containers[0].ModelDataUrl: must be an address"),
    (TUNING, [(("Arguments", "WarmStartConfig"), {})], "WarmStartConfig: is not supported by a Lo"),
    (TUNING, [(("Arguments", "TrainingJobDefinition"), None)], "must have 'TrainingJobDefinition"),
    (TUNING, [(("Arguments", "TrainingJobDefinition", *ALGORITHM[1:], "MetricDefinitions"), [])],
     "TrainingJobDefinition: must have a MetricDefinition of the objective 'loss'"),
    (TUNING, [(("Arguments", "TrainingJobDefinition"), None),
              (SEVERAL, [ONE, {**ONE, "TuningObjective": LARGEST}])],
     "Arguments: must not both minimize and maximize"),
]  # fmt: skip


@pytest.mark.parametrize(("step", "changes", "message"), WRONG)
def test_what_cannot_run_is_rejected_early(
    session: LocalSession, step: dict[str, Any], changes: Any, message: str
) -> None:
    session.put_pipeline("Test", json.dumps(definition(step)))
    text = json.dumps(definition(changed(step, *changes)))
    with pytest.raises(DefinitionError) as caught:
        session.put_pipeline("Test", text)
    assert message in str(caught.value)
    assert f"(step '{step['Name']}')" in str(caught.value)


def test_validate_and_upsert_list_all_findings_with_their_steps(
    session: LocalSession, tmp_path: Path
) -> None:
    emr = {"Name": "Emr", "Type": "EMR", "Arguments": {}}
    wrong = [changed(step, *changes) for step, changes, _ in (WRONG[0], WRONG[13], WRONG[23])]
    file = tmp_path / "wrong.json"
    file.write_text(json.dumps(definition(emr, *wrong)))
    with pytest.raises(DefinitionError) as put:
        session.put_pipeline("Test", file.read_text())
    with pytest.raises(DefinitionError) as validated:
        definition_report(file, ValidateOptions())
    assert str(put.value) == str(validated.value)
    lines = str(put.value).splitlines()
    assert lines[0] == "LocalSession cannot run the pipeline, which has 4 problems:"
    assert [line.rpartition("(step ")[2] for line in lines[1:]] == [
        "'Emr')", "'Prepare')", "'T')", "'Apply')",
    ]  # fmt: skip
    report = definition_report(file, ValidateOptions(target="sagemaker"))
    assert report.data["notes"] == []


def test_parameters_are_checked_when_an_execution_starts(session: LocalSession) -> None:
    step = changed(
        PREPARE,
        (COUNT, get("Parameters.N")),
        ((*INPUT, "S3DataDistributionType"), "ShardedByS3Key"),
        ((*INPUT, "S3Uri"), join("/", "s3:/", get("Parameters.Place"), "in")),
    )
    place = {"Name": "Place", "Type": "String", "DefaultValue": "bucket"}
    session.put_pipeline("Test", json.dumps(definition(step, parameters=[N, place])))
    with pytest.raises(DefinitionError, match="FullyReplicated for 2 hosts"):
        session.start("Test")
    with pytest.raises(DefinitionError, match=r"S3Uri: must be an address .*not 's3:///\.\./in'"):
        session.start("Test", {"N": 1, "Place": "/.."})
    assert session.executions("Test") == []


def test_a_model_must_exist_when_an_execution_starts(session: LocalSession) -> None:
    session.put_pipeline("Test", json.dumps(definition(TRANSFORM)))
    with pytest.raises(UsageError, match=r"Model 'm' does not exist\. A Model step creates it"):
        session.start("Test")
    name = join("-", "pipelines", get("Execution.PipelineExecutionId"), "M")
    late = changed(TRANSFORM, (("Arguments", "ModelName"), name))
    gate = condition("Gate", equals(1, 2), then=[{**TRANSFORM, "Name": "Never"}])
    session.put_pipeline("Test", json.dumps(definition(late, gate)))
    execution = session.start("Test")
    execution.join()
    assert "Step 'Apply' failed" in execution.describe()["FailureReason"]


def test_values_of_earlier_steps_are_checked_when_a_step_starts(session: LocalSession) -> None:
    first = processing("First", Environment={"MODE": "Pipe"})
    later = changed(PREPARE, ((*INPUT, "S3InputMode"), get("Steps.First.Environment.MODE")))
    session.put_pipeline("Test", json.dumps(definition(first, later)))
    execution = session.start("Test")
    execution.join()
    reason = execution.describe()["FailureReason"]
    assert "Arguments.ProcessingInputs[0].S3Input.S3InputMode: must be File in a" in reason


def test_what_has_another_effect_is_noted(
    session: LocalSession, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    session.upload(b"1", "s3://bucket/in/a.txt")
    code = "import os, pathlib; ml = os.environ['KINOLOOM_ML_ROOT']; " \
        "pathlib.Path(ml, 'processing/out/out/hosts').write_text(" \
        "pathlib.Path(ml, 'config/resourceconfig.json').read_text())"  # fmt: skip
    step = changed(
        processing(
            "Prepare", inputs={"in": "s3://bucket/in"}, outputs=("out",),
            entrypoint=["python3", "-S", "-c", code],
        ),
        (COUNT, 4),
        ((*OUTPUT, "S3UploadMode"), "Continuous"),
    )  # fmt: skip
    notes = [
        "Step 'Prepare': InstanceCount 4 runs as one host with all of the data.",
        "Step 'Prepare': Output 'out' is uploaded at the end of the job.",
    ]
    file = tmp_path / "noted.json"
    file.write_text(json.dumps(definition(step)))
    assert definition_report(file, ValidateOptions()).data["notes"] == notes
    session.put_pipeline("Test", file.read_text())
    execution = session.start("Test")
    execution.wait()
    assert caplog.messages == notes
    hosts = json.loads((execution.result("Prepare")["out"] / "hosts").read_text())["hosts"]
    assert hosts == ["algo-1"]
    caplog.clear()
    step = changed(step, (COUNT, get("Parameters.N")))
    session.put_pipeline("Test", json.dumps(definition(step, parameters=[N])))
    session.start("Test").join()
    assert caplog.messages == [notes[1], notes[0].replace("4", "2")]


GARBAGE: list[Any] = [
    "x", 3, -1, 1.5, [], {}, None, True, ["x"], {"a": 1}, "s3://../x",
    {"Get": "Execution.PipelineName"},
    {"Std:Join": {"On": "/", "Values": [{"Get": "Parameters.N"}, 1]}},
]  # fmt: skip


def list_places(raw: Any, place: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The places of all values in JSON but the outermost."""
    nested = raw if isinstance(raw, list) else ()
    found = []
    for key, one in raw.items() if isinstance(raw, dict) else enumerate(nested):
        found += [(*place, key), *list_places(one, (*place, key))]
    return found


def test_mutated_definitions_run_or_are_rejected() -> None:
    """Anything may be anywhere in a definition; the checks raise nothing but their own error."""
    whole = definition(PREPARE, TRANSFORM, TUNING, MODEL, training(), parameters=[N])
    places, generator = list_places(whole), random.Random(0)
    rejected = 0
    for _ in range(400):
        mutated = copy.deepcopy(whole)
        *outer, last = generator.choice(places)
        found: Any = mutated
        for key in outer:
            found = found[key]
        found[last] = copy.deepcopy(generator.choice(GARBAGE))
        try:
            checked, _ = examine_text(json.dumps(mutated))
            examine_steps(checked, {"N": 1})
        except DefinitionError:
            rejected += 1
    assert 0 < rejected < 400
