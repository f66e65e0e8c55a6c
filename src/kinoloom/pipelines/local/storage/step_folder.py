"""The files that a step wrote, read without following its links.

A step can replace any of its files and folders by a link to other files of this machine. Every file
is therefore opened from a folder of the engine down, one part of its path after the other.
"""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import NoReturn

from kinoloom.errors import OutputError

_IS_LINK = (errno.ELOOP, errno.ENOTDIR)


class StepFolder:
    """A folder that a step wrote; a missing folder is an empty one.

    Args:
        base: A folder of the engine.
        place: The folder's path in `base`; the step may have replaced any part of it.
    """

    def __init__(self, base: Path, place: str | PurePosixPath = "") -> None:
        self.path = base / place
        self._base = base
        self._place = PurePosixPath(place)

    def is_empty(self) -> bool:
        """Return whether the folder is missing or has neither files nor folders.

        Raises:
            OutputError: The folder is a link, or within one.
        """
        fd = self._open_folder()
        if fd is None:
            return True
        try:
            with os.scandir(fd) as entries:
                return next(entries, None) is None
        finally:
            os.close(fd)

    def files(self) -> list[tuple[str, str]]:
        """Return the names of the files in the folder, sorted, each with the name to `open`.

        The two differ for a link to a file within the folder, which counts as that file.

        Raises:
            OutputError: The folder is a link or within one, or has something else than files,
                folders and links within itself.
        """
        fd = self._open_folder()
        if fd is None:
            return []
        found = []
        try:
            for folder, folders, names, inner in os.fwalk(".", onerror=_raise, dir_fd=fd):
                links = [name for name in folders if _is_link(name, inner)]
                for name in links:
                    self._resolve(PurePosixPath(folder, name))
                for name in names:
                    path = PurePosixPath(folder, name)
                    target = self._resolve(path) if _is_link(name, inner) else path
                    self._check_regular(path, target)
                    found.append((path.as_posix(), target.as_posix()))
        finally:
            os.close(fd)
        return sorted(found, key=lambda item: PurePosixPath(item[0]).parts)

    def open(self, name: str) -> BufferedReader:
        """Open a regular file in the folder for reading.

        Raises:
            OutputError: It is a link or within one, or not a regular file.
        """
        try:
            file = open_step_file(self._base, self._place / name)
        except FileNotFoundError:
            file = None
        if file is None:
            raise self._error(PurePosixPath(name))
        return file

    def _open_folder(self) -> int | None:
        try:
            return _open_below(self._base, self._place, os.O_DIRECTORY)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno not in _IS_LINK:
                raise
            raise OutputError(
                f"Output folder {self.path} is, or is in, a link or a file; links are not "
                "followed.",
                hint="Write the files into the folder itself, or copy them there.",
            ) from error

    def _resolve(self, link: PurePosixPath) -> PurePosixPath:
        """Return the path of a link's target in the folder."""
        target = Path(os.path.realpath(self.path / link))
        try:
            return PurePosixPath(target.relative_to(os.path.realpath(self.path)).as_posix())
        except ValueError:
            raise self._error(link) from None

    def _check_regular(self, path: PurePosixPath, target: PurePosixPath) -> None:
        try:
            with self.open(target.as_posix()):
                return
        except OutputError:
            raise self._error(path) from None

    def _error(self, path: PurePosixPath) -> OutputError:
        return OutputError(
            f"{self.path / path} must be a file, or a link to one within {self.path}."
        )


def open_step_file(base: Path, name: str | PurePosixPath) -> BufferedReader | None:
    """Open a file that a step may have replaced; None if it is a link, in one, or not regular.

    Args:
        base: A folder of the engine.
        name: The file's path in it.

    Raises:
        OSError: The file cannot be read.
    """
    try:
        fd = _open_below(base, PurePosixPath(name), os.O_NONBLOCK)  # a FIFO has no writer
    except OSError as error:
        if error.errno in (*_IS_LINK, errno.ENXIO):  # ENXIO: a socket
            return None
        raise
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return os.fdopen(fd, "rb")
    os.close(fd)
    return None


def _raise(error: OSError) -> NoReturn:
    raise error


def _is_link(name: str, folder: int) -> bool:
    return stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)


def _open_below(base: Path, path: PurePosixPath, flags: int) -> int:
    """Open a path below a folder for reading; no part of the path may be a link."""
    fd = os.open(base, os.O_RDONLY | os.O_DIRECTORY)
    *folders, last = path.parts or (".",)
    try:
        for part in folders:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
            os.close(fd)
            fd = inner
        return os.open(last, os.O_RDONLY | os.O_NOFOLLOW | flags, dir_fd=fd)
    finally:
        os.close(fd)
