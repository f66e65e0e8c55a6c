"""Programs on a terminal of their own, which closes while they run."""

import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress

_RUN_ON_TERMINAL = """
import os, sys
terminal = os.open(sys.argv[1], os.O_RDWR)  # the session has none yet, so this becomes its own
for stream in (0, 1, 2):
    os.dup2(terminal, stream)
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""


def close_terminal_when(is_due: Callable[[], bool], *words: str) -> int:
    """Run Python on a terminal, close the terminal when it is due, and return the exit code.

    Args:
        is_due: called repeatedly while the program runs.
        *words: arguments of the interpreter.
    """
    master, slave = pty.openpty()
    os.set_blocking(master, False)
    line = [sys.executable, "-c", _RUN_ON_TERMINAL, os.ttyname(slave), *words]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(line, start_new_session=True, env=environment) as process:
        while not is_due():
            assert process.poll() is None, "the program has ended"
            with suppress(BlockingIOError):
                os.read(master, 1 << 16)  # else it waits for the terminal
            time.sleep(0.01)
        os.close(master)
        os.close(slave)
        return process.wait(300)
