"""Starts the engine of an execution in a thread of its own."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import IO

from kinoloom.errors import KinoloomError
from kinoloom.pipelines.local.context import Run, Tools
from kinoloom.pipelines.local.engine import Engine
from kinoloom.pipelines.local.jobs.outcome import describe_error
from kinoloom.pipelines.local.script.ending import watch_end
from kinoloom.pipelines.local.script.interrupts import watch_interrupts
from kinoloom.pipelines.local.script.progress import Progress
from kinoloom.pipelines.local.script.running import Running
from kinoloom.pipelines.local.storage.objects import rejecting_errors
from kinoloom.pipelines.local.storage.stop_requests import StopListener
from kinoloom.pipelines.local.storage.workspace import Workspace


def start_engine(
    workspace: Workspace,
    tools: Tools,
    build_run: Callable[[int], Run],
    execution: str,
    lock: IO[str],
) -> Running:
    """Start the engine of an execution and return at once.

    Args:
        workspace: Where the execution is stored.
        tools: The session's tools.
        build_run: Returns the execution, given the file descriptor of its stop requests.
        execution: Its id.
        lock: This process's claim to it, which the engine releases.

    Raises:
        OutputError: The workspace cannot be written.
    """
    state = workspace.state
    state.set_status(execution, "Executing")
    workspace.occupy_reserve()
    with rejecting_errors(workspace.root):
        listener = StopListener(workspace.run_folder(execution))
    run = build_run(listener.fd)
    progress = Progress(run.pipeline, execution)
    engine = Engine(run, tools, listener, progress)
    engine.restore(state.list_steps(execution))
    running = Running(progress, listener)

    def stop() -> None:
        with contextlib.suppress(KinoloomError):  # the state cannot be written
            state.set_status(execution, "Stopping")
        engine.wake()

    def drive() -> None:
        status, reason = engine.run()
        listener.close()
        is_stored = False
        try:
            with lock:  # released even if the state cannot be written
                state.set_status(execution, status, reason)
            is_stored = True
        except Exception as error:  # noqa: BLE001  the end is known even if it is not stored
            status, reason = "Failed", f"{reason} {describe_error(error)}".lstrip()
        finally:
            running.finish(status, reason, is_stored=is_stored)

    listener.listen(stop, engine.kill)
    watch_end(running)
    watch_interrupts(running)
    threading.Thread(target=drive, name=f"kinoloom-{execution}").start()
    return running
