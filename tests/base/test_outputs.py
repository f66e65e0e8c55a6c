"""Outputs appear whole or not at all."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kinoloom.base.outputs import (
    atomic_output,
    check_output,
    name_output_errors,
    replace,
    work_folder,
)
from kinoloom.base.outputs.temporary import remove, remove_abandoned_folders, temporary_folder
from kinoloom.errors import OutputError, OutputExistsError


def test_output_appears_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    with atomic_output(path, overwrite=False) as temporary:
        temporary.write_bytes(b"frames")
        assert temporary.parent.parent == path.parent
        assert temporary.suffix == path.suffix
        assert not path.exists()
    assert [p.name for p in tmp_path.iterdir()] == ["film.mp4"]
    assert path.read_bytes() == b"frames"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
def test_error_keeps_the_old_file_and_leaves_no_temporary(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"old")
    with pytest.raises(error), atomic_output(path, overwrite=True) as temporary:
        temporary.write_bytes(b"half of the fra")
        raise error
    assert [p.name for p in tmp_path.iterdir()] == ["film.mp4"]
    assert path.read_bytes() == b"old"


def test_error_removes_the_temporary_folder(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="stop"),
        atomic_output(tmp_path / "frames", overwrite=False) as temporary,
    ):
        temporary.mkdir()
        (temporary / "000001.png").write_bytes(b"frame")
        raise ValueError("stop")
    assert list(tmp_path.iterdir()) == []


def test_existing_output_is_kept_without_overwrite(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"old")
    refused = pytest.raises(OutputExistsError, match=r"film.mp4 already exists. .* --overwrite")
    with refused, atomic_output(path, overwrite=False):
        pytest.fail("the work began")
    with atomic_output(path, overwrite=True) as temporary:
        temporary.write_bytes(b"new")
    assert path.read_bytes() == b"new"


def test_folder_is_never_replaced_by_a_file(tmp_path: Path) -> None:
    kept = tmp_path / "holiday.html" / "photo.jpg"
    kept.parent.mkdir()
    kept.write_bytes(b"dear")
    refused = pytest.raises(OutputExistsError, match=r"holiday\.html is a folder")
    with refused, atomic_output(kept.parent, overwrite=True):
        pytest.fail("the work began")
    assert kept.read_bytes() == b"dear"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent/film.mp4", "absent does not exist"),
        ("file/film.mp4", "file does not exist"),
        ("f" * 300 + ".mp4", "cannot be written: its name is too long"),
        ("f" * 248 + ".mp4", "cannot be written: its name is too long"),
    ],
)
def test_unwritable_output_is_reported_before_the_work(
    tmp_path: Path, name: str, message: str
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=message), atomic_output(tmp_path / name, overwrite=False):
        pytest.fail("the work began")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_read_only_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() == 0:  # whom permissions do not bind
        monkeypatch.setattr(os, "access", lambda path, mode: False)
    tmp_path.chmod(0o555)
    with pytest.raises(OutputError, match=r"is not writable. Choose another"):
        check_output(tmp_path / "film.mp4", overwrite=False)
    tmp_path.chmod(0o755)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on which 64 kB fit: a disk of its own where that may be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(command, capture_output=True).returncode == 0
    yield folder
    if mounted:
        subprocess.run(["umount", str(folder)], check=True)


WRITE = """
import os, resource, sys
from pathlib import Path
from kinoloom.base.outputs import atomic_output
from kinoloom.errors import OutputError
folder = Path(sys.argv[1])
if not os.path.ismount(folder):
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
(folder / "film.mp4").write_bytes(b"old")
try:
    with atomic_output(folder / "film.mp4", overwrite=True) as temporary:
        temporary.write_bytes(bytes(100_000))
except OutputError as error:
    print(error)
