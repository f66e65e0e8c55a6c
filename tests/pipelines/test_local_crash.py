"""SIGKILL at every change of the state, and two processes on one root."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from made_definitions import condition, definition, equals, get, processing

from kinoloom.pipelines.local.session import LocalSession

DRIVER = """
    import os, signal, sys
    from kinoloom.pipelines.local import worker
    from kinoloom.pipelines.local.session import LocalSession
    from kinoloom.pipelines.local.state import State

    left = int(sys.argv[2])
    write, adopt = State._write, worker.Worker._publish

    def count(call):
        def counted(*given):
            global left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*given)
        return counted

    State._write, worker.Worker._publish = count(write), count(adopt)
    session = LocalSession(sys.argv[1])
    execution = session.start("Test")
    execution.join()
    print(execution.status)
"""
MAKE = (
    "import os; ml = os.environ['KINOLOOM_ML_ROOT']; "
    "open(ml + '/processing/out/out/f', 'w').write('made')"
)
COPY = (
    "import os; ml = os.environ['KINOLOOM_ML_ROOT'] + '/processing'; "
    "open(ml + '/out/out/f', 'w').write(open(ml + '/in/f').read() + ' and copied')"
)


def prepared(root: Path) -> LocalSession:
    session = LocalSession(root)
    made = get("Steps.A.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri")
    copy = processing(
        "B", entrypoint=["python3", "-S", "-c", COPY], inputs={"in": made}, outputs=("out",)
    )
    first = processing("A", entrypoint=["python3", "-S", "-c", MAKE], outputs=("out",))
    choice = {**condition("C", equals(1, 1), then=[copy]), "DependsOn": ["A"]}
    steps = [first, choice]
    session.put_pipeline("Test", json.dumps(definition(*steps)))
    return session


def drive(root: Path, kill_at: int) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", textwrap.dedent(DRIVER), str(root), str(kill_at)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("first", [2, 6, 10])
def test_an_engine_killed_before_any_change_is_resumed_to_the_same_end(
    tmp_path: Path, first: int
) -> None:
    """Changes number 2 to 13, the last, of an execution; each kill has a root of its own."""
    runs = {k: (prepared(tmp_path / str(k)), drive(tmp_path / str(k), k)) for k in
            range(first, first + 4)}  # fmt: skip
    for kill_at, (session, engine) in runs.items():
        out, err = engine.communicate(timeout=120)
        assert engine.returncode == -9, err
        execution_id = session.state.executions("Test")[0]["id"]
        execution = session.resume(execution_id)
        execution.wait()
        assert (execution.result("B")["out"] / "f").read_text() == "made and copied"
        statuses = [step["StepStatus"] for step in execution.list_steps()]
        assert statuses == ["Succeeded"] * 3, f"killed before change {kill_at}"
        attempts = sum(step["AttemptCount"] for step in execution.list_steps())
        assert attempts in (3, 4), "at most the step that was running is repeated"
        assert not out


def test_two_processes_share_a_root(tmp_path: Path) -> None:
    session = prepared(tmp_path / "root")
    engines = [drive(tmp_path / "root", 0) for _ in range(3)]
    for engine in engines:
        out, err = engine.communicate(timeout=120)
        assert out.strip() == "Succeeded", err
    rows = session.state.executions("Test")
    assert len(rows) == 3
    for row in rows:
        made = session.execution(row["id"]).result("B")["out"] / "f"
        assert made.read_text() == "made and copied"
