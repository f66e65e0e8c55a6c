"""Pipelines with the SDK's names run: prepared, trained, evaluated, gated, cached."""

import json
from pathlib import Path
from typing import Any

import pytest

from kinoloom.errors import ExecutionError, UsageError
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.sagemaker.inputs import TrainingInput
from kinoloom.sagemaker.processing import ProcessingInput, ProcessingOutput, ScriptProcessor
from kinoloom.sagemaker.s3 import S3Downloader, s3_path_join
from kinoloom.sagemaker.tuner import HyperparameterTuner, IntegerParameter
from kinoloom.sagemaker.workflow.condition_step import ConditionStep
from kinoloom.sagemaker.workflow.conditions import ConditionLessThanOrEqualTo
from kinoloom.sagemaker.workflow.execution_variables import ExecutionVariables
from kinoloom.sagemaker.workflow.fail_step import FailStep
from kinoloom.sagemaker.workflow.functions import Join, JsonGet
from kinoloom.sagemaker.workflow.parallelism_config import ParallelismConfiguration
from kinoloom.sagemaker.workflow.parameters import ParameterFloat, ParameterInteger
from kinoloom.sagemaker.workflow.pipeline import Pipeline
from kinoloom.sagemaker.workflow.pipeline_context import LocalPipelineSession
from kinoloom.sagemaker.workflow.properties import PropertyFile
from kinoloom.sagemaker.workflow.steps import ProcessingStep, TrainingStep, TuningStep
from kinoloom.sagemaker.xgboost import XGBoost

BUCKET = "sagemaker-us-west-2-123456789012"
ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
XGB = "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-xgboost:1.5-1"


@pytest.fixture
def session(tmp_path: Path) -> LocalSession:
    return LocalSession(tmp_path / "root", region="us-west-2", default_bucket=BUCKET)


def script(**settings: Any) -> ScriptProcessor:
    usual: dict[str, Any] = {"role": ROLE, "instance_type": "ml.m5.large", "instance_count": 1}
    return ScriptProcessor(image_uri=XGB, command=["python3"], **{**usual, **settings})


TRAIN = """
import argparse, json, os
parser = argparse.ArgumentParser()
parser.add_argument("--depth", type=int)
parser.add_argument("--objective")
given = parser.parse_args()
data = os.path.join(os.environ["SM_CHANNEL_TRAIN"], "number.txt")
number = int(open(data).read())
import helper
with open(os.path.join(os.environ["SM_MODEL_DIR"], "model.json"), "w") as file:
    json.dump({"value": helper.twice(number) + given.depth, "objective": given.objective}, file)
print(os.environ["SM_HPS"], os.environ["SM_CHANNELS"], os.environ["SM_HP_DEPTH"])
"""
EVALUATE = """
import json, os, sys, tarfile
ml = os.environ["KINOLOOM_ML_ROOT"] + "/processing"
with tarfile.open(ml + "/model/model.tar.gz") as tar:
    model = json.load(tar.extractfile("model.json"))
with open(ml + "/evaluation/evaluation.json", "w") as file:
    json.dump({"metrics": {"mse": {"value": model["value"]}}}, file)
"""
MAKE = """
import os, sys
open(os.environ["KINOLOOM_ML_ROOT"] + "/processing/train/number.txt", "w").write(sys.argv[1])
"""


def gated(session: LocalSession, folder: Path, depth: int) -> Pipeline:
    """Make, train, evaluate, and let pass or fail by a threshold."""
    folder.mkdir(exist_ok=True)
    for name, text in (
        ("make.py", MAKE), ("train.py", TRAIN), ("evaluate.py", EVALUATE),
        ("helper.py", "def twice(x): return 2 * x\n"),
    ):  # fmt: skip
        (folder / name).write_text(text)
    start, limit = ParameterInteger("Start", 10), ParameterFloat("Limit", 30.0)
    make = ProcessingStep("Make", script().run(
        str(folder / "make.py"), arguments=[start.to_string()],
        outputs=[ProcessingOutput("/opt/ml/processing/train", output_name="train")],
    ))  # fmt: skip
    estimator = XGBoost(
        "train.py", "1.5-1", source_dir=str(folder), role=ROLE, instance_type="ml.m5.large",
        hyperparameters={"depth": depth, "objective": "reg:squarederror"},
        output_path=Join("/", ["s3://models", ExecutionVariables.PIPELINE_EXECUTION_ID]),
    )  # fmt: skip
    data = make.properties.ProcessingOutputConfig.Outputs["train"].S3Output.S3Uri
    train = TrainingStep("Train", estimator.fit({"train": TrainingInput(data)}))
    report = PropertyFile("Report", "evaluation", "evaluation.json")
    model = train.properties.ModelArtifacts.S3ModelArtifacts
    evaluate = ProcessingStep(
        "Evaluate",
        script().run(
            str(folder / "evaluate.py"),
            inputs=[ProcessingInput(model, "/opt/ml/processing/model")],
            outputs=[ProcessingOutput("/opt/ml/processing/evaluation", output_name="evaluation")],
        ),
        property_files=[report],
    )
    gate = ConditionStep(
        "Gate",
        conditions=[
            ConditionLessThanOrEqualTo(JsonGet("Evaluate", report, "metrics.mse.value"), limit)
        ],
        else_steps=[FailStep("TooHigh", Join(on=" ", values=["value >", limit]))],
    )
    return Pipeline("Gated", [start, limit], None, [gate, evaluate, train, make], session)


