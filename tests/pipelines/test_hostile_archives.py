"""Archives of models with members that no archive needs."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from kinoloom.errors import UsageError
from kinoloom.pipelines.local.storage.archive import unpack


def pack(path: Path, *names: str, folder: str = "") -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name in names:
            info = tarfile.TarInfo(name)
            info.type = tarfile.DIRTYPE if name == folder else tarfile.REGTYPE
            tar.addfile(info, io.BytesIO())
    return path


@pytest.mark.parametrize(
    ("names", "folder"),
    [((".",), ""), (("a", "a/b"), ""), (("a/b", "a"), ""), (("a" * 300,), "")],
)
def test_impossible_names_are_rejected(tmp_path: Path, names: tuple[str, ...], folder: str) -> None:
    archive = pack(tmp_path / "model.tar.gz", *names, folder=folder)
    (tmp_path / "to").mkdir()
    with pytest.raises(UsageError, match="is not allowed"):
        unpack(archive, tmp_path / "to")


def test_damaged_archives_are_reported_in_one_line(tmp_path: Path) -> None:
    archive = pack(tmp_path / "model.tar.gz", "a")
    whole = archive.read_bytes()
    (tmp_path / "to").mkdir()
    for content in (b"text", gzip.compress(b"text"), whole[:40], whole[:20] + b"\xff" * 20):
        archive.write_bytes(content)
        with pytest.raises(UsageError, match="is not a valid archive") as caught:
            unpack(archive, tmp_path / "to")
        assert "\n" not in str(caught.value)
