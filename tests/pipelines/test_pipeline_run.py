"""The command `pipeline run`: parameters, the report, failing and going on."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from made_definitions import condition, definition, equals, fail, get, processing

from kinoloom.errors import ExecutionError, UsageError
from kinoloom.pipelines.language import check
from kinoloom.pipelines.ops import run
from kinoloom.pipelines.running import parse_parameters

PARAMETERS = [
    {"Name": "N", "Type": "Integer", "DefaultValue": 1},
    {"Name": "F", "Type": "Float", "DefaultValue": 1.5},
    {"Name": "B", "Type": "Boolean", "DefaultValue": False},
    {"Name": "S", "Type": "String", "DefaultValue": "a"},
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    steps = [
        processing("A", entrypoint=["python3", "-S", "-c", "print('done')"]),
        condition("C", equals(get("Parameters.N"), 1), otherwise=[fail("Other")]),
    ]
    path = tmp_path / "my pipeline.json"
    path.write_text(json.dumps(definition(*steps, parameters=PARAMETERS)))
    return path


def test_the_command_runs_a_file_and_tells_of_every_step(file: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "kinoloom", "pipeline", "run", "--data", str(file)]
    words += ["--root", str(tmp_path / "root")]
    done = subprocess.run([*words, "--json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["status"] == "Succeeded"
    assert [step["name"] for step in found["steps"]] == ["A", "C"]
    done = subprocess.run([*words, "--set", "N=2"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "Step 'Other' failed: no" in done.stderr
    assert "--resume" in done.stderr


def test_a_failed_run_goes_on(file: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    with pytest.raises(ExecutionError, match="go on with --resume") as caught:
        run(file, root=root, set="N=2")
    execution = str(caught.value).rpartition("--resume ")[2].rstrip(".")
    with pytest.raises(ExecutionError, match="Step 'Other' failed"):
        run(file, root=root, resume=execution)
    report = run(file, root=root)
    assert report.data["steps"][0]["cache"].startswith("taken over from execution")
    assert run(file, root=root, resume=report.data["execution"]).data["status"] == "Succeeded"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", {}),
        ("N=3, F=2", {"N": 3, "F": 2.0}),
        ("B=true,S=x=y", {"B": True, "S": "x=y"}),
        ("N=x", {"N": "x"}),
        ('{"S": "a,b"}', {"S": "a,b"}),
    ],
)
def test_parameters_are_parsed_by_their_types(text: str, values: dict[str, Any]) -> None:
    assert parse_parameters(text, check(definition(parameters=PARAMETERS)).definition) == values


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("N", "takes NAME=VALUE, not 'N'"),
        ("{", "--set is not JSON"),
        ("N=x", "'N' must be of type Integer, not 'x'"),
        ("X=1", "no parameter 'X'"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(
    file: Path, tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        run(file, root=tmp_path / "root", set=text)
