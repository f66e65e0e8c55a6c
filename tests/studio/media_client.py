"""A real studio in a process of its own, and the requests for media that a browser sends to it."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

TIMEOUT_S = 120


@dataclass(frozen=True)
class Answer:
    """An answer: its status, its headers in lower case, and its bytes."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Studio:
    """A running studio, as a browser that is logged in sees it."""

    folder: Path
    process: subprocess.Popen[str]
    host: str
    cookie: str

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.host, timeout=TIMEOUT_S)

    def send(self, method: str, address: str, **headers: str) -> Answer:
        """Send a request without a body; "_" in the names of headers is "-"."""
        sent = {name.replace("_", "-"): text for name, text in headers.items()}
        if method not in ("GET", "HEAD"):
            sent |= {"origin": f"http://{self.host}", "content-type": "application/json"}
        connection = self.connect()
        try:
            connection.request(method, address, headers={"cookie": self.cookie, **sent})
            answer = connection.getresponse()
            found = {name.lower(): text for name, text in answer.getheaders()}
            return Answer(answer.status, found, answer.read())
        finally:
            connection.close()

    def media(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Ask for /media/PATH."""
        return self.send(method, f"/media/{quote(path)}", **headers)

    def ask(self, address: str, path: str, **query: object) -> Answer:
        """Ask for ADDRESS?path=PATH&..."""
        return self.send("GET", f"{address}?{urlencode({'path': path, **query})}")


@contextmanager
def run_studio(folder: Path) -> Iterator[Studio]:
    """Run a studio for a folder, and log in."""
    line = [sys.executable, "-m", "kinoloom", "studio", str(folder), "--no-open", "--json"]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        started = json.loads(process.stdout.readline())
        host = urlsplit(started["url"]).netloc
        connection = http.client.HTTPConnection(host, timeout=TIMEOUT_S)
        connection.request("GET", f"/?token={started['token']}")
        cookie = (connection.getresponse().getheader("set-cookie") or "").partition(";")[0]
        connection.close()
        yield Studio(folder, process, host, cookie)
    finally:
        process.terminate()
        process.wait(TIMEOUT_S)
        if process.stdout is not None:
            process.stdout.close()