def test_a_pipeline_passes_and_fails_its_gate(session: LocalSession, tmp_path: Path) -> None:
    pipeline = gated(session, tmp_path / "code", depth=5)
    pipeline.upsert(ROLE, parallelism_config=ParallelismConfiguration(2))
    execution = pipeline.start(execution_display_name="first")
    execution.wait()
    assert execution.describe()["PipelineExecutionDisplayName"] == "first"
    hyperparameters = '{"depth": 5, "objective": "reg:squarederror"} ["train"] 5'
    assert execution.logs("Train").strip() == hyperparameters
    assert execution.result("Train")["model"].name == "model.tar.gz"
    report = json.loads(
        (execution.result("Evaluate")["evaluation"] / "evaluation.json").read_text()
    )
    assert report == {"metrics": {"mse": {"value": 25}}}
    again = pipeline.start(wait=True)
    told = {step["CacheExplanation"] for step in again.list_steps() if step["StepName"] != "Gate"}
    assert told == {f"cache hit: execution {execution.id}"}
    archives = [e.result("Train")["model"].read_bytes() for e in (execution, again)]
    assert archives[0] == archives[1]
    failed = pipeline.start({"Start": 20}, wait=True)
    assert failed.status == "Failed"
    assert "value > 30.0" in failed.describe()["FailureReason"]
    with pytest.raises(ExecutionError, match="TooHigh"):
        failed.wait()
    deeper = gated(session, tmp_path / "code", depth=6)
    deeper.upsert(ROLE)
    changed = {
        s["StepName"]: s["CacheExplanation"] for s in deeper.start(wait=True).list_steps()[:2]
    }
    assert changed["Make"].startswith("cache hit")
    assert changed["Train"] == "ran: Arguments.HyperParameters.depth was '5', is '6'"
    assert [e.id for e in pipeline.list_executions()][1:] == [failed.id, again.id, execution.id]
    assert pipeline.describe()["PipelineStatus"] == "Active"


def test_the_sdk_s_session_needs_no_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINOLOOM_PIPELINES", str(tmp_path / "here"))
    session = LocalPipelineSession(default_bucket_prefix="mine")
    assert session.local_mode
    processor = ScriptProcessor("any", "any", sagemaker_session=session)
    (tmp_path / "a.py").write_text("print('ran')")
    step = ProcessingStep("A", processor.run(str(tmp_path / "a.py")))
    pipeline = Pipeline("P", steps=[step], sagemaker_session=session)
    pipeline.upsert("any")
    execution = pipeline.start(wait=True)
    assert execution.logs("A") == "ran\n"
    assert list((tmp_path / "here/s3/local/mine/P/code").glob("*/a.py"))
    monkeypatch.delenv("KINOLOOM_PIPELINES")
    monkeypatch.chdir(tmp_path)
    assert LocalPipelineSession().root == tmp_path / ".kinoloom"


def test_unchanged_code_keeps_its_address(session: LocalSession, tmp_path: Path) -> None:
    first = gated(session, tmp_path / "code", depth=5).definition()
    assert gated(session, tmp_path / "code", depth=5).definition() == first
    (tmp_path / "code" / "new.py").write_text("")
    assert gated(session, tmp_path / "code", depth=5).definition() != first


def test_a_step_reads_the_local_folder_as_it_is_now(session: LocalSession, tmp_path: Path) -> None:
    folder, listing = tmp_path / "in", tmp_path / "list.py"
    folder.mkdir()
    listing.write_text("import os, sys; print(sorted(os.listdir(sys.argv[1])))")
    (folder / "a.txt").write_text("a")
    (folder / "b.txt").write_text("b")
    step = ProcessingStep("List", script().run(
        str(listing), arguments=["/opt/ml/processing/in"],
        inputs=[ProcessingInput(str(folder), "/opt/ml/processing/in")],
    ))  # fmt: skip
    pipeline = Pipeline("Lists", [], None, [step], session)
    pipeline.upsert(ROLE)
    assert pipeline.start(wait=True).logs("List").strip() == "['a.txt', 'b.txt']"
    (folder / "a.txt").unlink()
    pipeline.upsert(ROLE)
    assert pipeline.start(wait=True).logs("List").strip() == "['b.txt']"


