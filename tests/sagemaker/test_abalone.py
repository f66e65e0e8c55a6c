"""The abalone example on the command line: killed, resumed, passing and failing."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from kinoloom.pipelines.local.session import LocalSession

EXAMPLE = Path(__file__).parents[2] / "examples" / "pipelines" / "abalone"
WAIT_S = 500


def words(root: Path, *more: str) -> list[str]:
    line = [sys.executable, "-m", "kinoloom", "pipeline", "run", "--json"]
    return [*line, str(EXAMPLE / "pipeline.py"), "--root", str(root), *more]


def run(root: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words(root, *more), capture_output=True, text=True, timeout=WAIT_S)


def killed_in(root: Path, step: str) -> str:
    """Start the pipeline, kill the engine with SIGKILL while a step runs; the execution's id."""
    engine = subprocess.Popen(words(root), stdout=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline and engine.poll() is None:
        if (root / "state.db").is_file():
            state = LocalSession(root).workspace.state
            rows = state.query("SELECT * FROM steps WHERE name = ? AND pid > 0", step)
            if rows:
                os.killpg(engine.pid, signal.SIGKILL)
                engine.wait()
                return str(rows[0]["execution"])
        time.sleep(0.1)
    engine.kill()
    raise AssertionError(f"{step} was never seen running; exit code {engine.wait()}")


def steps_of(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    return {step["name"]: step for step in json.loads(done.stdout)["steps"]}


@pytest.mark.slow
def test_the_example_resumes_after_a_kill_and_passes_and_fails_its_gate(tmp_path: Path) -> None:
    root = tmp_path / "root"
    execution = killed_in(root, "AbaloneTrain")
    resumed = run(root, "--resume", execution)
    assert resumed.returncode == 0, resumed.stderr
    attempts = {name: step["attempts"] for name, step in steps_of(resumed).items()}
    assert attempts.pop("AbaloneTrain") == 2
    assert set(attempts.values()) == {1}
    assert len(attempts) == 8

    session = LocalSession(root)
    found = session.execution(execution)
    report = json.loads((found.result("AbaloneEval")["evaluation"] / "evaluation.json").read_text())
    metrics = report["regression_metrics"]
    assert metrics["mse"]["value"] == pytest.approx(metrics["true_mse"]["value"] ** 0.5)
    assert 2.0 < metrics["rmse"]["value"] < 2.6
    lines = (found.result("AbaloneTransform")["transform"] / "test.csv.out").read_text().split()
    truth = (found.result("AbaloneProcess")["test"] / "test.csv").read_text().split()
    errors = [
        float(line.split(",")[0]) - float(row.split(",")[0])
        for line, row in zip(lines, truth, strict=True)
    ]
    root_mean_square = (sum(error**2 for error in errors) / len(errors)) ** 0.5
    assert root_mean_square == pytest.approx(metrics["rmse"]["value"], rel=1e-4)
    (package,) = session.models.list_packages("AbaloneGroup")
    assert package["approval"] == "PendingManualApproval"
    assert package["metrics"]["ModelQuality.Statistics"] == report

    again = run(root, "--set", "ModelApprovalStatus=Approved")
    assert again.returncode == 0, again.stderr
    ran = [name for name, step in steps_of(again).items() if step["cache"].startswith("ran")]
    assert ran == [], "nothing that decides a job has changed"
    assert session.models.list_packages("AbaloneGroup")[0]["approval"] == "Approved"

    failed = run(root, "--set", "MseThreshold=2.0")
    assert failed.returncode == 1
    assert "Execution failed due to MSE > 2.0. When the cause is fixed" in failed.stderr
    assert len(session.models.list_packages("AbaloneGroup")) == 2
