"""Any error, wherever it is raised, ends its step with a message; nothing stays "Executing"."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from definition_samples import condition, definition, equals, json_get, lambda_step, processing

from kinoloom.errors import ExecutionError, OutputError
from kinoloom.pipelines.local.execution import LocalExecution
from kinoloom.pipelines.local.jobs import process, step_log, worker
from kinoloom.pipelines.local.jobs.worker import Worker
from kinoloom.pipelines.local.kinds import LOCAL_KINDS
from kinoloom.pipelines.local.scope import Scope
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.pipelines.local.storage.objects import Objects
from kinoloom.pipelines.local.storage.state import State
from kinoloom.pipelines.local.storage.store import Store

ARN = "arn:aws:lambda:us-west-2:123456789012:function:f"
WRITE = (
    "import os, sys; open(os.environ['KINOLOOM_ML_ROOT'] + '/processing/out/out/e.json', 'w')"
    ".write(sys.argv[1] * int(sys.argv[2]))"
)
FINAL = {"Succeeded", "Failed", "Stopped"}


@pytest.fixture
def session(tmp_path: Path) -> LocalSession:
    return LocalSession(tmp_path / "root")


def run(session: LocalSession, *steps: dict[str, Any]) -> LocalExecution:
    """Run a pipeline that must fail, and check that every step has ended."""
    session.put_pipeline("Test", json.dumps(definition(*steps)))
    execution = session.start("Test")
    with pytest.raises(ExecutionError):
        execution.wait()
    assert execution.status == "Failed"
    assert {step["StepStatus"] for step in execution.list_steps()} <= FINAL
    assert not session.workspace.is_running(execution.id)
    return execution


def reason(execution: LocalExecution) -> str:
    return str(execution.describe()["FailureReason"])


@pytest.mark.parametrize(
    ("text", "count", "message"),
    [
        ("[", 200_000, "is nested too deeply"),
        ('{"a":', 200_000, "is nested too deeply"),
        ("9", 5000, "is not valid JSON"),
        ("\ud800", 1, "is not valid JSON"),
    ],
)
def test_property_files_that_cannot_be_read(
    session: LocalSession, text: str, count: int, message: str
) -> None:
    files = [{"PropertyFileName": "R", "OutputName": "out", "FilePath": "e.json"}]
    code = WRITE.replace("'w')", "'w', errors='surrogatepass')")
    step = processing(
        "E", entrypoint=["python3", "-S", "-c", code, ascii(text)[1:-1], str(count)],
        outputs=("out",), PropertyFiles=files,
    )  # fmt: skip
    choice = condition("C", equals(json_get("E", "R", "a"), 1))
    assert message in reason(run(session, step, choice))


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RecursionError("too deep"), "RecursionError: too deep"),
        (SystemExit(1), "SystemExit: 1"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (MemoryError(), "MemoryError"),
        (OSError("\udcff"), "OSError: \\xff"),
    ],
)
def test_errors_of_functions(session: LocalSession, error: BaseException, message: str) -> None:
    def function(event: Any, context: Any) -> Any:
        raise error

    session.register_function(ARN, function)
    assert reason(run(session, lambda_step("A"))).endswith(message)


def test_results_that_cannot_be_stored(session: LocalSession) -> None:
    session.register_function(ARN, lambda event, context: {"answer": 10**5000})
    assert "cannot be stored" in reason(run(session, lambda_step("A")))


PLACES: list[tuple[Any, str]] = [
    (Scope, "value"),
    (Objects, "path"),
    (Store, "digest_of"),
    (Store, "keep"),
    (Store, "tree"),
    (Worker, "explain_miss"),
    (Worker, "_publish"),
    (worker, "create_folders"),
    (worker, "place_input"),
    (process, "_watch"),
    (step_log.StepLog, "open"),
    (State, "set_process"),
]


@pytest.mark.parametrize(("place", "name"), PLACES, ids=[name for _, name in PLACES])
def test_errors_anywhere_in_a_job(
    session: LocalSession, monkeypatch: pytest.MonkeyPatch, place: Any, name: str
) -> None:
    def raise_error(*given: Any, **named: Any) -> Any:
        raise RecursionError("deep")

    session.upload(b"x", "s3://bucket/in/file")
    step = processing("A", inputs={"in": "s3://bucket/in"}, outputs=("out",))
    monkeypatch.setattr(place, name, raise_error)
    found = run(session, step)
    assert "RecursionError: deep" in reason(found)
    monkeypatch.undo()
    session.resume(found.id).wait()


@pytest.mark.parametrize("step_type", ["Condition", "Processing", "Lambda"])
def test_errors_of_kinds(
    session: LocalSession, monkeypatch: pytest.MonkeyPatch, step_type: str
) -> None:
    steps = {
        "Condition": condition("A", equals(1, 1)),
        "Processing": processing("A"),
        "Lambda": lambda_step("A"),
    }

    def raise_error(*given: Any) -> Any:
        raise RecursionError("deep")

    kind = LOCAL_KINDS[step_type]
    for field in ("decide", "build_job", "prepare"):
        if getattr(kind, field) is not None:
            monkeypatch.setitem(kind.__dict__, field, raise_error)
    assert reason(run(session, steps[step_type])).endswith("RecursionError: deep")


@pytest.mark.parametrize("name", ["begin_step", "end_step"])
def test_state_that_cannot_be_written(
    session: LocalSession, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The running steps are stopped: their results could not be recorded."""
    broken = threading.Event()
    write: Callable[..., None] = getattr(State, name)

    def fail(state: State, *given: Any) -> None:
        if "B" in given:
            broken.set()
        if broken.is_set():
            raise OutputError("The state cannot be used.")
        write(state, *given)

    monkeypatch.setattr(State, name, fail)
    sleep = processing("A", entrypoint=["python3", "-S", "-c", "import time; time.sleep(600)"])
    session.put_pipeline("Test", json.dumps(definition(sleep, processing("B"))))
    execution = session.start("Test")
    with pytest.raises(ExecutionError, match=r"The engine failed: The state cannot be used\."):
        execution.wait()
    assert not session.workspace.is_running(execution.id)


