"""Ctrl-C in scripts and commands that run executions."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from definition_samples import definition, lambda_step, processing

from kinoloom.pipelines import LocalSession

LIMIT_S = 120
HEAD = """
import time
from kinoloom.pipelines import LocalSession

def work(event, context):
    open("running", "w").write("0")
    time.sleep(600)

session = LocalSession("work")
session.register_function("arn:aws:lambda:us-west-2:123456789012:function:f", work)
session.put_pipeline("P", open("definition.json").read())
execution = session.start("P")
"""
RUN = """
import os, signal, time
{head}
running = os.environ["OUTSIDE"] + "/running"
open(running + ".part", "w").write(str(os.getpid()))
os.rename(running + ".part", running)
time.sleep(600)
"""


def write_step(folder: Path, *, head: str = "") -> dict[str, Any]:
    """Return a step that reports that it runs, and then sleeps."""
    code = RUN.format(head=head).replace('os.environ["OUTSIDE"]', repr(str(folder)))
    return processing("A", entrypoint=["python3", "-S", "-c", code])


def interrupt(
    folder: Path, *words: str, count: int = 1, number: signal.Signals = signal.SIGINT
) -> subprocess.CompletedProcess[str]:
    """Run a command, send a signal (Ctrl-C) when its step runs, and wait for its end."""
    process = subprocess.Popen(
        [sys.executable, *words], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )  # fmt: skip
    deadline = time.monotonic() + LIMIT_S
    while not (folder / "running").exists() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(number)
    if count == 2:
        wait_until_stopping(folder)
        process.send_signal(number)
    out, err = process.communicate(timeout=LIMIT_S)
    return subprocess.CompletedProcess(words, process.returncode, out, err)


def wait_until_stopping(folder: Path) -> None:
    session = LocalSession(folder / "work")
    while session.executions("P")[0].status != "Stopping":
        time.sleep(0.02)


def check_stopped(folder: Path, name: str = "P") -> None:
    """Check the state, and that the step's process has ended."""
    (execution,) = LocalSession(folder / "work").executions(name)
    assert execution.status == "Stopped"
    assert [step["StepStatus"] for step in execution.list_steps()] == ["Stopped"]
    pid = int((folder / "running").read_text())
    if pid and Path(f"/proc/{pid}/cmdline").exists():
        assert str(folder) not in Path(f"/proc/{pid}/cmdline").read_text()


ENDS = pytest.mark.parametrize(
    "end",
    [
        "execution.wait()",
        "time.sleep(600)",
        "",
        "import atexit; atexit.register(execution.join)",
    ],
    ids=["wait", "own work", "last line", "atexit"],
)


@ENDS
def test_interrupt_stops_the_step_and_ends_the_script(tmp_path: Path, end: str) -> None:
    (tmp_path / "definition.json").write_text(json.dumps(definition(write_step(tmp_path))))
    (tmp_path / "script.py").write_text(HEAD + end)
    done = interrupt(tmp_path, "script.py")
    assert done.returncode == -signal.SIGINT
    assert "Traceback" not in done.stderr
    assert done.stderr.endswith("STOPPED\n")
    assert done.stdout == ""
    check_stopped(tmp_path)


