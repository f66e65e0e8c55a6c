"""Drives a studio in tests: its process, its HTTP interface as a browser uses it, and its pages."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 120.0
ENDED = ("done", "incomplete", "failed", "cancelled", "stopped")
"""States of a job that has no process any more."""


@dataclass(frozen=True)
class Answer:
    """An answer of a studio; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as plain values."""
        return json.loads(self.body)


@dataclass
class Client:
    """A browser, as far as the server sees it.

    Attributes:
        port: of the server, on the loopback interface.
        cookie: of a login, "" before it.
        authority: the header Host.
        origin: the header Origin.
    """

    port: int
    cookie: str = ""
    authority: str = ""
    origin: str = ""

    def __post_init__(self) -> None:
        self.authority = self.authority or f"127.0.0.1:{self.port}"
        self.origin = self.origin or f"http://{self.authority}"

    def connect(self) -> http.client.HTTPConnection:
        """Return a connection that is not open yet."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> Answer:
        """Send a request with bytes, an iterator of chunks, or plain values as JSON.

        A header of None is left out.
        """
        sent: dict[str, str | None] = {"host": self.authority, "cookie": self.cookie or None}
        if method not in ("GET", "HEAD"):
            sent |= {"origin": self.origin, "content-type": "application/json"}
        sent |= headers or {}
        is_raw = body is None or isinstance(body, (bytes, Iterator))
        data = body if is_raw else json.dumps(body).encode()
        given = {name: text for name, text in sent.items() if text is not None}
        connection = self.connect()
        try:
            connection.request(method, path, data, given)
            answer = connection.getresponse()
            found = {name.lower(): text for name, text in answer.getheaders()}
            return Answer(answer.status, found, answer.read())
        finally:
            connection.close()

    def get(self, path: str, /, **query: object) -> Answer:
        """Send GET with a query."""
        pairs = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in query.items())
        return self.request("GET", f"{path}?{pairs}" if pairs else path)

    def post(self, path: str, body: Any = None) -> Answer:
        """Send POST with JSON."""
        return self.request("POST", path, {} if body is None else body)

    def read(self, path: str) -> Any:
        """Return the JSON of an address, which must answer."""
        answer = self.get(path)
        assert answer.status == 200, answer.body
        return answer.json

    def submit(self, path: str, body: Any = None) -> Any:
        """Send JSON, which must be accepted, and return that of the answer."""
        answer = self.post(path, body)
        assert answer.status == 200, answer.body
        return answer.json

    def log_in(self, token: str) -> Client:
        """Exchange the token of a link for a cookie."""
        answer = self.get("/", token=token)
        assert answer.status == 303, answer.body
        self.cookie = answer.headers["set-cookie"].partition(";")[0]
        return self

    @contextmanager
    def listen(self, *topics: str) -> Iterator[Listening]:
        """Listen to topics in the block."""
        listening = Listening(self, topics)
        try:
            yield listening
        finally:
            listening.close()

    def start(self, op: str, *inputs: str, **options: Any) -> str:
        """Start a job and return its id; `output` and others of the body may be options."""
        names = ("output", "report", "again", "confirmed")
        body = {name: options.pop(name) for name in names if name in options}
        answer = self.submit("/api/jobs", {"op": op, "inputs": inputs, "options": options, **body})
        assert answer["id"], answer
        return str(answer["id"])

    def job(self, id_: str) -> Any:
        """Return a job."""
        return self.read(f"/api/jobs/{id_}")

    def wait(self, id_: str, *states: str) -> Any:
        """Wait until a job has one of the states, or has ended; return it."""
        return self.wait_for(id_, lambda job: job["state"] in (states or ENDED))

    def wait_for(self, id_: str, is_reached: Callable[[Any], bool]) -> Any:
        """Wait until a job fulfils a condition; return it."""
        end = time.monotonic() + TIMEOUT_S
        while time.monotonic() < end:
            job = self.job(id_)
            if is_reached(job):
                return job
            assert job["state"] not in ENDED, job
            time.sleep(0.05)
        raise AssertionError(f"the job did not get there: {job}")