TUNED = """
import argparse, os
parser = argparse.ArgumentParser()
parser.add_argument("--width", type=int)
parser.add_argument("--base", type=int)
given = parser.parse_args()
print(f"{os.listdir(os.environ['SM_CHANNEL_TRAIN'])} loss={given.base + given.width}")
open(os.environ["SM_MODEL_DIR"] + "/x", "w").write(str(given.width))
"""


def test_a_tuner_of_two_estimators_finds_the_best(session: LocalSession, tmp_path: Path) -> None:
    (tmp_path / "tuned.py").write_text(TUNED)
    estimators = {
        name: XGBoost(
            str(tmp_path / "tuned.py"), "1.5-1", role=ROLE, instance_type="ml.m5.large",
            hyperparameters={"base": base}, output_path="s3://models/tuned",
        )
        for name, base in (("high", 100), ("low", 10))
    }  # fmt: skip
    tuner = HyperparameterTuner.create(
        estimators,
        dict.fromkeys(estimators, "loss"),
        {key: {"width": IntegerParameter(1, 2)} for key in estimators},
        {key: [{"Name": "loss", "Regex": r"loss=(\d+)"}] for key in estimators},
        strategy="Grid", objective_type="Minimize", max_jobs=None, max_parallel_jobs=2,
    )  # fmt: skip
    for name in estimators:
        session.upload(b"1", f"s3://data/{name}/{name}.csv")
    inputs = {name: {"train": f"s3://data/{name}"} for name in estimators}
    step = TuningStep("Tune", tuner.fit(inputs))
    pipeline = Pipeline("Tuned", steps=[step], sagemaker_session=session)
    definitions = json.loads(pipeline.definition())["Steps"][0]["Arguments"]
    assert [one["DefinitionName"] for one in definitions["TrainingJobDefinitions"]] == [
        "high", "low",
    ]  # fmt: skip
    static = definitions["TrainingJobDefinitions"][0]["StaticHyperParameters"]
    assert static["sagemaker_estimator_module"] == '"sagemaker.xgboost.estimator"'
    assert "ParameterRanges" not in definitions["HyperParameterTuningJobConfig"]
    pipeline.upsert(ROLE)
    execution = pipeline.start(wait=True)
    best = execution.result("Tune")["BestTrainingJob"]
    assert best["TrainingJobDefinitionName"] == "low"
    assert best["TunedHyperParameters"] == {"width": "1"}
    assert len(execution.list_trainings("Tune")) == 4
    with pytest.raises(UsageError, match="The names high are not those of the estimators: high, l"):
        HyperparameterTuner.create(estimators, {"high": "loss"}, {key: {} for key in estimators})


def test_data_is_uploaded_listed_and_read(session: LocalSession, tmp_path: Path) -> None:
    (tmp_path / "data" / "sub").mkdir(parents=True)
    (tmp_path / "data" / "a.csv").write_text("1")
    (tmp_path / "data" / "sub" / "b.csv").write_text("2")
    local = LocalPipelineSession(root=tmp_path / "other", default_bucket="mine")
    assert local.upload_data(str(tmp_path / "data" / "a.csv")) == "s3://mine/data/a.csv"
    folder = local.upload_data(str(tmp_path / "data"), bucket="own", key_prefix="x/y")
    assert folder == "s3://own/x/y"
    files = [f"{folder}/a.csv", f"{folder}/sub/b.csv"]
    assert S3Downloader.list(folder, local) == files
    assert S3Downloader.list(files[0], local) == files[:1]
    assert S3Downloader.read_file(files[1], local) == "2"
    paths = S3Downloader.download(folder, str(tmp_path / "got"), sagemaker_session=local)
    assert [Path(path).read_text() for path in paths] == ["1", "2"]
    assert paths[1] == str(tmp_path / "got" / "sub" / "b.csv")
    with pytest.raises(UsageError, match="There is no file at s3://own/x/y"):
        S3Downloader.read_bytes(folder, local)
    assert s3_path_join("s3://", "/a/", None, "b//c") == "s3://a/b/c"
    assert s3_path_join("a", "b", with_end_slash=True) == "a/b/"


def test_arguments_of_a_step_name_its_properties_instead() -> None:
    step = ProcessingStep("P", script().run("code.py"))
    with pytest.raises(UsageError, match=r"known only when its .* is compiled\. .*properties"):
        str(step.arguments)
