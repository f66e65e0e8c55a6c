"""Callback steps: opened, answered from the command line, failed, and never lost."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from definition_samples import condition, definition, equals, fail, get

from kinoloom.base.files import Nothing
from kinoloom.errors import UsageError
from kinoloom.pipelines import ops
from kinoloom.pipelines.local.execution import LocalExecution
from kinoloom.pipelines.local.session import LocalSession

NOTHING = Nothing()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"


def ask(root: Path) -> tuple[LocalSession, str]:
    """A pipeline that asks whether all is well, not begun."""
    question = {
        "Name": "Ask", "Type": "Callback", "SqsQueueUrl": "https://q", "Arguments": {"what": 1},
        "OutputParameters": [{"OutputName": "ok", "OutputType": "Boolean"}],
    }  # fmt: skip
    well = equals(get("Steps.Ask.OutputParameters['ok']"), True)
    session = LocalSession(root)
    steps = (question, condition("C", well, otherwise=[fail("No")]))
    session.put_pipeline("P", json.dumps(definition(*steps)))
    return session, session.prepare("P")


def question(root: Path) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while not (found := ops.answer(NOTHING, root=root).data["callbacks"]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return dict(found[0])


def asked(root: Path) -> tuple[LocalExecution, str]:
    session, execution = ask(root)
    running = session.resume(execution)
    found = question(root)
    assert (found["step"], found["queue"], found["arguments"]) == ("Ask", "https://q", {"what": 1})
    return running, found["token"]


def test_an_answer_from_the_command_line_continues_the_execution(root: Path) -> None:
    running, token = asked(root)
    assert ops.answer(NOTHING, root=root, token=token, set="ok=true").data == {"callbacks": []}
    running.wait()
    assert running.result("Ask") == {"ok": True}
    with pytest.raises(UsageError, match="No open callback"):
        ops.answer(NOTHING, root=root, token=token, set="ok=true")


def test_a_failed_callback_fails_its_step(root: Path) -> None:
    running, token = asked(root)
    ops.answer(NOTHING, root=root, token=token, fail="not today")
    running.join()
    assert running.describe()["FailureReason"] == "Step 'Ask' failed: not today"


def test_an_answer_of_another_type_fails_the_step(root: Path) -> None:
    running, token = asked(root)
    ops.answer(NOTHING, root=root, token=token, set="ok=perhaps")
    running.join()
    assert "'ok' must be of type Boolean, not 'perhaps'" in running.describe()["FailureReason"]


def test_an_answer_without_a_running_engine_is_kept(root: Path) -> None:
    running, token = asked(root)
    running.stop()
    running.join()
    assert running.status == "Stopped"
    session = LocalSession(root)
    session.callbacks.answer(token, {"ok": True})
    with pytest.raises(UsageError, match="already has an answer"):
        session.callbacks.fail(token, "late")
    session.resume(running.id).wait()
    with pytest.raises(UsageError, match="Callback zz does not exist"):
        session.callbacks.answer("zz", {})
