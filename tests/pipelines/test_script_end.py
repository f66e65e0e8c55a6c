"""Scripts whose last line starts a pipeline, as SageMaker's users write them."""

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


@pytest.mark.parametrize(
    ("end", "code"), [("", 0), ("raise SystemExit(3)", 3)], ids=["end", "exit"]
)
def test_execution_goes_through_when_the_script_ends(tmp_path: Path, end: str, code: int) -> None:
    (tmp_path / "pipeline.py").write_text(SCRIPT.format(end=end))
    done = subprocess.run(
        [sys.executable, "pipeline.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (code, "")
    (execution,) = LocalSession(tmp_path / "work").executions("P")
    assert execution.status == "Succeeded"
    assert execution.result("Two") == 2
