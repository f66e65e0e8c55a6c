"""Functions as steps: values, files, parameters, maps, conditions."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from kinoloom.errors import ExecutionError, UsageError
from kinoloom.pipelines import (
    ConditionGreaterThan,
    ConditionStep,
    LocalSession,
    ParameterInteger,
    ParameterString,
    Pipeline,
)
from kinoloom.pipelines.builder.functions.decorator import step
from kinoloom.pipelines.builder.functions.run_function import (
    load_result,
    save_result,
)
from kinoloom.pipelines.commands.run import resume_file, start_report
from kinoloom.pipelines.language import load_text
from kinoloom.pipelines.options import StartOptions
from kinoloom.sagemaker import Lambda, LambdaOutput, LambdaOutputTypeEnum, LambdaStep


def pipeline_of(session: LocalSession) -> Pipeline:
    """Lengths of words, added up; a condition on the sum chooses what is said."""
    factor, word = ParameterInteger("Factor", 2), ParameterString("Word", 'a "b"')

    @step
    def write_file(text: str) -> Path:
        path = Path("made.txt").absolute()
        path.write_text(text)
        return path

    @step(name="Length", instance_type="ml.m5.large")
    def length(path: Path, times: int) -> int:
        return len(path.read_text()) * times

    @step(name="Add")
    def add(values: list[int], **more: Any) -> dict[str, Any]:
        return {"sum": sum(values), **more}

    @step(name="Total")
    def total(added: dict[str, Any]) -> int:
        return int(added["sum"])

    @step(name="Say")
    def say(text: str) -> str:
        print(text)
        return text

    files = [write_file("one"), write_file("three")]
    added = add(length.map(files, times=factor), why={"word": word})
    count = total(added)
    gate = ConditionStep(
        "Gate",
        conditions=[ConditionGreaterThan(count, 20)],
        if_steps=[say("many")],
        else_steps=[say("few")],
    )
    return Pipeline("Functions", [factor, word], steps=[count, gate], sagemaker_session=session)


@pytest.fixture
def session(tmp_path: Path) -> LocalSession:
    return LocalSession(tmp_path / "root")


def test_functions_pass_values_and_files_on(session: LocalSession) -> None:
    pipeline = pipeline_of(session)
    pipeline.upsert()
    execution = pipeline.start()
    execution.wait()
    assert execution.result("Add") == {"sum": 16, "why": {"word": 'a "b"'}}
    assert execution.result("write-file-1").read_text() == "three"
    assert execution.logs("Say-1") == "few\n"
    assert {s["StepName"] for s in execution.list_steps()} == {
        "write-file", "write-file-1", "Length-0", "Length-1", "Add", "Total", "Gate", "Say-1",
    }  # fmt: skip
    more = pipeline.start({"Factor": 3})
    more.wait()
    assert more.logs("Say") == "many\n"
    told = {s["StepName"]: s.get("CacheExplanation", "") for s in more.list_steps()}
    assert told["write-file"].startswith("cache hit")
    assert told["Length-0"].endswith("ContainerArguments[0] was '2', is '3'")


def test_the_definition_is_valid_for_the_service(session: LocalSession) -> None:
    definition = pipeline_of(session).definition()
    graph = load_text(definition).graph
    assert graph.needs["Add"] == {"Length-0", "Length-1"}
    assert graph.needs["Length-1"] == {"write-file-1"}
    assert {placed.step.type for placed in graph.steps.values()} == {"Processing", "Condition"}


def test_two_functions_with_one_name_are_rejected(session: LocalSession) -> None:
    calls = [step(function, name="Same")() for function in (max, min)]
    with pytest.raises(UsageError, match="Two steps are named 'Same'"):
        Pipeline("P", steps=calls, sagemaker_session=session).definition()


def test_results_that_json_cannot_represent_are_kept(tmp_path: Path) -> None:
    import pickle

    save_result({"numbers": (1, {2, 3})}, tmp_path, pickle.Pickler)
    assert not (tmp_path / "result.json").exists()
    assert load_result(tmp_path) == {"numbers": (1, {2, 3})}


def test_files_with_one_name_are_kept_apart(tmp_path: Path) -> None:
    import pickle

    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "f.txt").write_text(name)
    (tmp_path / "out").mkdir()
    save_result([tmp_path / "a" / "f.txt", tmp_path / "b"], tmp_path / "out", pickle.Pickler)
    file, folder = load_result(tmp_path / "out")
    assert file.read_text() == "a"
    assert (folder / "f.txt").read_text() == "b"


def test_settings_have_the_sdk_s_names_too(tmp_path: Path) -> None:
    @step(
        name="Word", environment_variables={"WORD": "yes"}, dependencies="requirements.txt",
        volume_size=10, instance_type="ml.m5.large", keep_alive_period_in_seconds=60,
    )  # fmt: skip
    def word() -> str:
        return os.environ["WORD"]

    session = LocalSession(tmp_path / "root")
    pipeline = Pipeline("P", steps=[word()], sagemaker_session=session)
    made = json.loads(pipeline.definition())["Steps"][0]["Arguments"]
    assert made["ProcessingResources"]["ClusterConfig"]["VolumeSizeInGB"] == 10
    pipeline.upsert()
    execution = pipeline.start(wait=True)
    assert execution.result("Word") == "yes"


def test_a_script_with_a_handler_is_a_function_here(tmp_path: Path) -> None:
    script = tmp_path / "answer.py"
    script.write_text("def handler(event, context):\n    return {'twice': 2 * event['n']}\n")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "answer.py").write_text(script.read_text().replace("2 *", "3 *"))
    session = LocalSession(tmp_path / "root")
    named: dict[str, Any] = {"execution_role_arn": "any", "handler": "answer.handler"}
    for where, expected in ({"script": str(script)}, 14), (
        {"zipped_code_dir": str(tmp_path / "code")}, 21
    ):  # fmt: skip
        made = Lambda(function_name="answer", **where, **named)
        outputs = [LambdaOutput("twice", LambdaOutputTypeEnum.Integer)]
        asked = LambdaStep("Ask", lambda_func=made, inputs={"n": 7}, outputs=outputs)
        pipeline = Pipeline("P", steps=[asked], sagemaker_session=session)
        pipeline.upsert()
        assert pipeline.start(wait=True).result("Ask") == {"twice": expected}
    with pytest.raises(UsageError, match="needs a function_arn, or a function_name"):
        Lambda(function_name="answer")
    wrong = Lambda(function_name="f", script=str(script), handler="answer.other")
    with pytest.raises(UsageError, match=r"answer.py has no function 'other'"):
        Pipeline("P", steps=[LambdaStep("A", wrong)], sagemaker_session=session).definition()


LAMBDA = """
from pathlib import Path
from kinoloom.sagemaker.lambda_helper import Lambda
from kinoloom.sagemaker.workflow.lambda_step import (
    LambdaOutput, LambdaOutputTypeEnum, LambdaStep,
)
from kinoloom.sagemaker.workflow.pipeline import Pipeline
from kinoloom.sagemaker.workflow.pipeline_context import LocalPipelineSession

