"""The program that writes a proxy: python -m kinoloom.studio.tools.media_proxy FD PATH KIND TARGET.

It prints one JSON line {done, total} at most four times a second, and at the end {status, error,
hint} if it failed. It ends with its standard input, which the server holds.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from kinoloom.errors import KinoloomError
from kinoloom.media.preview.proxy import write_film_proxy, write_sound_proxy
from kinoloom.studio.responses import describe_error
from kinoloom.studio.tools.media_source import link_descriptor, name_file

_BETWEEN_S = 0.25
_NICE = 5


def main(arguments: Sequence[str]) -> int:
    """Write one proxy, and return the exit code."""
    descriptor, original, kind, target = int(arguments[0]), *map(Path, arguments[1:])
    signal.signal(signal.SIGTERM, _stop)
    threading.Thread(target=_end_with_input, daemon=True).start()
    os.nice(_NICE)
    write = write_sound_proxy if str(kind) == "audio" else write_film_proxy
    with tempfile.TemporaryDirectory(prefix="kinoloom-") as folder:
        location = link_descriptor(Path(folder), original, descriptor)
        try:
            write(location, target, _Reporter())
        except Exception as error:  # noqa: BLE001  the server reports every error
            named = name_file(error, original.name, location, original)
            if not isinstance(named, KinoloomError):
                sys.excepthook(type(error), error, error.__traceback__)
            status, content = describe_error(named)
            _print({"status": status, **content})
            return 1
    return 0


class _Reporter:
    """Prints progress, not too often."""

    def __init__(self) -> None:
        self._latest = 0.0

    def __call__(self, done: int, total: int | None) -> None:
        now = time.monotonic()
        if now - self._latest >= _BETWEEN_S:
            self._latest = now
            _print({"done": done, "total": total})


def _end_with_input() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _stop(number: int, at: FrameType | None) -> NoReturn:
    sys.exit(128 + number)  # the unfinished file is removed on the way


def _print(values: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
