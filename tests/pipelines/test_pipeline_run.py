"""The command `pipeline run`: parameters, the report, failure and resumption."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from definition_samples import condition, definition, equals, fail, get, processing

from kinoloom.errors import ExecutionError, UsageError
from kinoloom.pipelines.commands.values import parse_parameters
from kinoloom.pipelines.language import check
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.pipelines.ops import explain, export, run

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


def test_the_command_runs_a_file_and_reports_every_step(file: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "kinoloom", "pipeline", "run", str(file)]
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


def test_a_failed_run_resumes(file: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    with pytest.raises(ExecutionError, match="resume with --resume") as caught:
        run(file, root=root, set="N=2")
    execution = str(caught.value).rpartition("--resume ")[2].rstrip(".")
    with pytest.raises(ExecutionError, match="Step 'Other' failed"):
        run(file, root=root, resume=execution)
    report = run(file, root=root)
    assert report.data["steps"][0]["cache"].startswith("cache hit: execution")
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
        ("N", "must be NAME=VALUE or a JSON object, not 'N'"),
        ("{", "--set is not valid JSON"),
        ("N=x", "'N' must be of type Integer, not 'x'"),
        ("X=1", "Unknown parameter 'X'"),
    ],
)
def test_invalid_parameters_are_rejected(
    file: Path, tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        run(file, root=tmp_path / "root", set=text)


MADE = """
from kinoloom.sagemaker import *
session = LocalPipelineSession()
data = S3Uploader.upload("data.txt", f"s3://{session.default_bucket()}/in")
where = ParameterString("Where", data)
code = ScriptProcessor("any", "any").run(
    "say.py", inputs=[ProcessingInput(where, "/opt/ml/processing/in")], arguments=["%s"]
)
pipeline = Pipeline("%s", [where], steps=[ProcessingStep("Say", code)], sagemaker_session=session)
"""


@pytest.fixture
def python_file(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "data.txt").write_text("hello")
    (folder / "say.py").write_text(
        "import os, sys; ml = os.environ['KINOLOOM_ML_ROOT']\n"
        "print(open(ml + '/processing/in/data.txt').read(), sys.argv[1])"
    )
    (folder / "flow.py").write_text(MADE % ("one", "One"))
    return folder / "flow.py"


def test_a_python_file_runs_in_its_own_folder(python_file: Path, tmp_path: Path) -> None:
    report = run(python_file, root=tmp_path / "root")
    session = LocalSession(tmp_path / "root")
    assert session.execution(report.data["execution"]).logs("Say") == "hello one\n"
    session.upload(b"other", "s3://local/elsewhere/data.txt")
    report = run(python_file, root=tmp_path / "root", set="Where=s3://local/elsewhere")
    assert session.execution(report.data["execution"]).logs("Say") == "other one\n"
    assert not list(python_file.parent.glob(".kinoloom"))


def test_a_python_file_with_two_pipelines_needs_a_name(python_file: Path, tmp_path: Path) -> None:
    two = MADE % ("one", "One") + (MADE % ("two", "Two")).replace("pipeline =", "other =")
    python_file.write_text(two)
    with pytest.raises(UsageError, match=r"it has: One, Two\. Select one with --name"):
        run(python_file, root=tmp_path / "root")
    report = run(python_file, root=tmp_path / "root", name="Two")
    found = LocalSession(tmp_path / "root").execution(report.data["execution"])
    assert found.logs("Say") == "hello two\n"


def test_a_function_may_build_the_pipeline(python_file: Path, tmp_path: Path) -> None:
    inside = "\n    ".join((MADE % ("one", "One")).strip().splitlines()[1:])
    head = "from kinoloom.sagemaker import *\ndef get_pipeline(sagemaker_session):\n    "
    python_file.write_text(f"{head}{inside}\n    return pipeline\n")
    assert run(python_file, root=tmp_path / "root").data["status"] == "Succeeded"


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("x = 1", UsageError, "it has: none"),
        ("1 / 0", ExecutionError, "raised ZeroDivisionError"),
        ("import sys; sys.exit(3)", ExecutionError, "flow.py ended with exit code 3"),
    ],
)  # fmt: skip
def test_a_python_file_without_a_pipeline_is_rejected(
    python_file: Path, tmp_path: Path, text: str, error: type[Exception], message: str
) -> None:
    python_file.write_text(text)
    with pytest.raises(error, match=message):
        run(python_file, root=tmp_path / "root")


STARTS = {
    "last lines": "pipeline.upsert(role_arn='r')\nexecution = pipeline.start()\n",
    "wait": "pipeline.upsert(role_arn='r')\npipeline.start(wait=True)\nprint('done', flush=True)\n",
    "exit": "pipeline.create('r')\npipeline.start().wait()\nraise SystemExit(0)\n",
    "guard": "pipeline.upsert('r')\nif __name__ == '__main__':\n    pipeline.start()\n",
}


@pytest.mark.parametrize("end", STARTS.values(), ids=STARTS)
def test_a_file_that_starts_its_pipeline_has_one_execution(
    python_file: Path, tmp_path: Path, end: str
) -> None:
    python_file.write_text(MADE % ("one", "One") + end)
    report = run(python_file, root=tmp_path / "root")
    session = LocalSession(tmp_path / "root")
    (execution,) = session.executions("One")
    assert (report.data["execution"], execution.status) == (execution.id, "Succeeded")
    assert execution.logs("Say") == "hello one\n"
    assert not list(python_file.parent.glob(".kinoloom"))


def test_a_file_that_does_all_as_a_script_runs_as_one(python_file: Path, tmp_path: Path) -> None:
    body = (MADE % ("one", "One") + STARTS["last lines"]).strip().splitlines()
    main = "\n    ".join(body[1:])
    text = f"{body[0]}\ndef main():\n    {main}\nif __name__ == '__main__':\n    main()\n"
    python_file.write_text(text)
    run(python_file, root=tmp_path / "root")
    (execution,) = LocalSession(tmp_path / "root").executions("One")
    assert execution.status == "Succeeded"


def test_parameters_of_the_command_are_added_to_those_of_the_file(
    python_file: Path, tmp_path: Path
) -> None:
    text = MADE % ("one", "One") + "pipeline.parameters.append(ParameterString('Other', 'x'))\n"
    start = "pipeline.upsert('r')\npipeline.start(parameters={'Other': 'y'})\n"
    python_file.write_text(text + start)
    session = LocalSession(tmp_path / "root")
    session.upload(b"other", "s3://local/elsewhere/data.txt")
    report = run(python_file, root=tmp_path / "root", set="Where=s3://local/elsewhere")
    execution = session.execution(report.data["execution"])
    assert execution.logs("Say") == "other one\n"
    values = {one["Name"]: one["Value"] for one in execution.list_parameters()}
    assert values == {"Where": "s3://local/elsewhere", "Other": "y"}


def test_a_file_may_start_several_pipelines(python_file: Path, tmp_path: Path) -> None:
    two = (MADE % ("two", "Two")).replace("pipeline =", "other =") + "other.upsert('r')\n"
    python_file.write_text(MADE % ("one", "One") + STARTS["last lines"] + two + "other.start()\n")
    report = run(python_file, root=tmp_path / "root")
    session = LocalSession(tmp_path / "root")
    assert session.executions("One")[0].status == "Succeeded"
    assert session.executions("Two")[0].id == report.data["execution"]
    with pytest.raises(UsageError, match="starts 'One', not 'Two'"):
        run(python_file, root=tmp_path / "root", name="Two")


def test_a_file_that_waits_for_a_failure_can_be_resumed(python_file: Path, tmp_path: Path) -> None:
    python_file.write_text(MADE % ("one", "One") + STARTS["exit"])
    script = python_file.with_name("say.py")
    text = script.read_text()
    script.write_text("raise SystemExit('bug')")
    with pytest.raises(ExecutionError, match="resume with --resume") as caught:
        run(python_file, root=tmp_path / "root")
    script.write_text(text)
    execution = str(caught.value).rpartition("--resume ")[2].rstrip(".")
    assert run(python_file, root=tmp_path / "root", resume=execution).data["status"] == "Succeeded"
    assert len(LocalSession(tmp_path / "root").executions("One")) == 1


def test_other_commands_only_read_a_file_that_starts_its_pipeline(
    python_file: Path, tmp_path: Path
) -> None:
    python_file.write_text(MADE % ("one", "One") + STARTS["wait"])
    root = tmp_path / "root"
    assert export(python_file, root=root).data["Steps"][0]["Name"] == "Say"
    assert explain(python_file, root=root).data["steps"]["Say"].startswith("would run")
    assert LocalSession(root).executions("One") == []


FIXED = """
from kinoloom.sagemaker import *
session = LocalPipelineSession()
processor = ScriptProcessor("any", "any", command=["python3"], sagemaker_session=session)
out = [ProcessingOutput("/opt/ml/processing/out", output_name="out")]
before = ProcessingStep("Before", processor.run("before.py", outputs=out))
job = ProcessingStep("Job", processor.run("job.py", outputs=out), depends_on=[before])
after = ProcessingStep("After", processor.run("after.py", outputs=out), depends_on=[job])
gate = ConditionStep(
    name="Gate", conditions=[ConditionEquals(1, 1)], if_steps=[job, after], depends_on=[before]
)
pipeline = Pipeline("P", steps=[before, gate], sagemaker_session=session)
"""
COUNT_RUNS = "open({!r}, 'a').write({!r})\n"


def test_resume_runs_the_fixed_script(tmp_path: Path) -> None:
    runs = tmp_path / "runs.txt"
    file = tmp_path / "pipeline.py"
    file.write_text(FIXED)

    def write(name: str, end: str = "") -> None:
        (tmp_path / f"{name}.py").write_text(COUNT_RUNS.format(str(runs), f"{name} ") + end)

    def fail() -> str:
        with pytest.raises(ExecutionError, match="resume with --resume") as caught:
            run(file, root=tmp_path / "root", resume=execution)
        return str(caught.value).rpartition("--resume ")[2].rstrip(".")

    execution = None
    write("before")
    write("job", "raise SystemExit('bug')\n")
    write("after", "raise SystemExit('bug')\n")
    execution = fail()
    assert runs.read_text() == "before job "
    assert fail() == execution, "nothing is fixed yet"
    assert runs.read_text() == "before job job "
    write("job", "# fixed\n")
    fail()
    assert runs.read_text() == "before job job job after "
    write("job", "# fixed once more\n")
    write("after", "# fixed\n")
    report = run(file, root=tmp_path / "root", resume=execution)
    assert report.data["execution"] == execution
    assert report.data["status"] == "Succeeded"
    assert runs.read_text() == "before job job job after job after "


def test_resume_of_an_interrupted_change_repeats_what_depends_on_it(tmp_path: Path) -> None:
    session = LocalSession(tmp_path / "root", strict=True)
    fine = {name: processing(name, entrypoint=["python3", "-S", "-c", "pass"]) for name in "ABC"}
    broken = processing("D", entrypoint=["python3", "-S", "-c", "raise SystemExit(1)"])
    fine["B"]["DependsOn"], fine["C"]["DependsOn"] = ["A"], ["B"]
    broken["DependsOn"] = ["C"]
    session.put_pipeline("P", json.dumps(definition(*fine.values(), broken)))
    execution = session.start("P")
    execution.join()
    fine["A"]["Arguments"]["AppSpecification"]["ContainerEntrypoint"][-1] = "raise SystemExit(1)"
    changed = json.dumps(definition(*fine.values(), broken))
    session.resume(execution.id, changed).join()
    statuses = {s["StepName"]: s["StepStatus"] for s in execution.list_steps()}
    assert statuses == {"A": "Failed", "B": "Waiting", "C": "Waiting", "D": "Waiting"}
    session.resume(execution.id, json.dumps(definition(fine["B"] | {"DependsOn": []}))).join()
    assert [s["StepName"] for s in execution.list_steps()] == ["B"]
    assert execution.status == "Succeeded"