@pytest.mark.parametrize("end", ["execution.wait()", ""], ids=["wait", "last line"])
def test_second_interrupt_kills_a_step_that_ignores_the_first(tmp_path: Path, end: str) -> None:
    step = write_step(tmp_path, head="signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    (tmp_path / "definition.json").write_text(json.dumps(definition(step)))
    (tmp_path / "script.py").write_text(HEAD + end)
    done = interrupt(tmp_path, "script.py", count=2)
    assert done.returncode == -signal.SIGINT
    assert "Traceback" not in done.stderr
    check_stopped(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@ENDS
def test_termination_stops_the_step_and_ends_the_script(
    tmp_path: Path, end: str, number: signal.Signals
) -> None:
    (tmp_path / "definition.json").write_text(json.dumps(definition(write_step(tmp_path))))
    (tmp_path / "script.py").write_text(HEAD + end)
    done = interrupt(tmp_path, "script.py", number=number)
    assert done.returncode == 128 + number
    assert "Traceback" not in done.stderr
    assert done.stderr.endswith("STOPPED\n")
    assert done.stdout == ""
    check_stopped(tmp_path)


def test_second_termination_kills_a_step_that_ignores_the_first(tmp_path: Path) -> None:
    step = write_step(tmp_path, head="signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    (tmp_path / "definition.json").write_text(json.dumps(definition(step)))
    (tmp_path / "script.py").write_text(HEAD + "execution.wait()")
    done = interrupt(tmp_path, "script.py", count=2, number=signal.SIGTERM)
    assert done.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in done.stderr
    check_stopped(tmp_path)


def test_termination_after_the_execution_ends_the_script_at_once(tmp_path: Path) -> None:
    quick = processing("A", entrypoint=["python3", "-S", "-c", "pass"])
    (tmp_path / "definition.json").write_text(json.dumps(definition(quick)))
    end = "execution.wait()\nopen('running', 'w').write('0')\ntime.sleep(600)"
    (tmp_path / "script.py").write_text(HEAD + end)
    done = interrupt(tmp_path, "script.py", number=signal.SIGTERM)
    assert (done.returncode, done.stderr) == (-signal.SIGTERM, "")


def test_script_may_handle_the_termination(tmp_path: Path) -> None:
    (tmp_path / "definition.json").write_text(json.dumps(definition(write_step(tmp_path))))
    head = HEAD.replace(
        "\nsession =", "\nimport signal\nsignal.signal(signal.SIGTERM, handle)\nsession ="
    )
    handle = "def handle(number, frame):\n    execution.stop()\n\n"
    end = "execution.join()\nprint(execution.status)"
    (tmp_path / "script.py").write_text(handle + head + end)
    done = interrupt(tmp_path, "script.py", number=signal.SIGTERM)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Stopped\n", "")


def test_interrupt_does_not_wait_for_the_function_of_a_lambda_step(tmp_path: Path) -> None:
    (tmp_path / "definition.json").write_text(json.dumps(definition(lambda_step("A"))))
    (tmp_path / "script.py").write_text(HEAD + "execution.wait()")
    done = interrupt(tmp_path, "script.py")
    assert done.returncode == -signal.SIGINT
    assert "Traceback" not in done.stderr
    check_stopped(tmp_path)


def test_second_interrupt_abandons_work_that_cannot_be_interrupted(tmp_path: Path) -> None:
    """As the copy of a large input."""
    (tmp_path / "definition.json").write_text(json.dumps(definition(write_step(tmp_path))))
    patch = (
        "from kinoloom.pipelines.local.jobs import worker\n"
        "worker.create_folders = lambda job, ml: work(None, None)\n"
    )
    (tmp_path / "script.py").write_text(HEAD.replace("\nsession =", f"\n{patch}session ="))
    done = interrupt(tmp_path, "script.py", count=2)
    assert done.returncode == -signal.SIGINT
    assert "Traceback" not in done.stderr
    check_stopped(tmp_path)


def test_script_may_handle_the_interrupt(tmp_path: Path) -> None:
    (tmp_path / "definition.json").write_text(json.dumps(definition(write_step(tmp_path))))
    end = "try:\n    execution.wait()\nexcept KeyboardInterrupt:\n    print(execution.status)"
    (tmp_path / "script.py").write_text(HEAD + end)
    done = interrupt(tmp_path, "script.py")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Stopped\n", "")


def test_other_errors_keep_their_traceback(tmp_path: Path) -> None:
    (tmp_path / "definition.json").write_text(json.dumps(definition(lambda_step("A"))))
    (tmp_path / "script.py").write_text(
        HEAD.replace("time.sleep(600)", "return {'answer': 1}") + "execution.wait()\n1 / 0"
    )
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT_S
    )
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "ZeroDivisionError" in done.stderr


@pytest.mark.parametrize("count", [1, 2])
def test_interrupt_stops_the_command(tmp_path: Path, count: int) -> None:
    head = "signal.signal(signal.SIGTERM, signal.SIG_IGN)" if count == 2 else ""
    step = write_step(tmp_path, head=head)
    (tmp_path / "P.json").write_text(json.dumps(definition(step)))
    words = ["-m", "kinoloom", "pipeline", "run", "P.json", "--root", "work"]
    done = interrupt(tmp_path, *words, count=count)
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
    (execution,) = LocalSession(tmp_path / "work").executions("P")
    assert f"--resume {execution.id}" in done.stderr
    check_stopped(tmp_path)


def test_ignored_interrupts_stay_ignored(tmp_path: Path) -> None:
    """As for a script that `nohup` or a shell's `&` started."""
    quick = processing("A", entrypoint=["python3", "-S", "-c", "pass"])
    (tmp_path / "definition.json").write_text(json.dumps(definition(quick)))
    (tmp_path / "script.py").write_text(
        HEAD + "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nexecution.wait()\n"
    )
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True,
        timeout=LIMIT_S, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert LocalSession(tmp_path / "work").executions("P")[0].status == "Succeeded"
