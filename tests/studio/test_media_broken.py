"""Files that are no media or change, processes that end, a cache without room."""

import os
import signal
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path

import make
import pytest
from driving import StudioServer, run_studio

from kinoloom.errors import InputChangedError, InputNotFoundError
from kinoloom.studio.folders.tree import Tree
from kinoloom.studio.media.cache import Cache
from kinoloom.studio.media.versions import Version
from kinoloom.studio.tools import media

BROKEN: dict[str, bytes] = {
    "zero.mp4": b"",
    "zero.jpg": b"",
    "zero.wav": b"",
    "text.mp4": b"this is not a film" * 10,
    "text.jpg": b"this is not a photo" * 10,
    "text.wav": b"this is not a sound" * 10,
    "playlist.mp4": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
    "header.png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\x01\x86\xa0\0\x01\x86\xa0\x08\2\0\0\0",
}


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudioServer]:
    folder = tmp_path_factory.mktemp("films")
    make.make(folder / "film.mp4", frames=30)
    with run_studio(folder) as running:
        yield running


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("address", ["/thumb", "/frame", "/api/frames", "/api/peaks", "/api/file"])
def test_what_is_not_media_is_an_explained_error(
    studio: StudioServer, name: str, address: str
) -> None:
    (studio.folder / name).write_bytes(BROKEN[name])
    answer = studio.client.get(address, path=name, n=0)
    if address == "/api/file":
        assert answer.status == 200
        explanation = answer.json["problem"]["error"]
    else:
        assert answer.status == 415, answer.body
        explanation = answer.json["error"]
    assert name in explanation
    assert str(studio.folder) not in explanation
    assert "kinoloom-" not in explanation


def test_a_film_may_be_damaged_in_its_middle(studio: StudioServer) -> None:
    path = make.make(studio.folder / "scratched.mkv", frames=60, options={"g": "60"})
    make.scratch(path, 0.5, 2000)
    statuses = {studio.client.get("/frame", path=path.name, n=n).status for n in range(0, 60, 6)}
    assert statuses <= {200, 415, 422}  # the index may be damaged, too
    assert 200 in statuses
    assert studio.client.get("/thumb", path=path.name).status == 200


def test_a_file_may_go_while_it_is_open(studio: StudioServer) -> None:
    path = make.make(studio.folder / "going.mp4", frames=20)
    assert studio.client.get("/frame", path=path.name, n=3).status == 200
    replacement = make.make(studio.folder / "other.mp4", frames=7)
    replacement.replace(path)
    assert studio.client.get("/api/frames", path=path.name).json["count"] == 7
    path.unlink()
    assert studio.client.get("/frame", path=path.name, n=3).status == 404


def test_the_server_loads_no_heavy_library(studio: StudioServer) -> None:
    maps = Path(f"/proc/{studio.pid}/maps").read_text()
    assert not [name for name in ("libavcodec", "numpy", "PIL", "cv2") if name in maps]


def find_worker(studio: StudioServer, name: str) -> int:
    """The id of a process that works for the server."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if int(parent) == studio.pid and name.encode() in words:
            return int(folder.name)
    raise AssertionError(f"no process {name}")


def test_the_studio_outlives_its_workers(studio: StudioServer) -> None:
    for address, worker in (("/frame", "frames"), ("/thumb", "pictures")):
        assert studio.client.get(address, path="film.mp4", n=1, width=77).status == 200
        os.kill(find_worker(studio, worker), signal.SIGKILL)
        answer = studio.client.get(address, path="film.mp4", n=2, width=78)
        if answer.status == 503:  # the server had not noticed the end yet
            assert "ended" in answer.json["error"]
            answer = studio.client.get(address, path="film.mp4", n=2, width=78)
        assert answer.status == 200


def test_a_worker_reads_the_file_that_the_server_opened(tmp_path: Path) -> None:
    """Not what a link, or another file, puts in its place in between."""
    secret = make.make(tmp_path / "secret.mp4", frames=2)
    folder = tmp_path / "films"
    folder.mkdir()
    path = make.make(folder / "film.mp4", frames=3)
    context = _Context(Tree([folder]))
    descriptor = context.tree.open("film.mp4")
    version = astuple(Version.of(descriptor))
    os.close(descriptor)
    assert media.frames(context, path="film.mp4", version=version, start=0, limit=9)["count"] == 3
    path.unlink()
    os.link(secret, path)
    with pytest.raises(InputChangedError, match=r"'film\.mp4' was changed"):
        media.frames(context, path="film.mp4", version=version, start=0, limit=9)
    path.unlink()
    path.symlink_to(secret)
    with pytest.raises(InputNotFoundError):
        media.frames(context, path="film.mp4", version=version, start=0, limit=9)


class _Context:
    """As much of a `Context` as the functions for media use."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree

    def path(self, text: str) -> Path:
        return self.tree.resolve(text)


def test_the_cache_keeps_what_was_used_last(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", limit_bytes=1000)
    for number in range(10):
        cache.save(f"{number:02}", "thumb", bytes(150))
        os.utime(cache.path(f"{number:02}", "thumb"), (number, number))
    assert cache.read("00", "thumb") is not None  # becomes the newest
    cache.trim()
    kept = [number for number in range(10) if cache.read(f"{number:02}", "thumb") is not None]
    assert kept == [0, 6, 7, 8, 9]


def test_a_cache_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file in place of the folder")
    cache = Cache(tmp_path / "cache")
    cache.save("00", "thumb", b"x")
    assert cache.read("00", "thumb") is None
