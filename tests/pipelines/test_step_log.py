"""Logs of steps: the size limit, the full disk, and processes that outlive their step."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from definition_samples import definition, processing

from kinoloom.pipelines.local.execution import LocalExecution
from kinoloom.pipelines.local.jobs import step_log
from kinoloom.pipelines.local.jobs.mounts import namespaces_work, unshare_words
from kinoloom.pipelines.local.jobs.step_log import StepLog, read_last_lines
from kinoloom.pipelines.local.session import LocalSession


def run(session: LocalSession, code: str) -> LocalExecution:
    step = processing("A", entrypoint=["python3", "-S", "-c", code])
    session.put_pipeline("Test", json.dumps(definition(step)))
    execution = session.start("Test")
    execution.join()
    return execution


@pytest.mark.parametrize("isolation", ["auto", "plain"])
def test_log_is_limited_and_keeps_its_end(tmp_path: Path, isolation: Any) -> None:
    session = LocalSession(tmp_path / "root", isolation=isolation, log_limit_bytes=1 << 20)
    execution = run(session, "for k in range(200_000): print('line', k)")
    assert execution.status == "Succeeded", "the step is not disturbed"
    log = execution.logs("A")
    assert log.startswith("line 0\nline 1\n")
    assert log.endswith("line 199998\nline 199999\n")
    assert "were left out: the log has reached its limit, 1 MiB." in log
    assert 1 << 20 < len(log) < (1 << 20) + (1 << 17)


def test_log_of_exactly_the_limit_is_complete(tmp_path: Path) -> None:
    session = LocalSession(tmp_path / "root", log_limit_bytes=1000)
    assert run(session, "print('x' * 999)").logs("A") == "x" * 999 + "\n"
    log = run(session, "print('x' * 1000)").logs("A")
    assert log == "x" * 1000 + "\n", "nothing is left out if it is only the last part"


def test_failure_quotes_the_end_of_a_long_line(tmp_path: Path) -> None:
    code = "import sys; print('x' * 10**6 + 'end', file=sys.stderr); sys.exit(1)"
    execution = run(LocalSession(tmp_path / "root"), code)
    (step,) = execution.list_steps()
    assert step["FailureReason"].endswith("xxend")
    assert len(step["FailureReason"]) < 10_000


def test_process_that_leaves_the_step_does_not_hold_the_log(tmp_path: Path) -> None:
    code = (
        "import subprocess; print('started'); subprocess.Popen(['sleep', '600'], "
        "start_new_session=True)"
    )
    execution = run(LocalSession(tmp_path / "root", isolation="plain"), code)
    assert (execution.status, execution.logs("A")) == ("Succeeded", "started\n")


def test_step_that_closes_its_output_runs_to_its_end(tmp_path: Path) -> None:
    code = "import os, time; os.close(1); os.close(2); time.sleep(0.3)"
    assert run(LocalSession(tmp_path / "root"), code).status == "Succeeded"


def test_log_of_a_repeated_start_is_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_log, "_TAIL_BYTES", 100)
    file = tmp_path / "log.txt"
    file.write_text("first\n")
    log = StepLog(file, 10)
    output = log.open()
    subprocess.run([sys.executable, "-S", "-c", "print('second' * 5000)"], stdout=output)
    log.close_output()
    while log.copy():
        pass
    log.close()
    assert file.read_text().startswith("first\nseco\nkinoloom: ")
    assert read_last_lines(file).endswith("secondsecond")


@pytest.mark.parametrize("command", ["run", "start"])
def test_log_limit_is_an_option(tmp_path: Path, command: str) -> None:
    step = processing("A", entrypoint=["python3", "-S", "-c", "print('x' * 10**6)"])
    (tmp_path / "Test.json").write_text(json.dumps(definition(step)))
    words = [sys.executable, "-m", "kinoloom", "pipeline", command, "Test.json", "--root", "root"]
    subprocess.run([*words, "--log-limit", "1000"], cwd=tmp_path, check=True, capture_output=True)
    (execution,) = LocalSession(tmp_path / "root").executions("Test")
    deadline = time.monotonic() + 120
    while execution.status == "Executing" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert "the log has reached its limit, 1.00 kB." in execution.logs("A")


FULL = """
import json, os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from definition_samples import definition, processing
from kinoloom.pipelines.local.session import LocalSession

root = Path(sys.argv[1], "root")
session = LocalSession(root)
code = "import sys\\nfor _ in range(10000): sys.stdout.write('x' * 999 + chr(10))\\nprint('end')"
step = processing("A", entrypoint=["python3", "-S", "-c", code])
session.put_pipeline("Test", json.dumps(definition(step)))
execution = session.start("Test")
execution.join()
print(execution.status, execution.logs("A")[-4:], "the disk is full." in execution.logs("A"))
session.workspace.state.close()
try:
    with open(Path(sys.argv[1], "fill"), "wb", buffering=0) as file:
        while True:
            file.write(bytes(512))
except OSError as error:
    print(error.strerror)
(root / "state.reserve").unlink(missing_ok=True)
with open(Path(sys.argv[1], "fill"), "ab", buffering=0) as file:
    try:
        while True:
            file.write(bytes(512))
    except OSError as error:
        print(error.strerror)
os.execv(sys.executable, [sys.executable, "-m", "kinoloom", "pipeline", "gc", "--keep", "0",
                          "--root", str(root)])
"""


@pytest.mark.skipif(not namespaces_work(), reason="needs a namespace to mount a small disk in")
def test_log_that_fills_the_disk_is_cut_and_gc_works_on_the_full_disk(tmp_path: Path) -> None:
    mount = 'mount -t tmpfs -o size=4m small "$1" && exec "$2" -u -c "$3" "$1" "$4"'
    words = [str(tmp_path), sys.executable, FULL, str(Path(__file__).parent)]
    done = subprocess.run(
        [*unshare_words(), "sh", "-c", mount, "sh", *words], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    full = "No space left on device\n"
    assert done.stdout.startswith(f"Succeeded end\n True\n{full}{full}")
    assert "Removed 1 executions" in done.stdout
