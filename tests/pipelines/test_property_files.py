"""Values from JSON files: paths that are known at run time, and files without a valid value."""

import json
from pathlib import Path
from typing import Any

import pytest
from definition_samples import condition, definition, fail, get, join, json_get, processing

from kinoloom.errors import DefinitionError
from kinoloom.pipelines.language import load_text
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.sagemaker.workflow.functions import Join, JsonGet
from kinoloom.sagemaker.workflow.parameters import ParameterString

METRIC = [{"Name": "Metric", "Type": "String", "DefaultValue": "acc"}]


def evaluate(path: Any, limit: float = 0.5) -> dict[str, Any]:
    """A condition on a value of the property file R of step E."""
    value = json_get("E", "R", path)
    more = {"Type": "GreaterThanOrEqualTo", "LeftValue": value, "RightValue": limit}
    return condition("C", more, otherwise=[fail("No")])


def program(content: str, choice: dict[str, Any]) -> str:
    code = (
        "import os, sys; open(os.environ['KINOLOOM_ML_ROOT'] + '/processing/out/out/e.json', 'w')"
        ".write(sys.argv[1])"
    )
    files = [{"PropertyFileName": "R", "OutputName": "out", "FilePath": "e.json"}]
    step = processing(
        "E",
        entrypoint=["python3", "-S", "-c", code, content],
        outputs=("out",),
        PropertyFiles=files,
    )
    return json.dumps(definition(step, choice, parameters=METRIC))


def run(root: Path, text: str, **parameters: str) -> tuple[str, str]:
    session = LocalSession(root)
    session.put_pipeline("Test", text)
    execution = session.start("Test", parameters)
    execution.join()
    return execution.status, str(execution.describe().get("FailureReason", ""))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
@pytest.mark.parametrize("content", ['{"acc": %s}', '{"acc": 0.9, "other": [%s]}'])
def test_numbers_that_are_not_finite_are_errors(tmp_path: Path, number: str, content: str) -> None:
    status, reason = run(tmp_path, program(content % number, evaluate("acc")))
    assert status == "Failed"
    assert f"the number {number} is not finite" in reason
    assert "Property file 'R' of step 'E'" in reason


def test_a_path_may_be_known_at_run_time_only(tmp_path: Path) -> None:
    content = '{"acc": {"value": 0.9}, "f1": {"value": 0.1}}'
    text = program(content, evaluate(join(".", get("Parameters.Metric"), "value")))
    assert json.loads(text) == load_text(text).definition.to_json()
    assert run(tmp_path, text) == ("Succeeded", "")
    assert run(tmp_path, text, Metric="f1")[1].startswith("Step 'No' failed")
    assert "has no 'f2'" in run(tmp_path, text, Metric="f2")[1]
    assert "is not a valid path" in run(tmp_path, text, Metric="a..b")[1]
    assert (
        run(tmp_path, program('{"acc": 1}', evaluate(get("Parameters.Metric"))))[0] == "Succeeded"
    )


def test_references_in_a_path_are_checked() -> None:
    with pytest.raises(DefinitionError, match=r"Path.*: unknown parameter 'Metrik'"):
        load_text(program("{}", evaluate(join(".", get("Parameters.Metrik"), "value"))))
    with pytest.raises(DefinitionError, match="must be text, not 3"):
        load_text(program("{}", evaluate(3)))


def test_the_sdk_s_form_of_a_path_with_a_parameter() -> None:
    path = Join(".", [ParameterString("Metric"), "value"])
    expected = json_get("E", "R", join(".", get("Parameters.Metric"), "value"))
    assert JsonGet("E", "R", path).expr == expected
