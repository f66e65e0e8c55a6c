"""The files of a project are written atomically."""

import errno
import os
from pathlib import Path

import pytest

from kinoloom.errors import OutputError
from kinoloom.tiny.codegen.project import write_project

FILES = {"model.h": "header", "model.c": "source", "board/start.c": "start"}


def test_new_project_appears_completely_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.write_text

    def write(path: Path, text: str, **options: str) -> int:
        if path.name == "model.c":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(path, text, **options)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", write)
        with pytest.raises(OutputError, match="device cannot be written: the disk is full"):
            write_project(FILES, tmp_path / "device")
    assert list(tmp_path.iterdir()) == []
    write_project(FILES, tmp_path / "device")
    assert (tmp_path / "device" / "board" / "start.c").read_text() == "start"


def test_existing_folder_keeps_its_other_files(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    (tmp_path / "model.c").write_text("old")
    write_project(FILES, tmp_path)
    files = {path.name: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {"notes": "mine", "model.h": "header", "model.c": "source", "start.c": "start"}
