"""A process that cleans up after a step whose actor is killed.

The watchdog reads a pipe that only the actor holds open. At the pipe's end it kills the process
group that it received last and removes the folder.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_SCRIPT = """
while read -r line; do group=$line; done
[ -z "$group" ] || kill -KILL "-$group"
rm -rf -- "$1"
"""


class Watchdog:
    """The watchdog of an attempt.

    Args:
        folder: The attempt's folder.
    """

    def __init__(self, folder: Path) -> None:
        read, self._pipe = os.pipe()
        words = ["sh", "-c", _SCRIPT, "sh", str(folder)]
        self._process = subprocess.Popen(words, stdin=read, start_new_session=True)
        os.close(read)

    def set_group(self, group: int | None) -> None:
        """Set the running process group; None if it has ended."""
        os.write(self._pipe, f"{group or ''}\n".encode())

    def dismiss(self) -> None:
        """End the watchdog; nothing is killed or removed."""
        self._process.kill()
        self._process.wait()
        os.close(self._pipe)
