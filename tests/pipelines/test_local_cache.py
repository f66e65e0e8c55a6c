"""The cache explains its hits and misses; interrupted executions resume."""

import json
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
from definition_samples import definition, get, processing

from kinoloom.errors import ExecutionError, UsageError
from kinoloom.pipelines.local.execution import LocalExecution
from kinoloom.pipelines.local.jobs.cache_key import first_difference
from kinoloom.pipelines.local.jobs.process import start_time
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.pipelines.local.storage.state import _MIGRATIONS, State

COPY = (
    "import os; ml = os.environ['KINOLOOM_ML_ROOT'] + '/processing'; "
    "open(ml + '/out/out/f', 'w').write(open(ml + '/in/f').read() * 2)"
)
FROM_A = get("Steps.A.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri")


def chain(**more: Any) -> list[dict[str, Any]]:
    """Two steps that each double a file."""
    words = ["python3", "-S", "-c", COPY]
    a = processing("A", entrypoint=words, inputs={"in": "s3://bucket/in"}, outputs=("out",), **more)
    b = processing("B", entrypoint=words, inputs={"in": FROM_A}, outputs=("out",))
    return [a, b]


def run(session: LocalSession, steps: list[dict[str, Any]], name: str = "Test") -> LocalExecution:
    session.put_pipeline(name, json.dumps(definition(*steps)))
    execution = session.start(name)
    execution.wait()
    return execution


def notes(execution: LocalExecution) -> dict[str, str]:
    return {step["StepName"]: step["CacheExplanation"] for step in execution.list_steps()}


def test_equal_work_is_reused_and_every_miss_is_explained(tmp_path: Path) -> None:
    session = LocalSession(tmp_path / "root")
    session.upload(b"x", "s3://bucket/in/f")
    first = run(session, chain())
    assert notes(first) == dict.fromkeys("AB", "ran: no earlier success")
    second = run(session, chain())
    told = f"cache hit: execution {first.id}"
    assert notes(second) == dict.fromkeys("AB", told)
    step = second.list_steps()[0]
    assert step["CacheHitResult"] == {"SourcePipelineExecutionArn": first.arn}
    assert (second.result("B")["out"] / "f").read_text() == "xxxx"
    other_name = run(session, chain(), "Other")
    assert notes(other_name)["B"] == told, "the name of the pipeline decides nothing"
    session.upload(b"y", "s3://bucket/in/f")
    third = run(session, chain())
    assert notes(third)["A"].startswith("ran: Inputs['/opt/ml/processing/in'] was '")
    assert (third.result("B")["out"] / "f").read_text() == "yyyy"
    fourth = run(session, chain(Environment={"DEPTH": "5"}))
    assert notes(fourth)["A"] == "ran: Arguments.Environment is new: {'DEPTH': '5'}"
    assert notes(fourth)["B"] == f"cache hit: execution {third.id}", "A made the same again"


def test_a_step_may_disable_the_cache_and_outputs_expire(tmp_path: Path) -> None:
    session = LocalSession(tmp_path / "root")
    session.upload(b"x", "s3://bucket/in/f")
    run(session, chain())
    off = run(session, chain(CacheConfig={"Enabled": False}))
    assert notes(off)["A"] == "ran: caching is off for this step"
    time.sleep(1.1)
    old = run(session, chain(CacheConfig={"Enabled": True, "ExpireAfter": "PT1S"}))
    assert notes(old)["A"] == "ran: the cached outputs expired or are gone"
    strict = LocalSession(tmp_path / "root", strict=True)
    asked = run(strict, chain(CacheConfig={"Enabled": True, "ExpireAfter": "P1D"}))
    assert notes(asked)["A"].startswith("cache hit")
    assert notes(asked)["B"] == "ran: caching is off for this step"


def test_changed_outputs_are_not_reused(tmp_path: Path) -> None:
    session = LocalSession(tmp_path / "root")
    session.upload(b"x", "s3://bucket/in/f")
    first = run(session, chain())
    file = first.result("A")["out"] / "f"
    file.chmod(0o644)
    file.write_text("changed by hand")
    again = run(session, chain())
    assert notes(again)["A"] == "ran: the cached outputs expired or are gone"
    assert (again.result("A")["out"] / "f").read_text() == "xx"


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"a": 1}, {"a": 1}, ""),
        ({"a": 1}, {"a": 2}, "a was 1, is 2"),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, "a.b[1] was 2, is 3"),
        ({"a": [1]}, {"a": [1, 2]}, "a was [1], is [1, 2]"),
        ({"a": 1, "b": 2}, {"b": 2}, "a was 1, is missing"),
        ({}, {"x y": True}, "['x y'] is new: true"),
    ],
)
def test_the_first_difference_in_words(before: Any, after: Any, told: str) -> None:
    assert first_difference(before, after) == told


DRIVER = """
    import json, sys
    from kinoloom.pipelines.local.session import LocalSession
    session = LocalSession(sys.argv[1])
    session.put_pipeline("Test", open(sys.argv[2]).read())
    execution = session.start("Test")
    print(execution.id, flush=True)
    execution.join()
"""
SLOW = (
    "import os, time; print(os.getpid(), flush=True); time.sleep(60 if os.path.exists({!r}) else 0)"
)


