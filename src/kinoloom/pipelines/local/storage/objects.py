"""The files of addresses: s3://bucket/key is `<root>/s3/bucket/key`, file:// is a local path."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlparse

from kinoloom.base.outputs.sync import sync_file, sync_folders
from kinoloom.errors import KinoloomError, OutputError, UsageError

_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,62}")


class Objects:
    """The files of addresses.

    Args:
        root: The folder that replaces S3.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, uri: str) -> Path:
        """Return the path of an address's file or folder, which may not exist.

        Raises:
            UsageError: The address is not an s3:// or file:// address, or leaves its bucket.
        """
        scheme, members = split_address(uri)
        return Path(*members) if scheme == "file" else self.root.joinpath(*members)

    def output_path(self, uri: str) -> Path:
        """Return the path of an output's address, which must be in the root; see `path`.

        Raises:
            UsageError: The address is not an s3:// address.
        """
        if not uri.startswith("s3://"):
            raise UsageError(f"The address of an output must be an s3:// address, not '{uri}'.")
        return self.path(uri)

    def read(self, uri: str) -> bytes:
        """Return the file at an address.

        Raises:
            UsageError: There is no file.
        """
        path = self.path(uri)
        if not path.is_file():
            raise UsageError(f"There is no file at {uri}.")
        return path.read_bytes()

    def list(self, uri: str) -> list[str]:
        """Return the addresses of the files at and below an address, sorted."""
        path = self.path(uri)
        if path.is_file():
            return [uri]
        files = sorted(file for file in path.rglob("*") if file.is_file())
        return [f"{uri.rstrip('/')}/{file.relative_to(path).as_posix()}" for file in files]

    def put(self, content: Path | bytes, uri: str) -> None:
        """Store a file, the files of a folder, or bytes at an address.

        Files of the same name are replaced, other files are kept, as S3 does.

        Raises:
            UsageError: The address is not an s3:// address.
            OutputError: A file's address is a folder, or has a file as a folder; or the disk cannot
                be written.
        """
        target = self.output_path(uri)
        with rejecting_errors(target):
            self._put(content, target)

    def _put(self, content: Path | bytes, target: Path) -> None:
        if isinstance(content, Path) and content.is_dir():
            with rejecting_conflicts(target):
                target.mkdir(parents=True, exist_ok=True)
            for file in sorted(path for path in content.rglob("*") if path.is_file()):
                self._put(file, target / file.relative_to(content))
            return
        changed = folders_of_new_name(target)
        with rejecting_conflicts(target), new_file(target) as part:
            if isinstance(content, Path):
                shutil.copyfile(content, part)
            else:
                part.write_bytes(content)
            sync_file(part)
        sync_folders(changed)


def folders_of_new_name(path: Path) -> set[Path]:
    """Return the folders to flush once a file has its name: its own, and those of new folders."""
    folders = [path.parent]
    while not folders[-1].exists():
        folders.append(folders[-1].parent)
    return set(folders)


def split_address(uri: str) -> tuple[str, tuple[str, ...]]:
    """Return an address's scheme, "s3" or "file", and the parts of its path, the bucket first.

    Raises:
        UsageError: The address is not an s3:// or file:// address, or leaves its bucket.
    """
    parts = urlparse(uri)
    if parts.scheme == "file":
        return "file", Path(unquote(parts.path)).parts
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if parts.scheme != "s3" or not _BUCKET.fullmatch(bucket):
        raise UsageError(
            f"'{uri}' is not a supported address: use s3://bucket/key or file:///path."
        )
    members = PurePosixPath(key).parts
    if ".." in members or "\0" in key or key.startswith("/"):
        raise UsageError(f"'{uri}' must not leave its bucket.")
    return "s3", (bucket, *members)


@contextlib.contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """Yield a path in the target's folder; the file written there then becomes the target."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{os.urandom(6).hex()}.part")
    try:
        yield part
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)  # also after `replace` between two links to one file


@contextlib.contextmanager
def rejecting_conflicts(target: Path) -> Iterator[None]:
    """Report a file where a folder must be written, or a folder where a file must be.

    S3 allows both at one address, a file system does not.

    Raises:
        OutputError: There is such a conflict.
    """
    try:
        yield
    except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
        path = error.filename2 or error.filename
        raise OutputError(
            f"{path} conflicts with a file or folder of the same name.",
            hint=f"Remove it, or choose another address than {target}.",
        ) from error


@contextlib.contextmanager
def rejecting_errors(folder: Path) -> Iterator[None]:
    """Report errors of the system, such as a full or read-only disk, for all writes in a folder.

    Raises:
        OutputError: There is such an error.
    """
    try:
        yield
    except KinoloomError:
        raise
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise OutputError(
            f"{error.filename or folder} cannot be written: {error.strerror or error}.",
            hint="`kinoloom pipeline gc` removes old executions." if full else "",
        ) from error


def remove(path: Path) -> None:
    """Remove a file, a link or a folder if it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
