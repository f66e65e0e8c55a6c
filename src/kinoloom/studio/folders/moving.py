"""Changes of the folders: new folders, new names, and the trash.

Nothing is replaced, and only emptying the trash deletes: what a person removes is moved to
.kinoloom/trash of its folder, from where it can be restored. All of it works on descriptors that
`Tree` opened.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from kinoloom.base.outputs import name_output_errors
from kinoloom.errors import InputNotFoundError, UsageError
from kinoloom.studio.folders.names import clean_name, numbered_names
from kinoloom.studio.folders.tree import Tree
from kinoloom.studio.responses import RequestError
from kinoloom.studio.state.database import Database

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.EACCES)
"""Errors of link(2) for folders, and on file systems without hard links."""


def make_folder(tree: Tree, path: str) -> None:
    """Create a folder in an existing one.

    Raises:
        UsageError: the name cannot be used.
        RequestError: the name is in use.
        InputNotFoundError: the folder around it does not exist.
        OutputError: the disk is full or read-only.
    """
    check_new_name(path)
    with tree.open_parent(path) as (parent, name), naming_errors(path):
        os.mkdir(name, 0o777, dir_fd=parent)


def move(tree: Tree, path: str, to: str) -> None:
    """Give a file or folder another name, also in another folder; replaces nothing.

    Raises:
        UsageError: the name cannot be used.
        RequestError: the name is in use, or is on another disk.
        InputNotFoundError: there is no such file, or the folder around the new name does not exist.
        OutputError: the disk is full or read-only.
    """
    check_new_name(to)
    with tree.open_parent(path) as source, tree.open_parent(to) as target:
        _check_exists(path, source)
        with naming_errors(to):
            move_new(source, target)


def check_new_name(path: str) -> None:
    """Check that a new file or folder may have the last part of a path as its name.

    Raises:
        UsageError: not on every system; the hint is a similar one that can be used.
    """
    name = path.rpartition("/")[2]
    if clean_name(name) != name:
        raise UsageError(
            f"The name '{name}' cannot be used on every system.", hint=f"Use '{clean_name(name)}'."
        )


def move_new(source: tuple[int, str], target: tuple[int, str]) -> None:
    """Rename a file or folder without replacing anything.

    Args:
        source: descriptor of the folder, and name.
        target: the same of its new place.

    Raises:
        FileExistsError: the new name is in use.
        OSError: as rename(2).
    """
    (source_folder, old), (target_folder, new) = source, target
    folders = {"src_dir_fd": source_folder, "dst_dir_fd": target_folder}
    try:
        os.link(old, new, **folders, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
    else:
        os.unlink(old, dir_fd=source_folder)
        return
    with suppress(FileNotFoundError):
        os.stat(new, dir_fd=target_folder, follow_symlinks=False)
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new)
    os.rename(old, new, **folders)  # noqa: PTH104  relative to descriptors


def move_to_free_name(source: tuple[int, str], target: tuple[int, str]) -> str:
    """Rename as `move_new`, with a number in the name if it is in use; return the name."""
    names = numbered_names(target[1])
    while True:
        name = next(names)
        with suppress(FileExistsError):
            move_new(source, (target[0], name))
            return name


@contextmanager
def naming_errors(path: str) -> Iterator[None]:
    """Turn the system's errors inside the block into errors that name the path's last part.

    Raises:
        RequestError: the name is in use, or on another disk.
        OutputError: as `base.outputs.name_output_errors`.
    """
    name = path.rpartition("/")[2]
    try:
        with name_output_errors(Path(name)):
            yield
    except FileExistsError as error:
        raise RequestError(409, f"'{name}' exists already.", "Choose another name.") from error
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EINVAL, errno.EBUSY):
            raise
        reason = "it is on another disk" if error.errno == errno.EXDEV else str(error.strerror)
        raise RequestError(409, f"'{name}' cannot be moved: {reason}.") from error


class Trash:
    """What a person removed.

    Args:
        tree: the folders; each has its own trash, as they may be on different disks.
        database: the list of what is in the trash.
    """

    def __init__(self, tree: Tree, database: Database) -> None:
        self._tree, self._database = tree, database

    def add(self, path: str) -> str:
        """Move a file or folder to the trash and return the id by which it is restored.

        Raises:
            InputNotFoundError: there is no such file.
            RequestError: it is on another disk than the trash.
            OutputError: the disk is full or read-only.
        """
        removal = secrets.token_hex(8)
        with self._tree.open_parent(path) as source:
            _check_exists(path, source)
            with naming_errors(path), self._open(path, removal, make=True) as folder:
                self._database.execute(
                    "INSERT INTO trash VALUES (?, ?, ?)", removal, path, time.time()
                )
                move_new(source, (folder, source[1]))
        return removal

    def restore(self, removal: str) -> str:
        """Move what was removed back, and return its path; its name gets a number if it is in use.

        Raises:
            RequestError: the id is unknown.
            InputNotFoundError: its folder does not exist any more.
            OutputError: the disk is full or read-only.
        """
        row = self._database.find("SELECT path FROM trash WHERE id = ?", removal)
        if row is None:
            raise RequestError(404, "The trash does not contain this any more.")
        path = row["path"]
        with self._tree.open_parent(path) as target, naming_errors(path):
            try:
                with self._open(path, removal, make=False) as folder:
                    name = move_to_free_name((folder, target[1]), target)
            except FileNotFoundError as error:
                raise RequestError(404, f"'{target[1]}' has left the trash.") from error
        self._database.execute("DELETE FROM trash WHERE id = ?", removal)
        return f"{path[: -len(target[1])]}{name}"

    def measure(self) -> tuple[int, int]:
        """Return how many files are in the trash of all folders, and their bytes."""
        sizes = [size for trash in self._open_all() for size in _list_sizes(trash)]
        return len(sizes), sum(sizes)

    def empty(self) -> tuple[int, int]:
        """Delete everything in the trash; return how many files that were, and their bytes.

        Raises:
            OutputError: a folder is read-only.
        """
        found = self.measure()
        for trash in self._open_all():
            for removal in os.listdir(trash):  # noqa: PTH208  of a descriptor
                with name_output_errors(Path(removal)):
                    shutil.rmtree(removal, dir_fd=trash)
                self._database.execute("DELETE FROM trash WHERE id = ?", removal)
        return found

    def _open_all(self) -> Iterator[int]:
        """Yield a descriptor of each folder's trash."""
        for label in self._tree.roots:
            folder = self._tree.open_folder(label)
            try:
                for name in (".kinoloom", "trash"):
                    below = os.open(name, _FOLDER, dir_fd=folder)
                    os.close(folder)
                    folder = below
                yield folder
            except FileNotFoundError:
                continue
            finally:
                os.close(folder)

    @contextmanager
    def _open(self, path: str, removal: str, *, make: bool) -> Iterator[int]:
        """Yield a descriptor of ROOT/.kinoloom/trash/ID."""
        label = "" if "" in self._tree.roots else path.partition("/")[0]
        folder = self._tree.open_folder(label)
        for name in (".kinoloom", "trash", removal):
            try:
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(name, 0o700, dir_fd=folder)
                below = os.open(name, _FOLDER, dir_fd=folder)
            finally:
                os.close(folder)
            folder = below
        try:
            yield folder
        finally:
            os.close(folder)


def _list_sizes(folder: int) -> Iterator[int]:
    """Yield the sizes of all files below a folder, in bytes; links are not followed."""
    for _, _, names, below in os.fwalk(".", dir_fd=folder):
        for name in names:
            with suppress(FileNotFoundError):  # restored in the meantime
                yield os.stat(name, dir_fd=below, follow_symlinks=False).st_size


def _check_exists(path: str, place: tuple[int, str]) -> None:
    """Raise InputNotFoundError if there is nothing at a place, or a link."""
    folder, name = place
    with suppress(FileNotFoundError):
        if not stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            return
    raise InputNotFoundError(f"There is no file '{path}' in the folders of the studio.")
