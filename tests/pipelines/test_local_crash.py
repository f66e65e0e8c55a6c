"""SIGKILL of the engine at every commit point and of its children; two processes on one root."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from definition_samples import condition, definition, equals, get, processing

from kinoloom.pipelines.local.execution import LocalExecution
from kinoloom.pipelines.local.jobs import worker
from kinoloom.pipelines.local.jobs.mounts import namespaces_work, unshare_words
from kinoloom.pipelines.local.jobs.worker import Worker
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.pipelines.local.storage import objects, store
from kinoloom.pipelines.local.storage.state import State
from kinoloom.pipelines.local.storage.store import file_digest

MAKE = (
    "import os; ml = os.environ['KINOLOOM_ML_ROOT']; "
    "open(ml + '/processing/out/out/f', 'w').write('made')"
)
COPY = (
    "import os; ml = os.environ['KINOLOOM_ML_ROOT'] + '/processing'; "
    "open(ml + '/out/out/f', 'w').write(open(ml + '/in/f').read() + ' and copied')"
)
# What changes the disk or the state, and so what another process may find half done.
COMMITS: list[tuple[Any, str]] = [
    (State, "_write"),
    (Path, "replace"),
    (Path, "write_bytes"),
    (os, "link"),
    (store, "_link"),
    (store, "_place"),
    (objects, "remove"),
    (worker, "create_folders"),
    (worker, "place_input"),
    (Worker, "_collect"),
    (Worker, "_publish"),
    (Worker, "tidy"),
]


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


def drive(root: Path, kill_at: int, count_file: Path | None = None) -> None:
    """Run the pipeline in this process; kill it before commit number `kill_at`."""
    passed = 0

    def counted(call: Callable[..., Any]) -> Callable[..., Any]:
        def one(*given: Any, **named: Any) -> Any:
            nonlocal passed
            passed += 1
            if passed == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*given, **named)

        return one

    session = LocalSession(root)
    for place, name in COMMITS:
        wrapped = counted(getattr(place, name))
        setattr(place, name, staticmethod(wrapped) if name == "tidy" else wrapped)
    execution = session.start("Test")
    execution.join()
    assert execution.status == "Succeeded"
    if count_file is not None:
        count_file.write_text(str(passed))


def driven(root: Path, kill_at: int, count_file: Path | None = None) -> Any:
    """`drive` in a process of its own, forked: nothing is imported again."""
    fork = multiprocessing.get_context("fork")
    process = fork.Process(target=drive, args=(root, kill_at, count_file))
    process.start()
    return process


def contents(session: LocalSession, execution: LocalExecution) -> dict[str, str]:
    """Every file that the execution left below s3://, by its name without the execution's."""
    base = session.workspace.objects.path(f"s3://bucket/out/{execution.id}")
    files = [path for path in base.rglob("*") if path.is_file()]
    return {path.relative_to(base).as_posix(): path.read_text() for path in files}


@pytest.mark.slow
def test_an_engine_killed_at_any_commit_is_resumed_to_the_same_end(tmp_path: Path) -> None:
    prepared(tmp_path / "whole")
    count_file = tmp_path / "count"
    whole = driven(tmp_path / "whole", 0, count_file)
    whole.join()
    assert whole.exitcode == 0
    session = LocalSession(tmp_path / "whole")
    uninterrupted = contents(session, session.executions("Test")[0])
    assert uninterrupted == {"A/out/f": "made", "B/out/f": "made and copied"}
    commits = int(count_file.read_text())
    assert commits > 30
    for kill_at in range(1, commits + 1):
        root = tmp_path / str(kill_at)
        session = prepared(root)
        engine = driven(root, kill_at)
        engine.join()
        assert engine.exitcode == -signal.SIGKILL, kill_at
        rows = session.workspace.state.list_executions("Test")
        if not rows:  # killed before there was an execution
            continue
        done = {
            s["name"]
            for s in session.workspace.state.list_steps(rows[0]["id"])
            if s["status"] == "Succeeded"
        }
        execution = session.resume(rows[0]["id"])
        execution.wait()
        assert contents(session, execution) == uninterrupted, kill_at
        attempts = {s["StepName"]: s["AttemptCount"] for s in execution.list_steps()}
        assert all(attempts[name] == 1 for name in done), (kill_at, attempts)
        assert sum(attempts.values()) in (3, 4), (kill_at, attempts)
        for blob in session.workspace.store.blobs():
            if not blob.name.startswith("."):
                assert file_digest(blob) == blob.parent.name + blob.name, kill_at


