"""Calls and feeds of a page of a third party, and pages that fail, in a running studio."""

import os
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from driving import Client, StudioServer, python_path, run_studio
from page_packages import PAGES, declare_pages


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    (folder / "a.txt").write_text("hello")
    (folder / "out").symlink_to("/etc")
    return folder


@pytest.fixture(scope="module")
def studio(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioServer]:
    site = tmp_path_factory.mktemp("site")
    broken = site / "broken"
    broken.mkdir()
    (broken / "__init__.py").touch()
    (broken / "syntax.py").write_text("def page(:\n")
    (broken / "heavy.py").write_text("import numpy\n")
    (broken / "other.py").write_text("PAGE = 3\n")
    (broken / "missing.py").write_text(
        "from kinoloom.base.page import Page\n"
        "PAGE = Page('missing', 'Missing', 'x', 'x', 'broken:x.js', extra='no-such-extra')\n"
    )
    declare_pages(
        site,
        {
            "lab": "lab.page:PAGE",
            "syntax": "broken.syntax:PAGE",
            "heavy": "broken.heavy:PAGE",
            "other": "broken.other:PAGE",
            "missing": "broken.missing:PAGE",
            "absent": "not_installed:PAGE",
        },
    )
    declare_pages(site, {"notes": "broken.other:PAGE"}, "second_notes")
    path = os.pathsep.join(python_path(site, PAGES))
    with run_studio(folder, environment={"PYTHONPATH": path}) as studio:
        yield studio


@pytest.fixture(scope="module")
def client(studio: StudioServer) -> Client:
    return studio.client


def wait_for(condition: Callable[[], bool]) -> None:
    """Return when a condition holds."""
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("the condition never held")


def test_a_page_of_a_third_party_is_listed_with_its_module(client: Client) -> None:
    pages = {page["name"]: page for page in client.get("/api/state").json["pages"]}
    lab = pages["lab"]
    assert (lab["title"], lab["opens"], lab["failure"]) == ("Lab", ["Clip", ".lab"], "")
    answer = client.get(lab["module"])
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert b"export function mount" in answer.body
    assert client.get("/pages/lab/parts/label.js").status == 200


def test_a_page_that_cannot_be_loaded_is_listed_with_its_failure(client: Client) -> None:
    state = client.get("/api/state").json
    failures = {page["name"]: page["failure"] for page in state["pages"]}
    assert "SyntaxError" in failures["syntax"]
    assert 'cost="model"' in failures["heavy"]
    assert "is not a kinoloom.base.page.Page" in failures["other"]
    assert "not_installed" in failures["absent"]
    assert "no-such-extra" in failures["missing"]
    assert failures["notes"] == ""
    assert client.post("/api/syntax/run").status == 500
    assert client.get("/pages/syntax/x.js").status == 500


@pytest.mark.parametrize(
    "path",
    ["page.py", "../page.py", "%2e%2e/page.py", "..%2fpage.py", "", "parts", "/etc/passwd", "x.js"],
)
def test_only_files_of_the_modules_folder_are_served(client: Client, path: str) -> None:
    assert client.get(f"/pages/lab/{path}").status == 404


def test_a_call_gets_its_options_and_returns_a_plain_value(client: Client) -> None:
    answer = client.post("/api/lab/add", {"options": {"a": 2, "b": "40"}})
    assert (answer.status, answer.json) == (200, 42)
    assert client.post("/api/lab/who").json == {"name": "owner", "role": "owner"}


@pytest.mark.parametrize(
    ("path", "body", "status", "part"),
    [
        ("lab/add", {"options": {"c": 1}}, 422, "Unknown option 'c'"),
        ("lab/add", {"options": {"b": -1}}, 422, "at least 0"),
        ("lab/add", {"options": []}, 422, "an object"),
        ("lab/add", {"latest": 3}, 422, "text"),
        ("lab/no-call", {}, 404, "no call"),
        ("lab/nothing", {}, 500, "not a Call"),
        ("no-page/add", {}, 404, "no page"),
        ("lab/fail", {}, 415, "cannot be read"),
        ("lab/crash", {}, 500, "ZeroDivisionError"),
        ("lab/heavy", {}, 500, "does not import numpy"),
    ],
)
def test_a_call_that_fails_is_answered_with_a_sentence(
    client: Client, path: str, body: dict[str, object], status: int, part: str
) -> None:
    answer = client.post(f"/api/{path}", body)
    assert answer.status == status
    assert part in answer.json["error"] + answer.json["hint"]


def test_a_blob_is_answered_as_bytes_with_its_facts(client: Client) -> None:
    answer = client.post("/api/lab/picture")
    assert (answer.body, answer.headers["content-type"]) == (b"\x00\x01", "image/png")
    assert answer.headers["x-facts"] == '{"seen": "\\u201cyes\\u201d"}'


def test_a_call_reads_only_files_inside_the_folder(client: Client) -> None:
    assert client.post("/api/lab/read", {"options": {"path": "a.txt"}}).json == "hello"
    for path in ("../a.txt", "/etc/passwd", "out/passwd", ".kinoloom/studio.db", "a\0", ""):
        assert client.post("/api/lab/read", {"options": {"path": path}}).status == 404


def test_a_file_is_answered_with_its_bytes(client: Client) -> None:
    answer = client.post("/api/lab/find", {"options": {"path": "a.txt"}})
    assert (answer.status, answer.body) == (200, b"hello")
    assert answer.headers["x-content-type-options"] == "nosniff"
    cached = client.post("/api/lab/cached", {"options": {"path": ".kinoloom/cache/made.txt"}})
    assert (cached.status, cached.body) == (200, b"made")
    for path in (".kinoloom/made.txt", ".kinoloom/cache/../made.txt"):
        assert client.post("/api/lab/cached", {"options": {"path": path}}).status == 500


