"""Files in the studio: lists, search, pages, folders, names, trash, events; on a real server."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from driving import Client, run_studio


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("films")


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[Client]:
    with run_studio(folder) as studio:
        yield studio.client


@pytest.fixture
def place(folder: Path, request: pytest.FixtureRequest) -> Path:
    """A folder of one test."""
    made = folder / request.node.name.partition("[")[0]
    made.mkdir(exist_ok=True)
    return made


def names(client: Client, place: Path, **query: Any) -> list[str]:
    return [
        one["name"] for one in client.get("/api/files", folder=place.name, **query).json["files"]
    ]


def test_a_folder_is_listed_with_kinds_and_sizes(client: Client, place: Path) -> None:
    (place / "shots").mkdir()
    (place / "film.MP4").write_bytes(b"12345")
    for name in ("a.png", "b.wav", "notes.txt", ".hidden"):
        (place / name).touch()
    (place / "link.png").symlink_to(place / "a.png")
    os.mkfifo(place / "pipe.png")
    files = client.get("/api/files", folder=place.name).json["files"]
    assert [(one["name"], one["kind"]) for one in files] == [
        ("shots", "folder"),
        ("a.png", "photo"),
        ("b.wav", "audio"),
        ("film.MP4", "video"),
        ("notes.txt", "other"),
    ]
    film = files[3]
    assert film["path"] == f"{place.name}/film.MP4"
    assert film["bytes"] == 5
    assert film["modified"] == pytest.approx((place / "film.MP4").stat().st_mtime)


@pytest.mark.parametrize(
    "query, expected",
    [
        ({}, ["z", "a2.png", "a10.mp4", "B1.wav"]),
        ({"descending": "1"}, ["z", "B1.wav", "a10.mp4", "a2.png"]),
        ({"sort": "size"}, ["z", "B1.wav", "a10.mp4", "a2.png"]),
        ({"sort": "date", "descending": "1"}, ["z", "a10.mp4", "a2.png", "B1.wav"]),
        ({"sort": "kind"}, ["z", "B1.wav", "a2.png", "a10.mp4"]),
    ],
)
def test_files_are_sorted(
    client: Client, place: Path, query: dict[str, str], expected: list[str]
) -> None:
    (place / "z").mkdir(exist_ok=True)
    for name, size, time in (("a10.mp4", 2, 300), ("a2.png", 3, 200), ("B1.wav", 1, 100)):
        (place / name).write_bytes(b"x" * size)
        os.utime(place / name, (time, time))
    assert names(client, place, **query) == expected


@pytest.mark.parametrize("descending", ["", "1"])
@pytest.mark.parametrize("sort", ["name", "date", "size", "kind"])
def test_pages_join_to_the_whole_list_although_files_come_and_go(
    client: Client, place: Path, sort: str, descending: str
) -> None:
    for number in range(25):
        (place / f"{number}.{'png' if number % 2 else 'wav'}").write_bytes(b"x" * (number % 3))
    whole = names(client, place, sort=sort, descending=descending)
    seen: list[str] = []
    after = ""
    while True:
        answer = client.get(
            "/api/files", folder=place.name, sort=sort, descending=descending, limit=7, after=after
        ).json
        seen += [one["name"] for one in answer["files"]]
        after = answer["next"]
        if not after:
            break
        (place / seen[0]).unlink(missing_ok=True)  # before the mark: moves nothing
    assert seen == whole


def test_ten_thousand_files_are_counted_and_sent_in_pages(client: Client, place: Path) -> None:
    for number in range(10_000):
        (place / f"frame {number}.png").touch()
    answer = client.get("/api/files", folder=place.name).json
    assert answer["total"] == 10_000
    assert len(answer["files"]) == 200
    assert answer["files"][-1]["name"] == "frame 199.png"


def test_a_search_finds_names_in_folders_below(client: Client, place: Path) -> None:
    below = place / "2024" / "Lake"
    below.mkdir(parents=True)
    (below / "Dusk over the LAKE.png").touch()
    (below / "dawn.png").touch()
    (place / ".kept" / "lake").mkdir(parents=True)
    answer = client.get("/api/files", folder=place.name, query="lake dusk").json
    assert [one["path"] for one in answer["files"]] == [
        f"{place.name}/2024/Lake/Dusk over the LAKE.png"
    ]
    assert answer["complete"] is True
    assert names(client, place, query="lake") == ["Lake", "Dusk over the LAKE.png"]


@pytest.mark.parametrize(
    "query, status",
    [
        ({"folder": "missing"}, 404),
        ({"folder": ".kinoloom"}, 404),
        ({"folder": ".."}, 404),
        ({"folder": "a/../.."}, 404),
        ({"folder": "a\0b"}, 404),
        ({"folder": "/etc"}, 404),
        ({"sort": "colour"}, 422),
        ({"limit": "0"}, 422),
        ({"limit": "201"}, 422),
        ({"limit": "-1"}, 400),
        ({"limit": "9" * 5000}, 400),
        ({"after": "nonsense"}, 422),
        ({"after": "[1]"}, 422),
        ({"after": '["a", "photo", "x", null]'}, 422),
    ],
)
def test_invalid_lists_are_refused(client: Client, query: dict[str, str], status: int) -> None:
    answer = client.get("/api/files", **query)
    assert answer.status == status
    assert answer.json["error"]


def test_a_folder_is_made_once(client: Client, place: Path) -> None:
    body = {"path": f"{place.name}/New shots"}
    assert client.post("/api/folders", body).status == 201
    assert (place / "New shots").is_dir()
    again = client.post("/api/folders", body)
    assert (again.status, again.json["error"]) == (409, "'New shots' exists already.")


@pytest.mark.parametrize("name", ["a:b", " a", "a.", "x" * 201, "a\u202eb", "..", "", "\ud800"])
def test_names_that_some_systems_reject_are_refused(client: Client, place: Path, name: str) -> None:
    before = list(place.iterdir())
    answer = client.post("/api/folders", {"path": f"{place.name}/{name}"})
    assert answer.status in (404, 422)
    assert list(place.iterdir()) == before


@pytest.mark.parametrize("name", ["spaces and 'quotes'", "emoji 🎬", "שלום", "x" * 200])
def test_other_names_are_kept(client: Client, place: Path, name: str) -> None:
    assert client.post("/api/folders", {"path": f"{place.name}/{name}"}).status == 201
    assert name in names(client, place)


def test_a_file_gets_another_name_and_replaces_nothing(client: Client, place: Path) -> None:
    (place / "a.png").write_text("a")
    (place / "b.png").write_text("b")
    (place / "below").mkdir()
    path = f"{place.name}/a.png"
    refused = client.post("/api/rename", {"path": path, "to": f"{place.name}/b.png"})
    assert refused.status == 409
    assert (place / "b.png").read_text() == "b"
    moved = client.post("/api/rename", {"path": path, "to": f"{place.name}/below/c.png"})
    assert moved.json == {"path": f"{place.name}/below/c.png"}
    assert (place / "below" / "c.png").read_text() == "a"
    assert not (place / "a.png").exists()


def test_a_folder_gets_another_name_but_not_one_inside_itself(client: Client, place: Path) -> None:
    (place / "one" / "two").mkdir(parents=True)
    (place / "three").mkdir()
    path = f"{place.name}/one"
    for to, status in (("one/four", 409), ("three", 409), ("missing/four", 404), ("four", 200)):
        answer = client.post("/api/rename", {"path": path, "to": f"{place.name}/{to}"})
        assert answer.status == status, to
    assert (place / "four" / "two").is_dir()


def test_a_link_is_neither_renamed_nor_removed(client: Client, place: Path) -> None:
    (place / "link").symlink_to("/etc/passwd")
    path = f"{place.name}/link"
    assert client.post("/api/rename", {"path": path, "to": f"{place.name}/x"}).status == 404
    assert client.request("DELETE", f"/api/files?path={path}").status == 404
    assert (place / "link").is_symlink()


def test_what_was_removed_can_be_restored(client: Client, place: Path, folder: Path) -> None:
    (place / "a.png").write_text("a")
    removed = client.request("DELETE", f"/api/files?path={place.name}/a.png")
    assert removed.status == 200
    assert not (place / "a.png").exists()
    assert [one.read_text() for one in (folder / ".kinoloom" / "trash").rglob("a.png")] == ["a"]
    (place / "a.png").write_text("newer")
    restored = client.post("/api/restore", removed.json)
    assert restored.json == {"path": f"{place.name}/a-2.png"}
    assert (place / "a-2.png").read_text() == "a"
    assert (place / "a.png").read_text() == "newer"
    assert client.post("/api/restore", removed.json).status == 404


def test_the_trash_is_measured_and_emptied(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub" / "a.bin").write_bytes(bytes(1000))
        (tmp_path / name / "b.bin").write_bytes(bytes(24))
    outside = tmp_path / "outside.txt"
    outside.write_text("kept")
    (tmp_path / "one" / "sub" / "link").symlink_to(outside)
    (tmp_path / "one" / "sub" / "folder").symlink_to(tmp_path)
    with run_studio(tmp_path / "one", tmp_path / "two") as studio:
        client = studio.client
        assert client.read("/api/trash") == {"files": 0, "bytes": 0}
        removed = [
            client.request("DELETE", f"/api/files?path={path}").json
            for path in ("one/sub", "two/sub", "two/b.bin")
        ]
        before = client.read("/api/trash")
        assert before["files"] == 4  # with the link to a file, which is not followed
        assert 2024 <= before["bytes"] < 2024 + 300
        emptied = client.request("DELETE", "/api/trash")
        assert (emptied.status, emptied.json) == (200, before)
        assert client.read("/api/trash") == {"files": 0, "bytes": 0}
        assert client.post("/api/restore", removed[0]).status == 404
    assert outside.read_text() == "kept"
    assert (tmp_path / "one" / "b.bin").is_file()
    assert list((tmp_path / "two").rglob("*.bin")) == []


def test_the_folders_themselves_are_neither_renamed_nor_removed(client: Client) -> None:
    assert client.request("DELETE", "/api/files?path=").status == 404
    assert client.post("/api/rename", {"path": "", "to": "x"}).status == 404


def changes(events: Iterable[Any], prefix: str) -> Iterator[tuple[str, str]]:
    """Yield the changes below a prefix, as (rest of the path, change)."""
    for event in events:
        path, change = event["data"]["path"], event["data"]["change"]
        if path.startswith(prefix):
            yield path.removeprefix(prefix), change


def test_changes_of_a_folder_in_view_are_published(client: Client, place: Path) -> None:
    (place / "a.png").touch()
    names(client, place)
    with client.listen("files") as listening:
        found = changes(listening, f"{place.name}/")
        (place / "b.png").touch()
        assert next(found) == ("b.png", "added")
        (place / "a.png").write_text("more")
        assert next(found) == ("a.png", "changed")
        client.post("/api/rename", {"path": f"{place.name}/a.png", "to": f"{place.name}/c.png"})
        assert {next(found), next(found)} == {("a.png", "removed"), ("c.png", "added")}


def test_many_changes_at_once_are_published_as_one(client: Client, place: Path) -> None:
    (place / "shown").mkdir()
    (place / "moved").mkdir()
    for number in range(300):
        (place / "moved" / f"{number}.png").touch()
    client.get("/api/files", folder=f"{place.name}/shown")
    with client.listen("files") as listening:
        found = changes(listening, f"{place.name}/shown")
        (place / "moved").rename(place / "shown")
        assert next(found) == ("", "changed")


def test_several_folders_are_listed_by_their_labels(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.png").touch()
    with run_studio(tmp_path / "one", tmp_path / "two") as studio:
        client = studio.client
        top = client.get("/api/files").json["files"]
        assert [(one["path"], one["kind"]) for one in top] == [("one", "folder"), ("two", "folder")]
        assert [f["path"] for f in client.get("/api/files", folder="two").json["files"]] == [
            "two/two.png"
        ]
        assert client.get("/api/files", query="png").json["total"] == 2
        moved = client.post("/api/rename", {"path": "one/one.png", "to": "two/one.png"})
        assert moved.status == 200
        assert client.request("DELETE", "/api/files?path=two/one.png").status == 200
        assert client.request("DELETE", "/api/files?path=two").status == 404
        assert (tmp_path / "two" / ".kinoloom" / "trash").is_dir()
