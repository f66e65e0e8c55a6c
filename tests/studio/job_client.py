"""A studio in a process of its own, and a client that speaks HTTP to it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import numpy as np
from PIL import Image

WAIT_S = 120.0
ENDED = ("done", "incomplete", "failed", "cancelled", "stopped")


class StudioProcess:
    """A running studio of a folder.

    Args:
        folder: to serve.
        arguments: more arguments of the command.
    """

    def __init__(self, folder: Path, *arguments: str) -> None:
        command = [sys.executable, "-m", "kinoloom", "studio", str(folder), "--no-open", "--json"]
        self.process = subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        with self.process.stdout as stdout:
            line = stdout.readline()
        assert line, f"the studio did not start: exit code {self.process.wait()}"
        self.facts = json.loads(line)
        self.port = urlsplit(self.facts["url"]).port
        self.cookie = self._log_in()

    def _log_in(self) -> str:
        with self._send("GET", f"/?token={self.facts['token']}", None, {}) as answer:
            assert answer.status == 303, answer.status
            return str(answer.getheader("set-cookie")).partition(";")[0]

    @contextmanager
    def _send(
        self, method: str, path: str, body: str | None, headers: Mapping[str, str]
    ) -> Iterator[http.client.HTTPResponse]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, dict(headers))
            yield connection.getresponse()
        finally:
            connection.close()

    def request(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Send a request; return the status and the JSON of the answer."""
        headers = {"cookie": self.cookie, "origin": self.facts["url"]}
        if method != "GET":
            headers["content-type"] = "application/json"
        text = None if body is None else json.dumps(body)
        with self._send(method, path, text, headers) as answer:
            return answer.status, json.loads(answer.read())

    def get(self, path: str) -> Any:
        """Return the JSON of an address."""
        status, value = self.request("GET", path)
        assert status == 200, value
        return value

    def post(self, path: str, body: Any = None) -> Any:
        """Send JSON and return that of the answer."""
        status, value = self.request("POST", path, body or {})
        assert status == 200, value
        return value

    def start(self, op: str, *inputs: str, **options: Any) -> str:
        """Start a job and return its id; `output` and others of the body may be options."""
        names = ("output", "report", "again", "confirmed")
        body = {name: options.pop(name) for name in names if name in options}
        answer = self.post("/api/jobs", {"op": op, "inputs": inputs, "options": options, **body})
        assert answer["id"], answer
        return str(answer["id"])

    def job(self, id_: str) -> Any:
        """Return a job."""
        return self.get(f"/api/jobs/{id_}")

    def wait(self, id_: str, *states: str) -> Any:
        """Wait until a job has one of the states, or has ended; return it."""
        return self.wait_for(id_, lambda job: job["state"] in (states or ENDED))

    def wait_for(self, id_: str, is_reached: Any) -> Any:
        """Wait until a job fulfils a condition; return it."""
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            job = self.job(id_)
            if is_reached(job):
                return job
            assert job["state"] not in ENDED, job
            time.sleep(0.05)
        raise AssertionError(f"the job did not get there: {job}")

    @contextmanager
    def events(self, topic: str) -> Iterator[Iterator[Any]]:
        """Listen to a topic in the block."""
        query = f"/events?topic={quote(topic)}"
        with self._send("GET", query, None, {"cookie": self.cookie}) as answer:
            assert answer.status == 200
            assert answer.readline().startswith(b": kinoloom")  # it listens now
            lines = iter(answer.readline, b"")
            yield (json.loads(one[6:])["data"] for one in lines if one.startswith(b"data: "))

    def kill(self) -> None:
        """End the server like a power cut does; its jobs live on."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """End the server as Ctrl-C does, if it runs; return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


def write_photos(folder: Path, *names: str, size: int = 48) -> list[str]:
    """Write photos of a ramp that moves; return their names."""
    names = names or ("a.png", "b.png")
    ramp = np.add.outer(np.arange(size), np.arange(size * 3 // 2)).astype(np.uint8)
    for k, name in enumerate(names):
        image = np.stack([np.roll(ramp, 4 * k, 1)] * 3, axis=2)
        Image.fromarray(image).save(folder / name)
    return list(names)


def write_film(folder: Path, name: str, frames: int, size: int = 96) -> str:
    """Write a film of a moving ramp at 25 fps; return its name."""
    from fractions import Fraction

    from kinoloom import Clip, Frame, write

    ramp = np.add.outer(np.arange(size), np.arange(size * 3 // 2)).astype(np.uint8)

    def image(k: int) -> Any:
        return np.ascontiguousarray(np.stack([np.roll(ramp, 2 * k, 1)] * 3, axis=2))

    shown = [Frame(image(k), Fraction(k, 25), Fraction(1, 25)) for k in range(frames)]
    write(Clip.from_frames(shown, rate=Fraction(25)), folder / name, codec="ffv1")
    return name


def list_processes(text: str) -> list[int]:
    """Return the ids of running processes that have a text in their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes().decode("utf-8", "replace")
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if text in line and state not in "ZX":
                found.append(int(entry.name))
    return found
