"""Pipelines with a failure at each write, flush, rename and creation of the engine."""

import json
from pathlib import Path

import pytest
from definition_samples import definition, get, processing

from fault_injection import Work, check_all_failures
from kinoloom.pipelines.local.session import LocalSession

WRITE = (
    "import os; ml = os.environ['KINOLOOM_ML_ROOT'] + '/processing'; "
    "open(ml + '/out/out/a', 'w').write('result')"
)
FROM_A = get("Steps.A.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri")


def run(folder: Path) -> None:
    """Upload an input and run a pipeline on it."""
    session = LocalSession(folder / "root")
    session.upload(b"input", "s3://bucket/in/f")
    words = ["python3", "-S", "-c", WRITE]
    a = processing("A", entrypoint=words, inputs={"in": "s3://bucket/in"}, outputs=("out",))
    session.put_pipeline("Test", json.dumps(definition(a)))
    session.start("Test").wait()


def read(folder: Path) -> dict[str, object]:
    """Return the outputs of the latest execution that succeeded."""
    session = LocalSession(folder / "root")
    executions = [one for one in session.executions("Test") if one.status == "Succeeded"]
    if not executions:
        return {}
    return {"a": (executions[0].result("A")["out"] / "a").read_text()}


@pytest.mark.parametrize(
    ("family", "variants"),
    [("write", (False, True)), ("rename", (False, True)), ("create", (False,))],
)
def test_failed_execution_can_be_repeated(
    tmp_path: Path, family: str, variants: tuple[bool, ...]
) -> None:
    work = Work(run, read, ("root",), is_movable=False)
    assert check_all_failures(work, family, tmp_path, variants) > 0
