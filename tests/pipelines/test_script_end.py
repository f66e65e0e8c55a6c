"""Scripts whose last line starts a pipeline, as SageMaker's users write them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from kinoloom.pipelines import LocalSession

SCRIPT = """
from kinoloom.pipelines import LocalSession, Pipeline, step

@step(name="One")
def one() -> int:
    return 1

@step(name="Two")
def two(number: int) -> int:
    return number + 1

pipeline = Pipeline("P", steps=[two(one())], sagemaker_session=LocalSession("work"))
pipeline.upsert(role_arn="role")
execution = pipeline.start()
{end}
"""


def run_script(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    (folder / "pipeline.py").write_text(text)
    return subprocess.run(
        [sys.executable, "pipeline.py"], cwd=folder, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize(
    ("end", "code"), [("", 0), ("raise SystemExit(3)", 3)], ids=["end", "exit"]
)
def test_execution_goes_through_when_the_script_ends(tmp_path: Path, end: str, code: int) -> None:
    done = run_script(tmp_path, SCRIPT.format(end=end))
    (execution,) = LocalSession(tmp_path / "work").executions("P")
    lines = re.sub(r"[\d.]+ s\b", "N s", done.stderr)
    assert (done.returncode, done.stdout) == (code, "")
    assert lines.splitlines() == [
        f"Pipeline 'P': execution {execution.id} started.",
        "Step 'One' started.",
        "Step 'One' succeeded after N s",
        "Step 'Two' started.",
        "Step 'Two' succeeded after N s",
        f"Pipeline execution {execution.id} SUCCEEDED",
    ]
    assert execution.status == "Succeeded"
    assert execution.result("Two") == 2


def test_failure_after_the_script_ended_gives_its_exit_code(tmp_path: Path) -> None:
    text = SCRIPT.format(end="print('the end')").replace("return 1", "raise OSError('no data')")
    done = run_script(tmp_path, text)
    (execution,) = LocalSession(tmp_path / "work").executions("P")
    assert (done.returncode, done.stdout) == (1, "the end\n")
    last = done.stderr.partition(f"Pipeline execution {execution.id} FAILED: Step 'One' failed")[2]
    assert "OSError: no data" in last


def test_stop_by_another_process_gives_the_exit_code_too(tmp_path: Path) -> None:
    stop = "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time\\n"
    stop += "from kinoloom.pipelines import LocalSession\\n"
    stop += 'LocalSession("work").executions("P")[0].stop()\'])'
    text = SCRIPT.format(end=stop).replace("return 1", "import time; time.sleep(600)")
    done = run_script(tmp_path, text)
    assert done.returncode == 1
    assert done.stderr.endswith("STOPPED\n")


@pytest.mark.parametrize(
    "end",
    [
        "try:\n    execution.wait()\nexcept Exception as error:\n    print('seen')",
        "import time\nwhile execution.status == 'Executing':\n    time.sleep(0.1)\nprint('seen')",
    ],
    ids=["wait", "status"],
)
def test_script_that_has_seen_the_end_is_left_alone(tmp_path: Path, end: str) -> None:
    done = run_script(tmp_path, SCRIPT.format(end=end).replace("return 1", "raise OSError('no')"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "seen\n", "")


def test_sdk_session_prints_progress_from_the_start(tmp_path: Path) -> None:
    text = SCRIPT.format(end="execution.wait()\nprint('waited')")
    text = text.replace('LocalSession("work")', 'LocalPipelineSession(root="work")')
    text = text.replace(
        "from kinoloom.pipelines import LocalSession, Pipeline, step",
        "from kinoloom.sagemaker import LocalPipelineSession, Pipeline, step",
    )
    done = run_script(tmp_path, text)
    assert (done.returncode, done.stdout) == (0, "waited\n")
    assert done.stderr.endswith("SUCCEEDED\n")