class Listening:
    """An open stream of events; iterate over it, or take the next one.

    Attributes:
        answer: of the server.
    """

    def __init__(self, client: Client, topics: Sequence[str]) -> None:
        query = "&".join(f"topic={quote(topic, safe='')}" for topic in topics)
        self._connection = client.connect()
        headers = {"host": client.authority, "cookie": client.cookie}
        self._connection.request("GET", f"/events?{query}", headers=headers)
        self.answer = self._connection.getresponse()
        if self.answer.status == 200:
            self.answer.readline()  # the comment that the stream begins with

    def __iter__(self) -> Iterator[dict[str, Any]]:
        while line := self.answer.readline():
            if line.startswith(b"data: "):
                yield json.loads(line[6:])

    def next(self) -> dict[str, Any]:
        """Return the next event, as {topic, data}."""
        event = next(iter(self), None)
        assert event is not None, "the stream has ended"
        return event

    def close(self) -> None:
        """Stop listening."""
        if self._connection.sock is not None:
            self._connection.sock.close()
        self.answer.close()
        self._connection.close()


@dataclass
class StudioServer:
    """A studio that runs as a process of its own.

    Attributes:
        folder: the folder that it shows first.
        arguments: of the command, after the folder.
        environment: in addition to that of the test.
        url: its address.
        token: of a link that has not been used; "" for a studio of several people.
        pid: of the server.
        process: of `kinoloom studio`, which ends at once where a server of the folder runs.
    """

    folder: Path
    arguments: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    token: str = ""
    pid: int = 0
    process: subprocess.Popen[str] | None = None
    _log: IO[bytes] | None = None
    _ended: str = ""

    @property
    def port(self) -> int:
        """Its port."""
        return int(self.url.rpartition(":")[2])

    @property
    def link(self) -> str:
        """The address that logs a browser in, once."""
        return f"{self.url}/?token={self.token}"

    @property
    def messages(self) -> str:
        """What it has printed for people."""
        if self._log is None:
            return self._ended
        return self._ended + os.pread(self._log.fileno(), 1 << 20, 0).decode()

    def stranger(self) -> Client:
        """Return a client that has not logged in."""
        return Client(self.port)

    @cached_property
    def client(self) -> Client:
        """A client that has logged in with the link."""
        return self.stranger().log_in(self.token)

    def start(self, port: int | None = None) -> None:
        """Start it, on a given port or a free one, and wait until it answers.

        Raises:
            RuntimeError: it does not start; with its messages.
        """
        self.launch(port)
        self.read_facts()

    def launch(self, port: int | None = None) -> None:
        """Start its process."""
        line = [sys.executable, "-m", "kinoloom", "studio", str(self.folder), *self.arguments]
        if not {"--port", "--listen"} & set(self.arguments):
            # Not the studio's own choice, the first free port from 8765 on: another test might
            # take it while this one restarts its server.
            line += ["--port", str(port or find_free_port())]
        path = os.pathsep.join(python_path())
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  until `_close`
        self.process = subprocess.Popen(
            [*line, "--no-open", "--json"],
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env={**os.environ, "PYTHONPATH": path, **self.environment},
            start_new_session=True,
        )

    def read_facts(self) -> None:
        """Wait until it answers, as `start` does."""
        assert self.process is not None
        assert self.process.stdout is not None
        text = self.process.stdout.readline()
        if not text:
            raise RuntimeError(f"exit code {self._close()}: {self.messages}")
        answer = json.loads(text)
        self.url, self.token, self.pid = answer["url"], answer["token"], answer["pid"]

    def create_link(self) -> str:
        """Return the address of another link."""
        command = [sys.executable, "-m", "kinoloom", "studio", str(self.folder), "--link", "--json"]
        answer = subprocess.run(command, check=True, capture_output=True, text=True)
        return f"{self.url}/?token={json.loads(answer.stdout)['token']}"

    def kill(self) -> None:
        """End it at once, as a crash does."""
        assert self.process is not None
        self.process.kill()
        self._close()

    def stop(self) -> int:
        """Ask it to end as Ctrl-C does, wait, and return its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(timeout=TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self._close()

    def _close(self) -> int:
        """Close the files of the ended process, and return its exit code."""
        assert self.process is not None
        code = self.process.wait()
        if self._log is not None:
            self._ended = self.messages
            self._log.close()
            self._log = None
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code


@contextmanager
def run_studio(
    *folders: Path, arguments: Sequence[str] = (), environment: Mapping[str, str] | None = None
) -> Iterator[StudioServer]:
    """Run a studio of folders until the end of the block."""
    first, *others = folders
    server = StudioServer(first, [*map(str, others), *arguments], environment or {})
    server.start()
    try:
        yield server
    finally:
        server.stop()
        sys.stderr.write(server.messages)  # pytest shows it where a test fails


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


def python_path(*first: Path) -> list[str]:
    """Return PYTHONPATH as a list, with the sources of the repository."""
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return [*map(str, first), str(ROOT / "src"), *filter(None, given)]
