"""A studio that runs for a benchmark."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class RunningStudio:
    """A studio of one folder.

    Attributes:
        process: of the server.
        url: its address.
        token: logs one browser in.
    """

    process: subprocess.Popen[Any]
    url: str
    token: str

    @property
    def port(self) -> int:
        """Its port on the loopback interface."""
        return int(self.url.rpartition(":")[2])


@contextmanager
def run_studio(
    folder: Path, environment: Mapping[str, str] | None = None
) -> Iterator[RunningStudio]:
    """Start a studio, and end it afterwards."""
    words = [sys.executable, "-m", "kinoloom", "studio", str(folder), "--no-open", "--json"]
    process = subprocess.Popen(
        [*words, "--port", str(find_port())],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    assert process.stdout is not None
    link = json.loads(process.stdout.readline())
    try:
        yield RunningStudio(process, link["url"], link["token"])
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def find_port() -> int:
    """Return a free port of the loopback interface."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
