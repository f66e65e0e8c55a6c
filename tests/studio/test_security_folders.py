"""Folders, ports and databases that a studio cannot use: a sentence, an exit code, a way on."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from driving import StudioServer, python_path, run_studio

IS_ROOT = os.geteuid() == 0


def run_command(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `kinoloom studio` where it is expected to end by itself."""
    line = [sys.executable, "-m", "kinoloom", "studio", *map(str, words), "--no-open", "--json"]
    path = os.pathsep.join(python_path())
    given = {**os.environ, "PYTHONPATH": path, **environment}
    return subprocess.run(line, capture_output=True, text=True, env=given, timeout=120)


def test_a_missing_folder_and_a_file_are_rejected(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").touch()
    for name, part in (("none", "does not exist"), ("film.mp4", "is a file")):
        done = run_command(tmp_path / name)
        assert (done.returncode, done.stdout) == (2, "")
        assert part in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.skipif(not IS_ROOT, reason="mounting a file system requires root")
@pytest.mark.parametrize("kind", ["read-only", "full"])
def test_a_folder_that_cannot_be_written_is_explained(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    size = ["-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if subprocess.run(["mount", *size], capture_output=True).returncode != 0:
        pytest.skip("a tmpfs cannot be mounted here")
    try:
        if kind == "full":
            with pytest.raises(OSError, match="No space left"), (folder / "a").open("wb") as file:
                while True:
                    file.write(bytes(512))
                    file.flush()
        else:
            remount = ["mount", "-o", "remount,ro", str(folder)]
            subprocess.run(remount, check=True, capture_output=True)
        done = run_command(folder)
        assert (done.returncode, done.stdout) == (1, "")
        assert "cannot be" in done.stderr
        assert "free disk space" in done.stderr.lower()
        assert "Traceback" not in done.stderr
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_folder_of_another_user_is_explained(tmp_path: Path) -> None:
    folder = tmp_path / "films"
    folder.mkdir(mode=0o555)
    if os.access(folder, os.W_OK):
        pytest.skip("this user may write everywhere")
    done = run_command(folder)
    assert (done.returncode, "cannot be written" in done.stderr) == (1, True)


def test_a_link_instead_of_the_state_is_explained(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "films", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    (folder / ".kinoloom").symlink_to(elsewhere)
    done = run_command(folder)
    assert (done.returncode, "is a link" in done.stderr) == (1, True)
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("fault", ["damaged", "newer", "half"])
def test_an_unusable_database_is_set_aside(tmp_path: Path, fault: str) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    (folder / "film.mp4").write_bytes(b"content")
    with run_studio(folder) as studio:
        assert studio.client.post("/api/folders", {"path": "new"}).status == 201
    database = folder / ".kinoloom" / "studio.db"
    if fault == "newer":
        with sqlite3.connect(database) as opened:
            opened.execute("PRAGMA user_version = 999")
        opened.close()
    elif fault == "half":
        os.truncate(database, database.stat().st_size // 2 + 100)
    else:
        database.write_bytes(os.urandom(20_000))
    content = database.read_bytes()
    with run_studio(folder) as studio:
        names = [one["name"] for one in studio.client.read("/api/files")["files"]]
        assert names == ["new", "film.mp4"]
    assert "Your files are not affected" in studio.messages
    (aside,) = (folder / ".kinoloom").glob("studio.*.aside.db")
    assert aside.read_bytes() == content
    assert (folder / "film.mp4").read_bytes() == b"content"


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_command(tmp_path, "--port", port)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"Port {port} of 127.0.0.1 cannot be used" in done.stderr


def test_two_commands_at_once_start_one_server(tmp_path: Path) -> None:
    servers = [StudioServer(tmp_path) for _ in range(2)]
    for server in servers:
        server.launch()
    for server in servers:
        server.read_facts()
    assert servers[0].pid == servers[1].pid
    assert servers[0].url == servers[1].url
    assert servers[0].client.get("/api/state").status == 200
    assert servers[1].client.get("/api/state").status == 200  # each printed a link of its own
    for server in servers:
        server.stop()


HIDING = """
import importlib.metadata, sys

find = importlib.metadata.version

def version(name):
    if name == "starlette":
        raise importlib.metadata.PackageNotFoundError(name)
    return find(name)

importlib.metadata.version = version
sys.modules["starlette"] = None  # importing it fails
"""


def test_without_the_extra_the_command_names_it(tmp_path: Path) -> None:
    site, folder = tmp_path / "site", tmp_path / "films"
    site.mkdir()
    folder.mkdir()
    (site / "sitecustomize.py").write_text(HIDING)
    done = run_command(folder, PYTHONPATH=os.pathsep.join(python_path(site)))
    assert (done.returncode, done.stdout) == (3, "")
    assert "pip install" in done.stderr
    assert "[studio]" in done.stderr
    assert list(folder.iterdir()) == []


def test_the_cookie_of_a_removed_state_is_not_valid(tmp_path: Path) -> None:
    with run_studio(tmp_path) as studio:
        cookie, port = studio.client.cookie, studio.port
    shutil.rmtree(tmp_path / ".kinoloom")
    with run_studio(tmp_path, arguments=("--port", str(port))) as studio:
        client = studio.stranger()
        client.cookie = cookie
        answer = client.get("/api/state")
        assert (answer.status, "--link" in answer.json["hint"]) == (401, True)
