"""Documents in a running studio: stored before they are answered, announced, kept over a crash."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from driving import Client, StudioServer, find_free_port, run_studio

NOTE = "/api/documents/notes/note/talk"


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioServer]:
    with run_studio(tmp_path_factory.mktemp("films")) as studio:
        yield studio


@pytest.fixture(scope="module")
def client(studio: StudioServer) -> Client:
    return studio.client


def insert(number: int, after: str = "", text: str = "text") -> dict[str, Any]:
    return {"type": "insert", "id": f"p{number}", "after": after, "text": text}


def submit(client: Client, path: str, seq: int, *changes: tuple[str, dict[str, Any]]) -> Any:
    body = {"changes": [{"key": key, "seq": seq, "change": change} for key, change in changes]}
    return client.post(f"{path}/changes", body)


def texts(client: Client, path: str) -> list[str]:
    state = client.get(path).json["state"]
    return [one["text"] for one in state["paragraphs"]]


def test_a_change_is_answered_announced_and_logged(client: Client) -> None:
    path = f"{NOTE}/1"
    assert client.get(path).json == {"seq": 0, "state": {"title": "", "paragraphs": []}}
    with client.listen("doc:notes/note/talk/1") as listening:
        answer = submit(client, path, 0, ("a", insert(1)), ("b", insert(2, "p1")))
        assert answer.status == 200
        assert answer.json["seq"] == 2
        for key, change in (("a", insert(1)), ("b", insert(2, "p1"))):
            data = listening.next()["data"]
            assert (data["key"], data["change"], data["person"]) == (key, change, "owner")
    log = client.get(f"{path}/log?limit=1").json["entries"]
    assert [entry["seq"] for entry in log] == [2]
    assert client.get(f"{path}/log?before=2").json["entries"][0]["seq"] == 1
    names = [one["name"] for one in client.get("/api/documents/notes/note").json["documents"]]
    assert "talk/1" in names


def test_a_change_that_is_sent_again_is_made_once(client: Client) -> None:
    path = f"{NOTE}/2"
    first = submit(client, path, 0, ("a", insert(1)))
    again = submit(client, path, 0, ("a", insert(1)), ("b", insert(2)), ("b", insert(2)))
    assert again.json["applied"][0] == first.json["applied"][0]
    assert [entry["seq"] for entry in again.json["applied"]] == [1, 2, 2]
    assert len(texts(client, path)) == 2
    undone = client.post(f"{path}/undo", {"key": "u"}).json
    assert client.post(f"{path}/undo", {"key": "u"}).json == undone
    assert len(texts(client, path)) == 1


def test_a_change_of_what_someone_else_changed_shows_both_versions(client: Client) -> None:
    path = f"{NOTE}/3"
    submit(client, path, 0, ("a", insert(1, text="old")))
    edit = {"type": "edit", "id": "p1", "text": "mine", "was": "old"}
    assert submit(client, path, 1, ("b", {**edit, "text": "theirs"})).status == 200
    answer = submit(client, path, 1, ("c", insert(2, "p1")), ("d", edit), ("e", insert(3)))
    assert answer.status == 409
    content = answer.json
    assert content["rejected"]["change"] == edit
    assert [one["text"] for one in content["state"]["paragraphs"]] == ["theirs", "text"]
    assert [entry["key"] for entry in content["applied"]] == ["c"]
    assert content["seq"] == client.get(path).json["seq"] == 3


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"changes": {}}, 422),
        ({"changes": [3]}, 422),
        ({"changes": [{"key": "a", "seq": 0}]}, 422),
        ({"changes": [{"key": "a b", "seq": 0, "change": {}}]}, 422),
        ({"changes": [{"key": "a", "seq": "0", "change": {"type": "title"}}]}, 422),
        ({"changes": [{"key": "a", "seq": 0, "change": {"type": "burn"}}]}, 422),
        ({"changes": [{"key": "a", "seq": 0, "change": {"type": "title", "text": 5}}]}, 422),
        ({"changes": [{"key": str(k), "seq": 0, "change": {}} for k in range(1001)]}, 422),
    ],
)
def test_a_malformed_change_is_rejected(client: Client, body: Any, status: int) -> None:
    answer = client.post(f"{NOTE}/4/changes", body)
    assert answer.status == status
    assert answer.json["error"]
    assert client.get(f"{NOTE}/4").json["seq"] == 0


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/documents/notes/none/x", 404),
        ("/api/documents/none/note/x", 404),
        ("/api/documents/notes/none", 404),
        ("/api/documents/notes/note/a%00b", 422),
        ("/api/documents/notes/note/a%0ab", 404),
        (f"/api/documents/notes/note/{'x' * 501}", 422),
        (f"{NOTE}/log?before=x", 422),
    ],
)
def test_an_unknown_document_is_rejected(client: Client, path: str, status: int) -> None:
    assert client.get(path).status == status


def test_names_and_texts_may_have_any_characters(client: Client) -> None:
    path = "/api/documents/notes/note/%F0%9F%8E%AC%20%3Cb%3E%20%D7%90%22"
    text = "<script>alert(1)</script> \u202e \ud800 \0 🎬"
    assert submit(client, path, 0, ("a", insert(1, text=text))).status == 200
    assert texts(client, path) == [text]


def test_a_thousand_undos_are_one_request(client: Client) -> None:
    path = f"{NOTE}/5"
    changes = [(f"k{k}", insert(k, f"p{k - 1}" if k else "")) for k in range(1000)]
    assert submit(client, path, 0, *changes).status == 200
    answer = client.post(f"{path}/undo", {"keys": [f"u{k}" for k in range(1000)]})
    assert len(answer.json["applied"]) == 1000
    assert texts(client, path) == []
    client.post(f"{path}/redo", {"keys": [f"r{k}" for k in range(1000)]})
    assert len(texts(client, path)) == 1000
    assert client.post(f"{path}/redo", {"key": "more"}).json == {"seq": 3000, "applied": []}


def test_changes_at_the_same_time_are_all_made(client: Client) -> None:
    path = f"{NOTE}/6"
    with ThreadPoolExecutor(8) as threads:
        jobs = [
            threads.submit(submit, client, path, 0, (f"k{number}", insert(number)))
            for number in range(40)
        ]
        seqs = sorted(job.result().json["applied"][0]["seq"] for job in jobs)
    assert seqs == list(range(1, 41))
    assert len(texts(client, path)) == 40


def test_what_was_answered_is_there_after_a_crash(tmp_path: Path) -> None:
    port = str(find_free_port())
    with run_studio(tmp_path, arguments=("--port", port)) as studio:
        client = studio.client
        for number in range(450):  # beyond two snapshots
            after = f"p{number - 1}" if number else ""
            submit(client, NOTE, number, (f"k{number}", insert(number, after, str(number))))
        client.post(f"{NOTE}/undo", {"key": "u"})
        studio.kill()
    with run_studio(tmp_path, arguments=("--port", port)) as studio:
        client = Client(studio.port, client.cookie)
        assert texts(client, NOTE) == [str(number) for number in range(449)]
        assert client.post(f"{NOTE}/redo", {"key": "r"}).json["applied"][0]["of"] == 450
        assert submit(client, NOTE, 0, ("k449", insert(449))).json["seq"] == 452
