"""Uploads: pieces, interruptions, limits, hostile names; on a real server."""

import hashlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from driving import Answer, Client, run_studio

from kinoloom.studio.folders.names import clean_name

LIMIT = 5_000_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[Client]:
    with run_studio(folder, arguments=("--upload-limit", str(LIMIT))) as studio:
        yield studio.client


def put(client: Client, name: str, body: bytes, **headers: object) -> Answer:
    texts = {f"x-upload-{key}": str(value) for key, value in headers.items()}
    path = f"/api/upload/{quote(name, safe='/')}"
    return client.request("PUT", path, body, {"content-type": "application/octet-stream", **texts})


def hidden(folder: Path) -> list[Path]:
    return list(folder.glob(".*.upload"))


def test_a_file_arrives_with_its_content(client: Client, folder: Path) -> None:
    data = os.urandom(3_000_000)
    answer = put(client, "whole.mp4", data, sha256=hashlib.sha256(data).hexdigest())
    assert (answer.status, answer.json["path"]) == (201, "whole.mp4")
    assert (folder / "whole.mp4").read_bytes() == data
    assert hidden(folder) == []


def test_an_empty_file_arrives(client: Client, folder: Path) -> None:
    assert put(client, "empty.txt", b"").status == 201
    assert (folder / "empty.txt").read_bytes() == b""


def test_nothing_is_replaced(client: Client, folder: Path) -> None:
    (folder / "taken.png").write_text("mine")
    assert put(client, "taken.png", b"other").json["path"] == "taken-2.png"
    assert (folder / "taken.png").read_text() == "mine"
    assert (folder / "taken-2.png").read_bytes() == b"other"


def test_pieces_join_to_the_file(client: Client, folder: Path) -> None:
    data = os.urandom(1000)
    digest = hashlib.sha256(data).hexdigest()
    first = put(client, "pieces.png", data[:400], total=1000)
    assert (first.status, first.json) == (200, {"offset": 400, "path": None})
    assert not (folder / "pieces.png").exists()
    assert client.get("/api/upload/pieces.png").json == {"offset": 400, "total": 1000}
    wrong = put(client, "pieces.png", data[500:], offset=500, total=1000)
    assert (wrong.status, wrong.json["offset"]) == (409, 400)
    last = put(client, "pieces.png", data[400:], offset=400, total=1000, sha256=digest)
    assert last.status == 201
    assert (folder / "pieces.png").read_bytes() == data
    assert client.get("/api/upload/pieces.png").json == {"offset": 0, "total": 0}


def test_a_piece_at_the_start_begins_anew(client: Client, folder: Path) -> None:
    put(client, "anew.png", b"xxxx", total=10)
    assert put(client, "anew.png", b"yy").status == 201
    assert (folder / "anew.png").read_bytes() == b"yy"
    assert hidden(folder) == []


def test_an_upload_that_is_not_wanted_leaves_nothing(client: Client, folder: Path) -> None:
    put(client, "unwanted.png", b"xxxx", total=10)
    assert len(hidden(folder)) == 1
    assert client.request("DELETE", "/api/upload/unwanted.png").status == 200
    assert hidden(folder) == []
    assert client.get("/api/upload/unwanted.png").json == {"offset": 0, "total": 0}


def test_an_interrupted_upload_resumes_in_the_next_server(tmp_path: Path) -> None:
    data = os.urandom(2_500_000)
    head = (
        "PUT /api/upload/cut.mp4 HTTP/1.1\r\nhost: {host}\r\norigin: {url}\r\ncookie: {cookie}\r\n"
        "content-type: application/octet-stream\r\ncontent-length: {length}\r\n\r\n"
    )
    with run_studio(tmp_path) as studio:
        client = studio.client
        with socket.create_connection(("127.0.0.1", studio.port)) as connection:
            text = head.format(
                host=client.authority, url=client.origin, cookie=client.cookie, length=len(data)
            )
            connection.sendall(text.encode() + data[:1_200_000])
        while client.get("/api/upload/cut.mp4").json["offset"] < 1_200_000:
            assert not (tmp_path / "cut.mp4").exists()
        studio.kill()
    with run_studio(tmp_path) as studio:
        client = studio.client
        offset = client.get("/api/upload/cut.mp4").json["offset"]
        assert offset == 1_200_000
        digest = hashlib.sha256(data).hexdigest()
        rest = data[offset:]
        answer = put(client, "cut.mp4", rest, offset=offset, total=len(data), sha256=digest)
        assert answer.status == 201
    assert (tmp_path / "cut.mp4").read_bytes() == data


