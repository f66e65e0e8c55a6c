"""Requests that a studio must reject or answer harmlessly, as raw bytes, and who sends them."""

from __future__ import annotations

import os
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

TIMEOUT_S = 60.0
HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True)
class Hostile:
    """A request, and the statuses that are right for it.

    Attributes:
        name: what it tries.
        statuses: of which one is right.
        target: path and query.
        method: of HTTP.
        headers: in addition to Host and, for writes, Origin and Content-Type; None removes one.
        body: bytes.
        has_cookie: whether the right cookie is sent.
    """

    name: str
    statuses: tuple[int, ...]
    target: str
    method: str = "GET"
    headers: Mapping[str, str | None] = field(default_factory=dict)
    body: bytes = b""
    has_cookie: bool = True

    def __str__(self) -> str:
        return self.name.replace(" ", "-")


@dataclass(frozen=True)
class Sender:
    """Where requests are sent to, and what a browser there would send.

    Attributes:
        port: on the loopback interface.
        authority: the header Host.
        origin: the header Origin.
        cookie: the header Cookie of a logged-in browser.
    """

    port: int
    authority: str
    origin: str
    cookie: str

    def send(self, hostile: Hostile) -> tuple[int, dict[str, str], bytes]:
        """Send a request and return the status, the headers and the body."""
        headers: dict[str, str | None] = {"host": self.authority, "connection": "close"}
        if hostile.has_cookie:
            headers["cookie"] = self.cookie
        if hostile.method not in ("GET", "HEAD", "TRACE"):
            headers |= {"origin": self.origin, "content-type": "application/json"}
            headers["content-length"] = str(len(hostile.body))
        headers |= hostile.headers
        lines = [f"{hostile.method} {hostile.target} HTTP/1.1"]
        lines += [f"{name}: {text}" for name, text in headers.items() if text is not None]
        head = "\r\n".join(lines).encode("latin-1") + HEAD_END
        return parse_answer(self.send_bytes(head + hostile.body))

    def send_bytes(self, data: bytes) -> bytes:
        """Send bytes and return everything that comes back."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT_S) as connection:
            # The server may answer before the end of the body.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(data)
            return receive_all(connection)


def receive_all(connection: socket.socket) -> bytes:
    received = b""
    with suppress(ConnectionResetError):  # it closes without reading the whole request
        while chunk := connection.recv(65536):
            received += chunk
    return received


def parse_answer(data: bytes) -> tuple[int, dict[str, str], bytes]:
    head, _, body = data.partition(HEAD_END)
    first, *lines = head.decode("latin-1").split("\r\n")
    status = re.fullmatch(r"HTTP/1\.[01] (\d{3}).*", first)
    assert status is not None, data[:200]
    pairs = (line.partition(":") for line in lines)
    return int(status[1]), {name.lower(): text.strip() for name, _, text in pairs}, body


@contextmanager
def run_proxy(port: int) -> Iterator[int]:
    """Run a reverse proxy for a server on a port, as the part of one behind TLS; yield its port.

    It keeps Host and adds X-Forwarded-For and X-Forwarded-Proto to the first request of each
    connection, which it closes afterwards.
    """
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=_forward, args=(connection, port), daemon=True).start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
    accepting.join(TIMEOUT_S)


def _forward(connection: socket.socket, port: int) -> None:
    with connection, socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as backend:
        data = b""
        while HEAD_END not in data:
            if not (chunk := connection.recv(65536)):
                break
            data += chunk
        first, _, rest = data.partition(b"\r\n")
        added = b"X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n"
        rest = re.sub(rb"(?im)^connection: [^\r]*\r\n", b"", rest)
        backend.sendall(first + b"\r\n" + added + rest)
        threading.Thread(target=_copy, args=(connection, backend), daemon=True).start()
        _copy(backend, connection)
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)  # also ends the thread


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while chunk := source.recv(65536):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return  # one side is gone: so is the connection


def build_hostile_folder(folder: Path) -> Path:
    """Create a folder with everything that requests may try to reach."""
    folder.mkdir()
    outside = folder.parent / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("SECRET")
    (folder / "sub").mkdir()
    for name in ("one.png", "two.png", "sub/three.png"):
        (folder / name).write_bytes(b"\x89PNG" + bytes(6000))
    (folder / "drawing.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>")
    (folder / "report.html").write_text("<script>alert(1)</script>")
    (folder / ".hidden.txt").write_text("SECRET")
    (folder / "to-file").symlink_to(outside / "secret.txt")
    (folder / "to-folder").symlink_to(outside)
    (folder / "to-proc").symlink_to("/proc")
    (folder / "first").symlink_to("second")
    (folder / "second").symlink_to(outside / "secret.txt")
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "tap")
    return folder


_JOB = b'{"op": "interpolate", "inputs": ["one.png", "two.png"], "options": {}, "output": "x.mp4"}'
_UPLOAD = {"content-type": "application/octet-stream"}


def _get(name: str, target: str, *statuses: int, **headers: str | None) -> Hostile:
    sent = {key.replace("_", "-"): text for key, text in headers.items()}
    return Hostile(name, statuses, target, headers=sent)


def _post(
    name: str, target: str, *statuses: int, body: bytes = b"{}", **headers: str | None
) -> Hostile:
    sent = {key.replace("_", "-"): text for key, text in headers.items()}
    return Hostile(name, statuses, target, "POST", sent, body)


HOSTILE = [
    _get("foreign host", "/api/state", 421, host="rebound.example"),
    _get("foreign host and the token of a link", "/?token=x", 421, host="rebound.example:80"),
    _get("host with another port", "/", 421, host="127.0.0.1:9"),
    _get("host in capitals with a dot", "/", 421, host="LOCALHOST."),
    _get("no host", "/", 400, 421, host=None),
    Hostile("no cookie", (401,), "/api/state", has_cookie=False),
    Hostile("no cookie for a file", (401,), "/media/one.png", has_cookie=False),
    Hostile("no cookie for events", (401,), "/events?topic=jobs", has_cookie=False),
    Hostile("no cookie for a page", (401,), "/pages/notes/notes.js", has_cookie=False),
    Hostile("no cookie for a write", (401,), "/api/jobs", "POST", body=_JOB, has_cookie=False),
    _get("false cookie", "/api/state", 401, cookie="studio-1=abc; __Host-studio-1=abc"),
    _get("broken cookie", "/api/state", 401, cookie='a="\\'),
    _get("foreign origin, read", "/api/files", 403, origin="https://rebound.example"),
    _get("own host by another scheme", "/api/files", 403, origin="ftp://127.0.0.1"),
    _get("cross-site read", "/api/state", 403, sec_fetch_site="cross-site"),
    _get("same-site read, another port", "/api/state", 403, sec_fetch_site="same-site"),
    _post("write without origin", "/api/jobs", 403, body=_JOB, origin=None),
    _post("write of a sandboxed frame", "/api/jobs", 403, body=_JOB, origin="null"),
    _post("write of a form", "/api/jobs", 415, content_type="text/plain", body=_JOB),
    _post("write of a form with a file", "/api/jobs", 415, content_type="multipart/form-data"),
    _post("write without a type", "/api/jobs", 415, content_type=None, body=_JOB),
    _get("parent folder", "/media/../outside/secret.txt", 404),
    _get("parent folder, encoded", "/media/%2e%2e/outside/secret.txt", 404),
    _get("parent folder, slash encoded", "/media/..%2foutside%2fsecret.txt", 404),
    _get("parent folder, encoded twice", "/media/%252e%252e/outside/secret.txt", 404),
    _get("parent folder, in the middle", "/media/sub/../../outside/secret.txt", 404),
    _get("absolute path", "/media//etc/hostname", 404),
    _get("absolute path, encoded", "/media/%2fetc%2fhostname", 404),
    _get("backslashes", "/media/..%5coutside%5csecret.txt", 400, 404),
    _get("zero byte", "/media/one.png%00.txt", 400, 404),
    _get("invalid UTF-8", "/media/%ff%fe.png", 400, 404),
    _get("a name of 5,000 bytes", "/media/" + "a" * 5000, 404),
    _get("the studio's state", "/media/.kinoloom/studio.db", 404),
    _get("a hidden file", "/media/.hidden.txt", 404),
    _get("a link that leads outside", "/media/to-file", 404),
    _get("a link to a link", "/media/first", 404),
    _get("a link to itself", "/media/loop", 404),
    _get("a linked folder", "/media/to-folder/secret.txt", 404),
    _get("a linked file system", "/media/to-proc/self/environ", 404),
    _get("a named pipe", "/media/tap", 404),
    _get("a folder", "/media/sub", 404),
    _get("a file of the package", "/pages/notes/page.py", 404),
    _get("a file above a page's folder", "/pages/notes/..%2f__init__.py", 404),
    _get("a file above the client", "/static/..%2f..%2fserve.py", 404),
    _get("range past the end", "/media/one.png", 416, range="bytes=900000000-"),
    _get("reversed range", "/media/one.png", 200, 400, 416, range="bytes=90-20"),
    _get("unknown unit of a range", "/media/one.png", 200, 400, 416, range="pages=1-2"),
    _get("2,000 ranges", "/media/one.png", 200, 416, range="bytes=" + ",".join(["0-1"] * 2000)),
    _get("header injection", "/media/a%0d%0aset-cookie:%20stolen=1", 400, 404),
    _get("drawing", "/media/drawing.svg", 200),
    _get("report", "/media/report.html", 200),
    _post(
        "input outside", "/api/jobs", 422, body=_JOB.replace(b"one.png", b"../outside/secret.txt")
    ),
    _post("input by a link", "/api/jobs", 422, body=_JOB.replace(b"one.png", b"to-file")),
    _post("output outside", "/api/jobs", 422, body=_JOB.replace(b"x.mp4", b"../x.mp4")),
    _post("output hidden", "/api/jobs", 422, body=_JOB.replace(b"x.mp4", b".x.mp4")),
    _post("unknown op", "/api/jobs", 422, body=_JOB.replace(b"interpolate", b"__import__")),
    _post("unknown option", "/api/jobs", 422, body=_JOB.replace(b"{}", b'{"__class__": 1}')),
    _post("half of a JSON object", "/api/jobs", 400, body=b'{"op": '),
    _post("a JSON array", "/api/jobs", 400, body=b"[]"),
    _post("NaN", "/api/jobs", 400, body=b'{"op": NaN}'),
    _post("nested 50,000 deep", "/api/notes/none", 400, body=b'{"a":' * 50000),
    _post("arrays 50,000 deep", "/api/jobs", 400, body=b"[" * 50000),
    _post("1.5 MB of JSON", "/api/jobs", 413, body=b'{"a": "' + b"x" * 1_500_000 + b'"}'),
    _post("a length that lies", "/api/jobs", 400, 413, content_length="3000000"),
    Hostile("upload outside", (422,), "/api/upload/..%2fx.mp4", "PUT", _UPLOAD, b"x"),
    Hostile("upload hidden", (422,), "/api/upload/.profile", "PUT", _UPLOAD, b"x"),
    Hostile("upload into the state", (422,), "/api/upload/.kinoloom/x", "PUT", _UPLOAD, b"x"),
    Hostile("upload through a link", (404, 422), "/api/upload/to-folder/x", "PUT", _UPLOAD, b"x"),
    Hostile(
        "upload larger than allowed",
        (413,),
        "/api/upload/huge.mp4",
        "PUT",
        {**_UPLOAD, "content-length": "90000000000000"},
        b"x",
    ),
    Hostile("trace", (403, 405), "/", "TRACE"),
    Hostile("connect", (400, 403, 405), "other.example:80", "CONNECT"),
    Hostile("unknown method", (403, 405), "/", "BREW"),
    Hostile("preflight", (403, 405), "/api/jobs", "OPTIONS"),
]
"""With the fixtures of `build_hostile_folder`."""
