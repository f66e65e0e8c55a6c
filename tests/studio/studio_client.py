"""A real studio in a process of its own, and requests to it as a logged-in browser sends them."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit


@dataclass(frozen=True)
class Answer:
    """The answer to a request."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as plain values."""
        return json.loads(self.body)


@dataclass
class Client:
    """A browser's connection to a studio."""

    process: subprocess.Popen[str]
    url: str
    cookie: str = ""

    @property
    def host(self) -> str:
        """The host and port."""
        return urlsplit(self.url).netloc

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """Send a request; header names with "_" for "-"."""
        connection = http.client.HTTPConnection(self.host, timeout=60)
        sent = {name.replace("_", "-"): text for name, text in headers.items()}
        if method not in ("GET", "HEAD"):
            sent = {"origin": self.url, "content-type": "application/json"} | sent
        connection.request(method, path, body, {"cookie": self.cookie} | sent)
        answer = connection.getresponse()
        found = {name.lower(): text for name, text in answer.getheaders()}
        result = Answer(answer.status, found, answer.read())
        connection.close()
        return result

    def get(self, path: str, **query: object) -> Answer:
        """Send GET with a query."""
        pairs = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in query.items())
        return self.send("GET", f"{path}?{pairs}" if pairs else path)

    def post(self, path: str, body: object) -> Answer:
        """Send POST with JSON."""
        return self.send("POST", path, json.dumps(body).encode())

    def events(self, *topics: str) -> Iterator[Any]:
        """Yield the data of events on topics, as {topic, data}; first None, once listening."""
        connection = http.client.HTTPConnection(self.host, timeout=60)
        query = "&".join(f"topic={quote(topic, safe='')}" for topic in topics)
        connection.request("GET", f"/events?{query}", headers={"cookie": self.cookie})
        answer = connection.getresponse()
        try:
            while line := answer.readline():
                if line.startswith(b": kinoloom"):
                    yield None
                elif line.startswith(b"data: "):
                    yield json.loads(line[6:])
        finally:
            connection.close()


@contextmanager
def run_studio(*folders: Path, arguments: tuple[str, ...] = ()) -> Iterator[Client]:
    """Run a studio and yield a logged-in client."""
    line = [sys.executable, "-m", "kinoloom", "studio", *map(str, folders), "--no-open", "--json"]
    process = subprocess.Popen([*line, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        started = json.loads(process.stdout.readline())
        client = Client(process, started["url"])
        answer = client.get("/", token=started["token"])
        client.cookie = answer.headers["set-cookie"].partition(";")[0]
        yield client
    finally:
        process.terminate()
        process.communicate(timeout=30)