function = Lambda(
    function_name="f", execution_role_arn="r", zipped_code_dir="code", handler="fn.handler"
)
outputs = [LambdaOutput("n", LambdaOutputTypeEnum.Integer)]
one = LambdaStep("One", function, inputs={"a": 1}, outputs=outputs)
two = LambdaStep("Two", function, inputs={"a": one.properties.Outputs["n"]}, outputs=outputs)
pipeline = Pipeline("P", steps=[two], sagemaker_session=LocalPipelineSession())
"""


def test_a_script_is_called_by_other_processes_too(tmp_path: Path) -> None:
    def put_handler(text: str) -> None:
        (tmp_path / "code" / "fn.py").write_text(
            f"import step_size\n\ndef handler(event, context):\n    {text}\n"
        )

    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "step_size.py").write_text("SIZE = 10\n")
    (tmp_path / "pipeline.py").write_text(LAMBDA)
    put_handler("if event['a'] > 1:\n        raise ValueError('no')\n    return {'n': 2}")
    root = tmp_path / "root"
    start_report(tmp_path / "pipeline.py", StartOptions(root=root))
    session = LocalSession(root)
    (execution,) = session.executions("P")
    while execution.status != "Failed":
        time.sleep(0.05)
    with pytest.raises(ExecutionError, match="Step 'Two' failed: ValueError: no"):
        execution.wait()
    put_handler("return {'n': event['a'] + step_size.SIZE}")
    assert session.resume(execution.id).result("One") == {"n": 2}
    assert "ValueError: no" in execution.describe()["FailureReason"], "it resumes the old code"
    resumed = resume_file(session, tmp_path / "pipeline.py", execution.id)
    resumed.wait()
    assert [resumed.result(name)["n"] for name in ("One", "Two")] == [11, 21]
