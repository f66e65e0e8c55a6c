"""A studio in a process of its own, and requests to it, by the standard library alone."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Answer:
    """An answer of the studio."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Client:
    """A browser, as far as the server sees it."""

    host: str
    port: int
    cookie: str = ""
    authority: str = ""
    origin: str = ""

    def __post_init__(self) -> None:
        self.authority = self.authority or f"{self.host}:{self.port}"
        self.origin = self.origin or f"http://{self.authority}"

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> Answer:
        """Send a request; a header of None is left out."""
        sent: dict[str, str | None] = {"host": self.authority}
        if self.cookie:
            sent["cookie"] = self.cookie
        if method not in ("GET", "HEAD"):
            sent |= {"origin": self.origin, "content-type": "application/json"}
        sent |= headers or {}
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        connection = http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT_S)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in sent.items():
                if value is not None:
                    connection.putheader(name, value)
            if data is not None and "content-length" not in sent:
                connection.putheader("content-length", str(len(data)))
            connection.endheaders(data)
            answer = connection.getresponse()
            return Answer(
                answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
            )
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.request(
            "GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )

    def post(self, path: str, body: Any = None) -> Answer:
        return self.request("POST", path, body if body is not None else {})

    def send_raw(self, data: bytes) -> bytes:
        """Send bytes and return all that comes back until the connection ends."""
        with socket.create_connection((self.host, self.port), timeout=TIMEOUT_S) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    def log_in(self, token: str) -> Client:
        """Exchange the token of a link for a cookie."""
        answer = self.get(f"/?token={token}")
        assert answer.status == 303, answer.body
        self.cookie = answer.headers["set-cookie"].partition(";")[0]
        return self

    @contextmanager
    def listen(self, *topics: str) -> Iterator[Listening]:
        """Listen to topics."""
        listening = Listening(self, topics)
        try:
            yield listening
        finally:
            listening.close()


class Listening:
    """An open stream of events."""

    def __init__(self, client: Client, topics: Sequence[str]) -> None:
        from urllib.parse import urlencode

        query = urlencode([("topic", topic) for topic in topics])
        self._connection = http.client.HTTPConnection(client.host, client.port, timeout=TIMEOUT_S)
        headers = {"host": client.authority, "cookie": client.cookie}
        self._connection.request("GET", f"/events?{query}", headers=headers)
        self.answer = self._connection.getresponse()
        if self.answer.status == 200:
            self.answer.readline()  # the comment that the stream begins with

    def next(self) -> dict[str, Any]:
        """Return the next event."""
        while True:
            line = self.answer.readline()
            assert line, "the stream has ended"
            if line.startswith(b"data: "):
                event: dict[str, Any] = json.loads(line[6:])
                return event

    def close(self) -> None:
        sock = self._connection.sock
        if sock is not None:
            sock.close()
        self.answer.close()
        self._connection.close()


@dataclass
class StudioProcess:
    """A running studio."""

    process: subprocess.Popen[str]
    url: str
    token: str
    pid: int
    messages: list[str] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def client(self) -> Client:
        return Client("127.0.0.1", self.port)

    def kill(self) -> None:
        """End the process as a power cut does."""
        os.kill(self.pid, signal.SIGKILL)
        self.process.wait(TIMEOUT_S)


@contextmanager
def run_studio(
    folder: Path, *words: str, environment: Mapping[str, str] | None = None
) -> Iterator[StudioProcess]:
    """Run a studio for a folder until the end of the block."""
    line = [sys.executable, "-m", "kinoloom", "studio", str(folder), "--no-open", "--json", *words]
    if not any(word in words for word in ("--port", "--listen")):
        line += ["--port", str(find_free_port())]
    process = subprocess.Popen(
        line,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(python_path()), **(environment or {})},
    )
    messages: list[str] = []
    reading = threading.Thread(target=lambda: messages.extend(process.stderr or ()), daemon=True)
    reading.start()
    assert process.stdout is not None
    text = process.stdout.readline()
    if not text:
        process.wait(TIMEOUT_S)
        reading.join(TIMEOUT_S)
        raise AssertionError("".join(messages))
    facts = json.loads(text)
    try:
        yield StudioProcess(process, facts["url"], facts["token"], facts["pid"], messages)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(TIMEOUT_S)
        reading.join(TIMEOUT_S)
        process.stdout.close()
        if process.stderr is not None:
            process.stderr.close()


def python_path(*first: Path) -> list[str]:
    """Return PYTHONPATH as a list, with the sources of the repository."""
    return [
        *map(str, first),
        str(ROOT / "src"),
        *os.environ.get("PYTHONPATH", "").split(os.pathsep),
    ]


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