@pytest.mark.parametrize("moment", ["at once", "after its work"])
def test_a_killed_step_fails_and_only_it_is_repeated(tmp_path: Path, moment: str) -> None:
    session = prepared(tmp_path / "root")
    mark = tmp_path / "mark"
    suicide = (
        f"import os, signal; ml = os.environ['KINOLOOM_ML_ROOT'] + '/processing/out/out/f'\n"
        f"first = not os.path.exists({str(mark)!r}); open({str(mark)!r}, 'w').close()\n"
        f"if first and {moment!r} == 'at once': os.kill(os.getpid(), signal.SIGKILL)\n"
        f"open(ml, 'w').write('made')\n"
        f"if first: os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    before = processing("A", entrypoint=["python3", "-S", "-c", MAKE], outputs=("out",))
    killed = processing("K", entrypoint=["python3", "-S", "-c", suicide], outputs=("out",))
    steps = [before, {**killed, "DependsOn": ["A"]}]
    session.put_pipeline("Kill", json.dumps(definition(*steps)))
    execution = session.start("Kill")
    execution.join()
    assert "killed by SIGKILL" in execution.describe()["FailureReason"]
    assert contents(session, execution) == {"A/out/f": "made"}, "a failed step leaves nothing"
    execution = session.resume(execution.id)
    execution.wait()
    assert contents(session, execution) == {"A/out/f": "made", "K/out/f": "made"}
    attempts = {s["StepName"]: s["AttemptCount"] for s in execution.list_steps()}
    assert attempts == {"A": 1, "K": 2}


def test_processes_share_a_root(tmp_path: Path) -> None:
    session = prepared(tmp_path / "root")
    engines = [driven(tmp_path / "root", 0) for _ in range(3)]
    for engine in engines:
        engine.join()
        assert engine.exitcode == 0
    rows = session.workspace.state.list_executions("Test")
    assert len(rows) == 3
    for row in rows:
        made = session.execution(row["id"]).result("B")["out"] / "f"
        assert made.read_text() == "made and copied"


FULL = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from definition_samples import definition, processing
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.pipelines.local.storage.store import file_digest

root = Path(sys.argv[1])
session = LocalSession(root, isolation="plain")
ml = "import os; ml = os.environ['KINOLOOM_ML_ROOT'] + '/processing/out/out/f'; "
size = "size = int(open(os.environ['SIZE']).read()); "
write = ml + size + "file = open(ml, 'wb'); file.write(b'x' * size); file.close()"
def step(name, needs, file):
    made = processing(name, entrypoint=["python3", "-S", "-c", write], outputs=("out",),
                      Environment={"SIZE": file})
    return {**made, "DependsOn": needs}
(root / "little").write_text("1000")
(root / "much").write_text(str(1 << 24))
steps = [step("A", [], str(root / "little")), step("B", ["A"], str(root / "much"))]
session.put_pipeline("P", json.dumps(definition(*steps)))
execution = session.start("P")
execution.join()
assert execution.status != "Succeeded", execution.status
print(execution.describe()["FailureReason"])
(root / "much").write_text("2000")
session = LocalSession(root, isolation="plain")
session.resume(execution.id).wait()
attempts = [s["AttemptCount"] for s in session.execution(execution.id).list_steps()]
assert attempts == [1, 2], attempts
for blob in session.workspace.store.blobs():
    assert blob.name.startswith(".") or file_digest(blob) == blob.parent.name + blob.name
print("went on")
"""


@pytest.mark.skipif(not namespaces_work(), reason="needs a namespace to mount a small disk in")
def test_a_full_disk_fails_a_step_and_the_root_stays_sound(tmp_path: Path) -> None:
    mount = 'mount -t tmpfs -o size=4m small "$1" && exec "$2" -c "$3" "$1" "$4"'
    words = [str(tmp_path), sys.executable, FULL, str(Path(__file__).parent)]
    done = subprocess.run(
        [*unshare_words(), "sh", "-c", mount, "sh", *words], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "The disk is full; the step's files were removed" in done.stdout
    assert done.stdout.endswith("went on\n")
