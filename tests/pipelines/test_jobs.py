"""Restarts of killed jobs, framework processors, and a debugger in a step."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from definition_samples import condition, definition, equals, processing, training

from kinoloom.pipelines.builder.pipeline import Pipeline
from kinoloom.pipelines.local.execution import LocalExecution
from kinoloom.pipelines.local.jobs.mounts import namespaces_work
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.sagemaker.processing import FrameworkProcessor, ProcessingOutput
from kinoloom.sagemaker.sklearn import SKLearn
from kinoloom.sagemaker.workflow.steps import ProcessingStep

ISOLATIONS: list[Any] = ["namespace", "plain"] if namespaces_work() else ["plain"]


def run(session: LocalSession, step: dict[str, Any]) -> LocalExecution:
    session.put_pipeline("Test", json.dumps(definition(step)))
    execution = session.start("Test")
    execution.join()
    return execution


@pytest.mark.parametrize("isolation", ISOLATIONS)
@pytest.mark.parametrize(
    "again",
    [
        {"RetryStrategy": {"MaximumRetryAttempts": 2}},
        {
            "EnableManagedSpotTraining": True,
            "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 120},
        },
    ],
    ids=["retries", "spot"],
)
def test_a_killed_training_restarts_from_its_checkpoints(
    tmp_path: Path, again: dict[str, Any], isolation: Any
) -> None:
    session = LocalSession(tmp_path / "root", isolation=isolation)
    execution = run(session, training(**again))
    assert execution.status == "Succeeded", execution.describe()
    assert execution.list_steps()[0]["AttemptCount"] == 1
    words = execution.logs("T").split("\n")
    told = [line for line in words if line]
    killed = "kinoloom: killed by SIGKILL, restarts"
    assert told == ["beginning 1", killed, "beginning 2", killed, "beginning 3"]
    assert session.workspace.objects.path("s3://bucket/checkpoints/count").read_text() == "3"


def test_an_ordinary_training_that_is_killed_fails_and_resume_finds_its_checkpoints(
    tmp_path: Path,
) -> None:
    session = LocalSession(tmp_path / "root")
    execution = run(session, training())
    assert "killed by SIGKILL" in execution.describe()["FailureReason"]
    for beginning in (2, 3):
        execution = session.resume(execution.id)
        execution.join()
        assert execution.logs("T").strip() == f"beginning {beginning}"
    assert execution.status == "Succeeded"


def test_a_spot_training_does_not_restart_after_its_time(tmp_path: Path) -> None:
    session = LocalSession(tmp_path / "root")
    late = {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 0.001}
    step = training(EnableManagedSpotTraining=True, StoppingCondition=late)
    execution = run(session, step)
    assert execution.status == "Failed"
    assert execution.logs("T").strip() == "beginning 1"


def test_links_in_checkpoints_are_not_followed(tmp_path: Path) -> None:
    """What a step has left where others read is never a way to other files of this machine."""
    (tmp_path / "secret.json").write_text('{"a": 1}')
    session = LocalSession(tmp_path / "root")
    place = session.workspace.objects.path("s3://bucket/checkpoints")
    place.mkdir(parents=True)
    (place / "out.json").symlink_to(tmp_path / "secret.json")
    value = {"Std:JsonGet": {"S3Uri": "s3://bucket/checkpoints/out.json", "Path": "a"}}
    reading = condition("Reading", equals(value, 1))
    taking = processing("Taking", inputs={"in": "s3://bucket/checkpoints"})
    for step, told in ((reading, "is outside its folder"), (taking, "must be a file")):
        execution = run(session, step)
        assert told in execution.describe()["FailureReason"]


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_a_framework_processor_unpacks_its_folder_and_runs(tmp_path: Path, isolation: Any) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "helper.py").write_text("WORD = 'helped'\n")
    (code / "requirements.txt").write_text("no-such-package-at-all\n")
    (code / "proc.py").write_text(
        "import os, sys\nfrom helper import WORD\n"
        "out = os.environ['KINOLOOM_ML_ROOT'] + '/processing/output/f'\n"
        "open(out, 'w').write(' '.join([WORD, *sys.argv[1:]]))\n"
    )
    session = LocalSession(tmp_path / "root", isolation=isolation)
    run_ = FrameworkProcessor(SKLearn, "1.2-1").run(
        code="proc.py", source_dir=str(code), arguments=["--x", "two words; $HOME"],
        outputs=[ProcessingOutput("/opt/ml/processing/output", output_name="out")],
    )  # fmt: skip
    pipeline = Pipeline("P", steps=[ProcessingStep("S", run_)], sagemaker_session=session)
    pipeline.upsert()
    execution = pipeline.start(wait=True)
    made = execution.result("S")["out"] / "f"
    assert made.read_text() == "helped --x two words; $HOME"


def test_inline_steps_have_the_terminal_for_a_debugger(tmp_path: Path) -> None:
    """`breakpoint()` in a step stops, answers what is typed, and goes on."""
    program = f"""
import json, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from definition_samples import definition, processing
from kinoloom.pipelines.local.session import LocalSession
session = LocalSession({str(tmp_path / "root")!r}, isolation="inline")
code = "number = 41; breakpoint(); print('went', 'on')"
step = processing("S", entrypoint=["python3", "-S", "-c", code])
session.put_pipeline("P", json.dumps(definition(step)))
execution = session.start("P")
execution.wait()
print(execution.status)
"""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-c", program], stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    os.write(ours, b"p number + 1\ncontinue\n")
    told = b""
    try:
        while block := os.read(ours, 1024):
            told += block
    except OSError:  # how a terminal on Linux says that its other end is closed
        pass
    os.close(ours)
    assert child.wait(timeout=60) == 0, told.decode()
    lines = [line.strip().removeprefix("(Pdb) ") for line in told.decode().splitlines()]
    assert "42" in lines
    assert "went on" in lines
    assert lines[-1] == "Succeeded"
