"""Drives a studio and its pages in tests."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


@dataclass
class StudioServer:
    """A studio that runs as a process of its own.

    Attributes:
        folder: the folder that it shows.
        process: of `kinoloom studio`.
        url: its address.
        token: of a link that has not been used.
        arguments: of the command, after the folder.
    """

    folder: Path
    arguments: tuple[str, ...] = ()
    url: str = ""
    token: str = ""
    process: subprocess.Popen[str] | None = field(default=None)

    @property
    def port(self) -> int:
        """Its port."""
        return int(self.url.rpartition(":")[2])

    @property
    def link(self) -> str:
        """The address that logs a browser in, once."""
        return f"{self.url}/?token={self.token}"

    def start(self, port: int | None = None) -> None:
        """Start it, on a given port or a free one, and wait until it answers."""
        command = [sys.executable, "-m", "kinoloom", "studio", str(self.folder)]
        # Not the studio's own choice, the first free port from 8765 on: another test might take it
        # while this one restarts its server.
        place = ["--port", str(port or find_free_port())]
        self.process = subprocess.Popen(
            [*command, "--no-open", "--json", *place, *self.arguments],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self._close()
            raise RuntimeError(f"the studio did not start: exit code {self.process.wait()}")
        answer = json.loads(line)
        self.url, self.token = answer["url"], answer["token"]

    def create_link(self) -> str:
        """Return the address of another link."""
        command = [sys.executable, "-m", "kinoloom", "studio", str(self.folder), "--link", "--json"]
        answer = subprocess.run(command, check=True, capture_output=True, text=True)
        return f"{self.url}/?token={json.loads(answer.stdout)['token']}"

    def kill(self) -> None:
        """End it at once, as a crash does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self._close()

    def stop(self) -> None:
        """Ask it to end, and wait."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._close()

    def _close(self) -> None:
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()


@dataclass
class Watched:
    """What a page did that no page may do.

    Attributes:
        errors: what it wrote to the console as errors, and what it threw.
        foreign: addresses of other hosts that it requested.
    """

    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)


def watch(page: Page, url: str) -> Watched:
    """Record what a page of the studio at `url` does."""
    watched = Watched()
    page.on("pageerror", lambda error: watched.errors.append(str(error)))
    page.on(
        "console",
        lambda message: watched.errors.append(message.text) if message.type == "error" else None,
    )

    def check(address: str) -> None:
        if not address.startswith((url, "blob:", "data:")):
            watched.foreign.append(address)

    page.on("request", lambda request: check(request.url))
    return watched


def find_free_port() -> int:
    """Return a port that no process uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def find_banner(page: Page) -> Locator:
    """Return the banner that says that the server is gone."""
    return page.get_by_role("strong").filter(has_text="The studio does not answer.")


def overflow(page: Page) -> int:
    """Return by how many px a page is wider than its window."""
    return int(page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth"))


def is_running(pid: int) -> bool:
    """Whether a process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
