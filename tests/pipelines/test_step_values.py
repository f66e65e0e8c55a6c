"""Results and arguments of `@step` functions, and the steps that a pipeline includes by itself."""

from __future__ import annotations

import json
from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from kinoloom.errors import ExecutionError, UsageError
from kinoloom.pipelines import (
    ConditionEquals,
    ConditionGreaterThan,
    ConditionNot,
    ConditionOr,
    ConditionStep,
    FailStep,
    Join,
    LocalSession,
    ParameterString,
    Pipeline,
    step,
)
from kinoloom.sagemaker import (
    LambdaOutput,
    LambdaOutputTypeEnum,
    LambdaStep,
)
from kinoloom.sagemaker.lambda_helper import Lambda


@pytest.fixture
def session(tmp_path: Path) -> LocalSession:
    return LocalSession(tmp_path / "root")


def run(session: LocalSession, *steps: Any, parameters: Any = ()) -> Any:
    pipeline = Pipeline("P", parameters, steps=list(steps), sagemaker_session=session)
    pipeline.upsert()
    execution = pipeline.start()
    execution.wait()
    return execution


def names_of(pipeline: Pipeline) -> list[str]:
    return [one["Name"] for one in json.loads(pipeline.definition())["Steps"]]


def test_values_of_any_type_pass_between_functions(session: LocalSession) -> None:
    word = ParameterString("Word", "seven")
    Split = namedtuple("Split", ["train", "test"])

    class Scores(NamedTuple):
        mean: float
        names: list[Any]

    @dataclass
    class Bundle:
        file: Path
        scores: Scores

    @step(name="Split")
    def split() -> Any:
        return Split([1, 2], test=OrderedDict(b=1, a=2))

    @step(name="Bundle")
    def bundle(parts: Any, scores: Any) -> Any:
        assert isinstance(parts, Split)
        assert type(parts.test).__name__ == "OrderedDict"
        path = Path("made.txt")
        path.write_text(" ".join([*parts.test, *scores.names]))
        return Bundle(path, scores)

    @step(name="Read")
    def read(bundled: Any, first: int) -> str:
        return f"{bundled.file.read_text()} {first} {bundled.scores.mean}"

    whole = split()
    made = bundle(whole, Scores(0.5, ["x", word]))
    execution = run(session, read(made, whole[0][1]), parameters=[word])
    assert execution.result("Read") == "b a x seven 2 0.5"
    assert execution.result("Split") == Split([1, 2], {"b": 1, "a": 2})
    bundled = execution.result("Bundle")
    assert isinstance(bundled, Bundle)
    assert isinstance(bundled.scores, Scores)
    assert bundled.file.read_text() == "b a x seven"


def test_a_step_may_call_the_functions_of_others(session: LocalSession) -> None:
    @step(name="Factorial")
    def factorial(n: int) -> int:
        return n * factorial(n - 1) if n > 1 else 1

    @step(name="Sum")
    def add(n: int) -> int:
        return factorial(n) + 1

    assert run(session, add(4)).result("Sum") == 25


def test_members_of_results_are_compared(session: LocalSession) -> None:
    @step(name="Score")
    def score() -> Any:
        return {"f1": np.float32(0.75), "file": Path(__file__)}

    gate = ConditionStep("Gate", conditions=[ConditionGreaterThan(score()["f1"], 0.7)])
    assert run(session, gate).result("Gate") is True


def test_a_result_that_json_cannot_represent_is_not_compared(session: LocalSession) -> None:
    @step(name="Score")
    def score() -> float:
        return float("nan")

    gate = ConditionStep("Gate", conditions=[ConditionGreaterThan(score(), 0.7)])
    with pytest.raises(ExecutionError, match="'Score' cannot be compared: JSON cannot represent"):
        run(session, gate)


def test_a_result_that_another_step_replaced_is_not_unpickled(session: LocalSession) -> None:
    @step(name="One")
    def one() -> int:
        return 1

    execution = run(session, one())
    file = execution.outputs("One")["result"] / "result.pkl"
    file.unlink()
    file.write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")
    with pytest.raises(ExecutionError, match="'One' is missing or was changed"):
        execution.result("One")


def delayed(name: str, *needs: Any) -> Any:
    def function(*given: Any) -> float:
        return 0.5

    return step(function, name=name)(*needs)


def test_steps_that_are_only_referred_to_are_a_part_of_the_pipeline(session: LocalSession) -> None:
    deep, late = delayed("Deep"), delayed("Late")
    made = Lambda("arn:aws:lambda:local:000000000000:function:f")
    outputs = [LambdaOutput("n", LambdaOutputTypeEnum.Float)]
    call = LambdaStep("Call", made, inputs={"x": Join("-", [delayed("Text")])}, outputs=outputs)
    gate = ConditionStep(
        "Gate",
        conditions=[
            ConditionOr(
                [ConditionNot(ConditionEquals(delayed("Middle", [{"a": deep}]), 1)),
                 ConditionEquals(call.properties.Outputs["n"], 2.0)]
            )
        ],
        if_steps=[delayed("Then", late)],
        else_steps=[delayed("Else", late), FailStep("Stop")],
        depends_on=[delayed("Before")],
    )  # fmt: skip
    pipeline = Pipeline("P", steps=[gate], sagemaker_session=session)
    expected = {"Text", "Deep", "Middle", "Call", "Late", "Before", "Gate"}
    assert set(names_of(pipeline)) == expected
    assert names_of(pipeline).index("Deep") < names_of(pipeline).index("Middle")
    session.register_function(str(made.function_arn), lambda event, context: {"n": 1.0})
    pipeline.upsert()
    execution = pipeline.start(wait=True)
    assert execution.status == "Succeeded"
    assert execution.result("Then") == 0.5


def test_steps_of_branches_are_not_repeated_at_the_top(session: LocalSession) -> None:
    shared, inner = delayed("Shared"), delayed("Inner")
    gate = ConditionStep(
        "Gate",
        conditions=[ConditionEquals(shared, 0.5)],
        if_steps=[inner, delayed("Last", inner, shared)],
    )
    pipeline = Pipeline("P", steps=[shared, gate], sagemaker_session=session)
    assert names_of(pipeline) == ["Shared", "Gate"]
    assert run(session, shared, gate).result("Last") == 0.5


def test_a_found_step_with_the_name_of_another_is_rejected(session: LocalSession) -> None:
    gate = ConditionStep("Gate", conditions=[ConditionEquals(delayed("Same"), 1)])
    pipeline = Pipeline("P", steps=[delayed("Same"), gate], sagemaker_session=session)
    with pytest.raises(UsageError, match="Two steps are named 'Same'"):
        pipeline.definition()