def open_upload(client: Client, name: str, length: int, data: bytes) -> socket.socket:
    """Declare an upload of some length, and send data that may be longer or shorter."""
    head = (
        f"PUT /api/upload/{name} HTTP/1.1\r\nhost: {client.authority}\r\norigin: {client.origin}"
        f"\r\ncookie: {client.cookie}\r\ncontent-type: application/octet-stream\r\n"
        f"content-length: {length}\r\n\r\n"
    )
    connection = socket.create_connection(("127.0.0.1", client.port), timeout=60)
    connection.sendall(head.encode() + data)
    return connection


def test_an_upload_shorter_than_declared_is_not_published(client: Client, folder: Path) -> None:
    with open_upload(client, "short.bin", 10, b"0123") as connection:
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(1)  # there is no answer while the rest is missing
    assert not (folder / "short.bin").exists()
    offset = client.read("/api/upload/short.bin")["offset"]
    assert 0 <= offset <= 4
    answer = put(client, "short.bin", b"0123456789"[offset:], offset=offset, total=10)
    assert answer.status == 201
    assert (folder / "short.bin").read_bytes() == b"0123456789"


def test_what_follows_an_upload_of_the_declared_length_is_rejected(
    client: Client, folder: Path
) -> None:
    with open_upload(client, "long.bin", 10, b"0123456789and more\r\n\r\n") as connection:
        answers = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answers.startswith(b"HTTP/1.1 201")
    assert b"HTTP/1.1 400" in answers  # as a request, after which the connection ends
    assert (folder / "long.bin").read_bytes() == b"0123456789"
    assert client.get("/api/state").status == 200


def test_other_content_than_declared_is_discarded(client: Client, folder: Path) -> None:
    answer = put(client, "wrong.png", b"data", sha256="0" * 64)
    assert answer.status == 422
    assert not (folder / "wrong.png").exists()
    assert hidden(folder) == []


@pytest.mark.parametrize(
    "headers, status",
    [
        ({"total": 3}, 400),
        ({"total": LIMIT + 1}, 413),
        ({"offset": 5, "total": 9}, 409),
        ({"offset": 6, "total": 9}, 400),
        ({"offset": -1}, 400),
        ({"total": "many"}, 400),
        ({"sha256": "short"}, 400),
    ],
)
def test_contradicting_sizes_are_refused(
    client: Client, folder: Path, headers: dict[str, object], status: int
) -> None:
    assert put(client, "sizes.png", b"data", **headers).status == status
    assert not (folder / "sizes.png").exists()


def test_an_upload_without_a_length_is_refused(client: Client) -> None:
    headers = {"content-type": "application/octet-stream"}
    answer = client.request("PUT", "/api/upload/a.png", iter([b"data"]), headers)  # in chunks
    assert answer.status == 411


def test_an_upload_leaves_one_gigabyte_free(tmp_path: Path) -> None:
    free = os.statvfs(tmp_path)
    total = free.f_bavail * free.f_frsize
    with run_studio(tmp_path, arguments=("--upload-limit", str(10 * total))) as studio:
        answer = put(studio.client, "large.mp4", b"data", total=total - 500_000_000)
        assert answer.status == 507
        assert "room for" in answer.json["error"]
    assert hidden(tmp_path) == []


@pytest.mark.parametrize(
    "name, status",
    [
        ("../out.png", 422),
        (".kinoloom/studio.db", 422),
        (".profile", 422),
        ("..", 422),
        ("missing/a.png", 404),
        ("a\0b/c.png", 404),
        ("//etc/passwd", 422),
    ],
)
def test_uploads_stay_in_shown_folders(
    client: Client, folder: Path, name: str, status: int
) -> None:
    assert put(client, name, b"data").status == status
    assert not (folder.parent / "out.png").exists()


def test_an_upload_does_not_follow_a_link(client: Client, folder: Path, tmp_path: Path) -> None:
    (folder / "linked").symlink_to(tmp_path)
    assert put(client, "linked/a.png", b"data").status == 404
    (folder / "to.png").symlink_to(tmp_path / "target.png")
    assert put(client, "to.png", b"data").json["path"] == "to-2.png"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name, expected",
    [
        ("a\0b.png", "a_b.png"),
        ("gpj.\u202eexe", "gpj._exe"),
        ("a\\b:c.png", "a_b_c.png"),
        ("e\u0301.png", "\u00e9.png"),
        ("x" * 250 + ".png", "x" * 196 + ".png"),
        ("🎬" * 100 + ".mp4", "🎬" * 49 + ".mp4"),
        ("a" + "." + "b" * 300, "a." + "b" * 198),
        (" name. ", "name"),
    ],
)
def test_names_are_cleaned(client: Client, folder: Path, name: str, expected: str) -> None:
    assert clean_name(name) == expected
    assert put(client, name, b"data").json["path"] == expected
    assert (folder / expected).is_file()
    assert clean_name(expected) == expected
