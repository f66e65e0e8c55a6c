"""The guard: what requests a studio rejects, alone on loopback and behind a reverse proxy."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from driving import Answer, Client, StudioServer, find_free_port, python_path, run_studio
from page_packages import PAGES, declare_pages
from security_requests import (
    HOSTILE,
    Hostile,
    Sender,
    build_hostile_folder,
    parse_answer,
    run_proxy,
)

from kinoloom.studio.security.people import add_person

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioServer]:
    folder = build_hostile_folder(tmp_path_factory.mktemp("local") / "films")
    with run_studio(folder) as studio:
        yield studio


@pytest.fixture(scope="module", params=["loopback", "proxy"])
def sender(
    request: pytest.FixtureRequest,
    local: StudioServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Sender]:
    if request.param == "loopback":
        client = local.client
        yield Sender(local.port, client.authority, client.origin, client.cookie)
        return
    place = tmp_path_factory.mktemp("shared")
    folder, port = build_hostile_folder(place / "films"), find_free_port()
    add_person(place / "people", "Ada", "owner", PASSWORD)
    words = ("--listen", f"127.0.0.1:{port}", "--host", "studio.test")
    words += ("--people", str(place / "people"), "--behind", "127.0.0.1")
    with run_studio(folder, arguments=words), run_proxy(port) as proxy:
        client = Client(proxy, authority="studio.test", origin="https://studio.test")
        answer = client.post("/api/login", {"name": "Ada", "password": PASSWORD})
        assert answer.status == 200
        cookie = answer.headers["set-cookie"].partition(";")[0]
        yield Sender(proxy, "studio.test", "https://studio.test", cookie)


@pytest.mark.parametrize("hostile", HOSTILE, ids=str)
def test_a_hostile_request_gets_its_status(sender: Sender, hostile: Hostile) -> None:
    status, headers, body = sender.send(hostile)
    assert status in hostile.statuses, body[:300]
    assert "set-cookie" not in headers
    assert b"SECRET" not in body
    assert b"Traceback" not in body
    assert not any(name.startswith("access-control") for name in headers)
    if status != 400:  # h11 itself answers what is not HTTP
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
    if hostile.name in ("drawing", "report"):
        assert headers["content-disposition"].startswith("attachment")
        assert "sandbox" in headers["content-security-policy"]


def test_two_hosts_are_rejected(sender: Sender) -> None:
    line = f"host: {sender.authority}\r\n"
    data = f"GET / HTTP/1.1\r\n{line}{line}cookie: {sender.cookie}\r\nconnection: close\r\n\r\n"
    assert parse_answer(sender.send_bytes(data.encode()))[0] == 400


def test_a_body_of_unclear_length_is_rejected(sender: Sender) -> None:
    data = (
        f"POST /api/jobs HTTP/1.1\r\nhost: {sender.authority}\r\ncookie: {sender.cookie}\r\n"
        f"origin: {sender.origin}\r\ncontent-type: application/json\r\ncontent-length: 2\r\n"
        "transfer-encoding: chunked\r\nconnection: close\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n"
    )
    status, _, _ = parse_answer(sender.send_bytes(data.encode()))
    assert status in (400, 422)  # never a second answer


def test_the_studio_answers_after_all_of_them(sender: Sender) -> None:
    status, _, body = sender.send(Hostile("state", (200,), "/api/state"))
    assert status == 200
    assert b'"role":"owner"' in body


def test_the_page_is_confined(sender: Sender) -> None:
    _, headers, body = sender.send(Hostile("shell", (200,), "/"))
    policy = dict(
        part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"].startswith("'self' 'sha256-")
    for name in ("style-src", "font-src", "connect-src"):
        assert policy[name] == "'self'"
    for name in ("img-src", "media-src"):
        assert policy[name] == "'self' blob:"
    for name in ("frame-ancestors", "base-uri", "form-action"):
        assert policy[name] == "'none'"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert b" style=" not in body


def test_a_link_logs_in_once_and_its_cookie_is_confined(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("link")
    with run_studio(folder) as studio:
        client = studio.stranger()
        assert len(studio.token) >= 32  # 192 bits
        answer = client.get(f"/?token={studio.token}")
        assert (answer.status, answer.headers["location"]) == (303, "/")
        cookie, *attributes = answer.headers["set-cookie"].split("; ")
        assert cookie.startswith(f"studio-{studio.port}=")
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(attributes)
        assert client.get(f"/?token={studio.token}").status == 403
        assert client.get("/?token=wrong").status == 403
        another = print_link(folder)
        assert another["url"] == studio.url
        assert studio.stranger().log_in(another["token"]).get("/api/state").status == 200
        secret = cookie.partition("=")[2]
        database = b"".join(file.read_bytes() for file in (folder / ".kinoloom").glob("studio.db*"))
        assert secret.encode() not in database
        assert studio.token.encode() not in database


def print_link(folder: Path) -> Any:
    line = [sys.executable, "-m", "kinoloom", "studio", str(folder), "--link", "--json"]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_a_cookie_outlives_the_server_but_not_its_end(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder, port = tmp_path_factory.mktemp("again"), str(find_free_port())
    with run_studio(folder, arguments=("--port", port)) as studio:
        cookie = studio.client.cookie
    with run_studio(folder, arguments=("--port", port)) as studio:
        client = Client(studio.port, cookie)
        assert client.get("/api/state").status == 200
        assert client.post("/api/logout").status == 200
        assert client.get("/api/state").status == 401


def test_the_server_listens_on_loopback_only(local: StudioServer) -> None:
    sockets = Path(f"/proc/{local.pid}/net/tcp").read_text().splitlines()[1:]
    addresses = {line.split()[1] for line in sockets if line.split()[3] == "0A"}
    assert f"0100007F:{local.port:04X}" in addresses
    assert f"00000000:{local.port:04X}" not in addresses


@pytest.mark.parametrize(
    ("size", "depth", "status"),
    [(1_000_000, 1, 422), (1_000_001, 1, 413), (0, 100, 422), (0, 101, 400)],
)
def test_json_is_limited_in_size_and_depth(
    local: StudioServer, size: int, depth: int, status: int
) -> None:
    head, tail = b'{"path": ""' + b', "pad": ' * (depth > 1), b"}"
    head, tail = head + b"[" * (depth - 1), b"]" * (depth - 1) + tail
    body = head + b" " * (size - len(head) - len(tail)) + tail
    assert local.client.request("POST", "/api/folders", body).status == status


def test_more_than_100_requests_at_once_are_rejected(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    site = declare_pages(tmp_path_factory.mktemp("site"), {"lab": "lab.page:PAGE"})
    path = os.pathsep.join(python_path(site, PAGES))
    with run_studio(tmp_path, environment={"PYTHONPATH": path}) as studio:
        client, body = studio.client, b'{"options": {"mark": "mark"}}'
        head = (
            f"POST /api/lab/wait HTTP/1.1\r\nhost: {client.authority}\r\n"
            f"cookie: {client.cookie}\r\norigin: {client.origin}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        with ExitStack() as connections, client.listen("jobs") as listening:
            for _ in range(100):
                one = socket.create_connection(("127.0.0.1", studio.port))
                connections.enter_context(one).sendall(head.encode() + body)
            answer = wait_for_status(client, 503)
            assert "100 requests" in answer.json["error"]
            assert listening.answer.status == 200
            with client.listen("files") as another:  # listeners are counted by themselves
                assert another.answer.status == 200
        wait_for_status(client, 200)


def wait_for_status(client: Client, status: int) -> Answer:
    """Read the state until it is answered with a status; return the answer."""
    for _ in range(1200):
        if (answer := client.get("/api/state")).status == status:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"the state is answered with {answer.status}, not {status}")


def test_more_than_64_listeners_are_rejected(tmp_path: Path) -> None:
    with run_studio(tmp_path) as studio:
        client = studio.client
        with ExitStack() as listeners:
            for _ in range(64):
                assert listeners.enter_context(client.listen("jobs")).answer.status == 200
            assert client.get("/events?topic=jobs").status == 503
            assert client.get("/api/state").status == 200