def test_end_that_cannot_be_written_is_still_known(
    session: LocalSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = State.set_status

    def fail(state: State, execution: str, status: str, reason: str = "") -> None:
        if status == "Failed":
            raise OutputError("The state cannot be used.")
        write(state, execution, status, reason)

    monkeypatch.setattr(State, "set_status", fail)
    step = processing("A", inputs={"in": "s3://bucket/absent"})
    session.put_pipeline("Test", json.dumps(definition(step)))
    execution = session.start("Test")
    with pytest.raises(ExecutionError, match=r"absent does not exist.* The state cannot be used"):
        execution.wait()
    assert execution.status == "Failed"


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"no database at all" * 100, "is damaged"), (None, "Make the folder and its files writable")],
)
def test_databases_that_cannot_be_used(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "state.db"
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)
    with pytest.raises(OutputError, match=message):
        LocalSession(tmp_path)


def test_damage_that_appears_later_is_reported(session: LocalSession) -> None:
    session.workspace.state.close()
    with pytest.raises(OutputError, match="cannot be used"):
        session.workspace.state.put_pipeline("P", "{}", "")
    with pytest.raises(OutputError, match="cannot be used"):
        session.executions("P")


def test_thread_that_cannot_be_started(
    session: LocalSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def fail(thread: threading.Thread) -> None:
        if thread.name.endswith("-B"):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", fail)
    sleep = processing("A", entrypoint=["python3", "-S", "-c", "import time; time.sleep(600)"])
    message = "The engine failed: No thread can be started: can't start new thread."
    assert message in reason(run(session, sleep, processing("B")))