def test_a_model_call_keeps_its_process_and_reaches_documents(client: Client) -> None:
    first, second = (
        client.post("/api/lab/mean", {"options": {"a": 1, "b": 2}}).json for _ in range(2)
    )
    assert (first["mean"], first["person"]) == (1.5, "owner")
    assert first["pid"] == second["pid"]
    assert second["count"] == first["count"] + 1
    state = client.get("/api/documents/lab/counter/means").json["state"]
    assert state == second["count"]
    assert client.post("/api/lab/misfit").json.startswith("UsageError: The counter")


def test_a_process_that_dies_fails_one_call(client: Client) -> None:
    before = client.post("/api/lab/mean").json["pid"]
    answer = client.post("/api/lab/mean", {"options": {"a": -1}})
    assert answer.status == 500
    assert "ended" in answer.json["error"]
    assert client.post("/api/lab/mean").json["pid"] != before


@pytest.mark.parametrize("name", ["wait", "wait-warm"])
def test_a_newer_call_cancels_an_older_one(client: Client, folder: Path, name: str) -> None:
    path = f"/api/lab/{name}"
    with ThreadPoolExecutor(2) as threads:
        older, newer = f"{name}-1", f"{name}-2"
        first = threads.submit(client.post, path, {"options": {"mark": older}, "latest": "k"})
        wait_for(lambda: (folder / older).exists())
        second = threads.submit(client.post, path, {"options": {"mark": newer}, "latest": "k"})
        assert first.result().status == 409
        wait_for(lambda: (folder / older).read_text() == "cancelled")
        wait_for(lambda: (folder / newer).exists())
        third = client.post("/api/lab/wait", {"options": {"mark": "other-key", "latest": "j"}})
        assert third.status == 422  # `latest` is not an option
        last = threads.submit(client.post, path, {"options": {"b": 1}, "latest": "k"})
        assert last.result().status == 422
        assert not second.done()
        cancel = threads.submit(client.post, path, {"options": {"mark": "end"}, "latest": "k"})
        assert second.result().status == 409
        wait_for(lambda: (folder / "end").exists())
        post_and_leave(client, path, b'{"options": {"mark": "left"}, "latest": "k"}')
        assert cancel.result().status == 409


def post_and_leave(client: Client, path: str, body: bytes) -> None:
    """Send a request and close the connection without reading the answer."""
    head = (
        f"POST {path} HTTP/1.1\r\nhost: {client.authority}\r\ncookie: {client.cookie}\r\n"
        f"origin: {client.origin}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", client.port)) as connection:
        connection.sendall(head.encode() + body)
        time.sleep(0.2)  # the server may see the end before it has begun; both are right


@pytest.mark.parametrize("name", ["wait", "wait-warm"])
def test_a_call_is_cancelled_when_the_client_leaves(
    client: Client, folder: Path, name: str
) -> None:
    mark = f"leave-{name}"
    body = f'{{"options": {{"mark": "{mark}"}}}}'.encode()
    head = (
        f"POST /api/lab/{name} HTTP/1.1\r\nhost: {client.authority}\r\ncookie: {client.cookie}\r\n"
        f"origin: {client.origin}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", client.port)) as connection:
        connection.sendall(head.encode() + body)
        wait_for(lambda: (folder / mark).exists())
    wait_for(lambda: (folder / mark).read_text() == "cancelled")


def test_a_feed_runs_while_someone_listens(client: Client, folder: Path) -> None:
    mark = folder / "ticks.txt"
    topic = 'feed:lab/ticks?{"a":5}'
    with client.listen(topic) as listening:
        event = listening.next()
        assert (event["topic"], event["data"]["number"]) == (topic, 5)
        assert event["data"]["person"] == "audience"
        with client.listen(topic) as second:
            assert second.next()["data"]["number"] > 5
        assert listening.next()["data"]["number"] > 5
        assert not mark.exists()
    wait_for(mark.exists)


def test_a_feed_that_ends_or_fails_says_so(client: Client) -> None:
    topics = ('feed:lab/ticks?{"a":1,"b":1}', "feed:lab/broken", "feed:lab/none", "feed:lab")
    seen: dict[str, list[object]] = {topic: [] for topic in topics}
    with client.listen(*topics) as listening:
        while sum(map(len, seen.values())) < 6:
            event = listening.next()
            seen[event["topic"]].append(event["data"])
    assert seen[topics[0]] == [{"number": 1, "person": "audience"}, {"ended": True}]
    failure = {"error": "The camera is off.", "hint": "Switch it on."}
    assert seen[topics[1]] == [{"number": 1}, {"failure": failure}]
    assert "no feed 'none'" in str(seen[topics[2]])
    assert "not the topic" in str(seen[topics[3]])


def test_a_feed_of_a_model_runs_in_a_process_of_its_own(
    client: Client, studio: StudioServer
) -> None:
    with client.listen('feed:lab/heavy-ticks?{"a":1,"b":3}') as listening:
        events = [listening.next()["data"] for _ in range(3)]
    assert [event["number"] for event in events] == [1, 2, 3]
    pid = events[0]["pid"]
    assert pid != studio.pid
    wait_for(lambda: not Path(f"/proc/{pid}").exists())


def test_the_server_still_loads_no_heavy_library(studio: StudioServer) -> None:
    """The calls above ran models; the maps of the server's memory show no library of theirs."""
    maps = Path(f"/proc/{studio.pid}/maps").read_text()
    assert "_socket" in maps or "libssl" in maps or "_asyncio" in maps
    for name in ("numpy", "/av/", "/PIL/", "cv2", "onnxruntime", "torch"):
        assert f"site-packages/{name.strip('/')}" not in maps
