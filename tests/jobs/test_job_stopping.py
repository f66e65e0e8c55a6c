"""The end of a job's process after a signal, whatever its main thread is doing."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import signal, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from kinoloom.base.signals import end_in_order
from kinoloom.jobs.events import EventWriter
from kinoloom.jobs.stopping import watch_stop_signals

def sleep():
    print("ready", flush=True)
    time.sleep(600)

def wait_in_threads():
    with ThreadPoolExecutor(1) as pool:  # an interrupted wait for the result waits for the thread
        pool.submit(sleep).result()

@end_in_order()
def stop_elsewhere():
    try:
        sleep()
    except KeyboardInterrupt:
        time.sleep(2)
        Path(sys.argv[1], "stopped").touch()
        raise

def handle():
    handled = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: handled.set())
    print("ready", flush=True)
    while not handled.is_set():
        time.sleep(0.1)
    time.sleep(2)
    Path(sys.argv[1], "stopped").touch()

def finish():
    try:
        sleep()
    except KeyboardInterrupt:
        events.add("end", state="done")
        time.sleep(600)

with EventWriter(Path(sys.argv[1], "events.jsonl"), Path(sys.argv[1], "bell")) as events:
    watch_stop_signals(lambda: events.end_now(state="cancelled"))
    globals()[sys.argv[2]]()
"""


def interrupt(folder: Path, function: str, number: signal.Signals) -> tuple[int, list[str]]:
    """Run a function, send a signal, and return the exit code and the states of the ends."""
    line = [sys.executable, "-c", PROGRAM, str(folder), function]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    process.communicate(timeout=120)
    file = folder / "events.jsonl"
    lines = file.read_text().splitlines() if file.exists() else []
    return process.returncode, [json.loads(line)["state"] for line in lines]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_threads_that_compute_do_not_delay_it(tmp_path: Path, number: signal.Signals) -> None:
    assert interrupt(tmp_path, "wait_in_threads", number) == (130, ["cancelled"])


def test_work_that_must_be_stopped_elsewhere_is_waited_for(tmp_path: Path) -> None:
    interrupt(tmp_path, "stop_elsewhere", signal.SIGINT)
    assert (tmp_path / "stopped").exists()


def test_a_handler_of_the_op_ends_it_itself(tmp_path: Path) -> None:
    assert interrupt(tmp_path, "handle", signal.SIGINT) == (0, [])
    assert (tmp_path / "stopped").exists()


def test_an_end_that_was_recorded_stays(tmp_path: Path) -> None:
    assert interrupt(tmp_path, "finish", signal.SIGINT) == (130, ["done"])