def interrupted(tmp_path: Path) -> tuple[LocalSession, str, int, Path]:
    """An execution whose engine was killed while its second step ran, and that step's process."""
    hold = tmp_path / "hold"
    hold.touch()
    session = LocalSession(tmp_path / "root")
    session.upload(b"x", "s3://bucket/in/f")
    slow = processing(
        "C",
        entrypoint=["python3", "-S", "-c", SLOW.format(str(hold))],
        inputs={"in": get("Steps.B.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri")},
    )
    last = processing("D", entrypoint=["python3", "-S", "-c", "pass"], DependsOn=["C"])
    (tmp_path / "p.json").write_text(json.dumps(definition(*chain(), slow, last)))
    words = [sys.executable, "-c", textwrap.dedent(DRIVER), session.root, tmp_path / "p.json"]
    engine = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert engine.stdout is not None
    execution = session.execution(engine.stdout.readline().strip())
    deadline = time.monotonic() + 30
    while not any(s["StepName"] == "C" for s in execution.list_steps()) or not execution.logs("C"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with pytest.raises(ExecutionError, match="is already running"):
        session.resume(execution.id)
    engine.send_signal(signal.SIGKILL)
    engine.wait()
    engine.stdout.close()
    return session, execution.id, int(execution.logs("C")), hold


def test_resume_repeats_only_unfinished_steps(tmp_path: Path) -> None:
    session, execution_id, orphan, hold = interrupted(tmp_path)
    with pytest.raises(ExecutionError, match="was interrupted"):
        session.execution(execution_id).wait()
    before = {s["StepName"]: s["EndTime"] for s in session.execution(execution_id).list_steps()[:2]}
    hold.unlink()
    execution = session.resume(execution_id)
    execution.wait()
    deadline = time.monotonic() + 10
    while start_time(orphan) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not start_time(orphan), "the step of the killed engine is still alive"
    steps = {s["StepName"]: s for s in execution.list_steps()}
    assert {name: s["StepStatus"] for name, s in steps.items()} == dict.fromkeys(
        "ABCD", "Succeeded"
    )
    assert {name: steps[name]["EndTime"] for name in "AB"} == before
    assert {name: s["AttemptCount"] for name, s in steps.items()} == {
        "A": 1, "B": 1, "C": 2, "D": 1
    }  # fmt: skip
    assert session.resume(execution_id).status == "Succeeded"


def test_resume_retries_failed_steps(tmp_path: Path) -> None:
    session = LocalSession(tmp_path / "root")
    session.upload(b"x", "s3://bucket/in/f")
    needed = tmp_path / "needed"
    words = ["python3", "-S", "-c", f"open({str(needed)!r})"]
    steps = [*chain(), processing("C", entrypoint=words, DependsOn=["B"])]
    session.put_pipeline("Test", json.dumps(definition(*steps)))
    execution = session.start("Test")
    execution.join()
    assert execution.status == "Failed"
    needed.touch()
    again = session.resume(execution.id)
    again.wait()
    assert [s["AttemptCount"] for s in again.list_steps()] == [1, 1, 2]
    with pytest.raises(UsageError, match="Execution 'none' does not exist"):
        session.resume("none")


def test_an_older_state_is_migrated(tmp_path: Path) -> None:
    for version in range(1, len(_MIGRATIONS)):
        file = tmp_path / f"{version}.db"
        with sqlite3.connect(file) as database:
            for script in _MIGRATIONS[:version]:
                database.executescript(script)
            database.execute("INSERT INTO pipelines VALUES ('P', '{}', 'old', '2026', '2026')")
            database.execute(f"PRAGMA user_version = {version}")
        database.close()
        state = State(file)
        kept = state.get_pipeline("P")
        assert kept is not None
        assert kept["description"] == "old"
        assert state.query("PRAGMA user_version") == [{"user_version": len(_MIGRATIONS)}]
        assert state.query("SELECT * FROM packages") == []
        state.close()


def test_a_newer_state_is_rejected(tmp_path: Path) -> None:
    state = State(tmp_path / "state.db")
    state.close()
    State(tmp_path / "state.db").close()
    with sqlite3.connect(tmp_path / "state.db") as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(UsageError, match="has schema version 99"):
        State(tmp_path / "state.db")


@pytest.mark.parametrize("end", ["", "; (bucket / 'f').unlink()"])
def test_outputs_of_changed_inputs_are_not_reused(tmp_path: Path, end: str) -> None:
    session = LocalSession(tmp_path / "root")
    session.upload(b"x", "s3://bucket/in/f")
    bucket = tmp_path / "root" / "s3" / "bucket" / "in"
    change = f"; import pathlib; bucket = pathlib.Path({str(bucket)!r}); "
    change += f"(bucket / 'f').write_text('yy'){end}"
    steps = chain()[:1]
    steps[0]["Arguments"]["AppSpecification"]["ContainerEntrypoint"][-1] += change
    first = run(session, steps)
    assert notes(first)["A"].startswith("ran: not cached, because an input changed while")
    session.upload(b"x", "s3://bucket/in/f")
    assert notes(run(session, steps))["A"].startswith("ran: ")
