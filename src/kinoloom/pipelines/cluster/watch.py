"""What is left of a step when its actor is killed: a process beside it clears it away.

The watcher reads a pipe that only the actor holds open. When that ends, it kills the group of
processes that it was told of last, and removes the folder.
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


class Watch:
    """A watcher of one attempt.

    Args:
        folder: of the attempt.
    """

    def __init__(self, folder: Path) -> None:
        read, self._pipe = os.pipe()
        words = ["sh", "-c", _SCRIPT, "sh", str(folder)]
        self._process = subprocess.Popen(words, stdin=read, start_new_session=True)
        os.close(read)

    def tell(self, group: int | None) -> None:
        """Which group of processes runs now; None when it has ended."""
        os.write(self._pipe, f"{group or ''}\n".encode())

    def dismiss(self) -> None:
        """End the watch; nothing is killed or removed."""
        self._process.kill()
        self._process.wait()
        os.close(self._pipe)