print(sorted(p.name for p in folder.iterdir()), (folder / "film.mp4").read_bytes())
"""


def test_full_disk_is_reported_and_leaves_no_file(small_disk: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WRITE, str(small_disk)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    message, left = done.stdout.splitlines()
    assert "film.mp4 cannot be written: " in message
    full = "the disk is full. Free some space" if os.path.ismount(small_disk) else "size limit"
    assert full in message
    assert left == "['film.mp4'] b'old'"


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "the disk is full. Free some space"),
        (errno.EDQUOT, "the disk quota is exceeded"),
        (errno.EACCES, "permission denied"),
        (errno.EROFS, "the disk is read-only"),
    ],
)
def test_system_error_names_the_output(number: int, message: str) -> None:
    named = pytest.raises(OutputError, match=f"out.mkv cannot be written: {message}")
    with named, name_output_errors(Path("out.mkv")):
        raise OSError(number, "as the system says")


def test_other_system_errors_are_not_caught() -> None:
    with pytest.raises(ConnectionResetError), name_output_errors(Path("out.mkv")):
        raise ConnectionResetError(errno.ECONNRESET, "reset")


def test_dev_full_is_a_full_disk() -> None:
    named = pytest.raises(OutputError, match="the disk is full")
    with named, name_output_errors(Path("film.mp4")), Path("/dev/full").open("wb", 0) as full:
        full.write(b"frames")


def test_finished_folder_replaces_the_old_one(tmp_path: Path) -> None:
    old, new = tmp_path / "frames", tmp_path / ".frames.part"
    for folder, name in ((old, "old.png"), (new, "new.png")):
        folder.mkdir()
        (folder / name).touch()
    replace(new, old)
    assert [p.name for p in tmp_path.iterdir()] == ["frames"]
    assert [p.name for p in old.iterdir()] == ["new.png"]
    remove(old)
    remove(old)  # gone already: nothing to do
    assert list(tmp_path.iterdir()) == []


def test_link_to_a_folder_is_replaced_and_its_target_kept(tmp_path: Path) -> None:
    kept = tmp_path / "home" / "photo.jpg"
    kept.parent.mkdir()
    kept.touch()
    (tmp_path / "frames").symlink_to(kept.parent)
    (tmp_path / "new").mkdir()
    replace(tmp_path / "new", tmp_path / "frames")
    assert not (tmp_path / "frames").is_symlink()
    assert kept.exists()


def test_work_folder_is_hidden() -> None:
    assert work_folder(Path("a/film.v2.mp4")) == Path("a/.film.v2.mp4.parts")


def temporary_name(path: Path) -> Path:
    """The first name that is tried for the temporary folder of `path`."""
    with temporary_folder(path) as folder:
        return folder


@pytest.mark.parametrize("plant", ["link to a folder", "link to a file", "dangling link", "file"])
def test_planted_temporary_name_is_neither_followed_nor_removed(tmp_path: Path, plant: str) -> None:
    path, target = tmp_path / "film.mp4", tmp_path / "target"
    place = temporary_name(path)
    if plant == "file":
        place.write_bytes(b"dear")
    else:
        place.symlink_to(target)
    if plant == "link to a folder":
        target.mkdir()
        (target / "film.mp4").write_bytes(b"dear")
    elif plant == "link to a file":
        target.write_bytes(b"dear")
    before = sorted((p, p.is_file() and p.read_bytes()) for p in tmp_path.rglob("*"))
    with atomic_output(path, overwrite=False) as temporary:
        temporary.write_bytes(b"frames")
    assert path.read_bytes() == b"frames"
    path.unlink()
    assert sorted((p, p.is_file() and p.read_bytes()) for p in tmp_path.rglob("*")) == before


def test_folder_of_another_user_is_not_used(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can create a folder of another user")
    path = tmp_path / "film.mp4"
    place = temporary_name(path)
    place.mkdir()
    os.chown(place, 12345, -1)
    with atomic_output(path, overwrite=False) as temporary:
        assert temporary.parent != place
        temporary.write_bytes(b"frames")
    assert place.is_dir()


def test_processes_that_write_one_output_do_not_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    with atomic_output(path, overwrite=False) as first:
        first.write_bytes(b"first")
        with atomic_output(path, overwrite=False) as second:
            assert first.parent != second.parent
            second.write_bytes(b"second")
        remove_abandoned_folders(tmp_path)
        assert first.read_bytes() == b"first"
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


DIE = """
import os, sys
from pathlib import Path
from kinoloom.base.outputs import atomic_output
with atomic_output(Path(sys.argv[1]), overwrite=False) as temporary:
    temporary.write_bytes(b"half")
    os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("by_name", [False, True])
def test_what_a_killed_process_left_is_removed(tmp_path: Path, by_name: bool) -> None:
    path = tmp_path / "film.mp4"
    subprocess.run([sys.executable, "-c", DIE, str(path)], check=False)
    assert len(list(tmp_path.iterdir())) == 1
    if by_name:
        remove_abandoned_folders(tmp_path)
    else:
        with atomic_output(path, overwrite=False) as temporary:
            temporary.write_bytes(b"frames")
        path.unlink()
    assert list(tmp_path.iterdir()) == []


def test_folder_that_cannot_be_removed_is_unlocked_and_removed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "film.mp4"

    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr("shutil.rmtree", refuse)
        with temporary_folder(path) as folder:
            (folder / "film.mp4").touch()
    assert folder.exists()
    with atomic_output(path, overwrite=False) as temporary:
        temporary.touch()
    assert [entry.name for entry in tmp_path.iterdir()] == ["film.mp4"]


def test_replaced_folder_is_kept_if_the_new_one_cannot_be_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = tmp_path / "frames", tmp_path / "new"
    for folder in (old, new):
        folder.mkdir()
        (folder / folder.name).touch()

    def refuse(source: Path, target: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="Input/output"):
        replace(new, old)
    assert [entry.name for entry in old.iterdir()] == ["frames"]
