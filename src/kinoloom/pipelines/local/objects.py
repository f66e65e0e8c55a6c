"""Addresses: s3://bucket/key lies at `<root>/s3/bucket/key`, file:// where it says."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlparse

from kinoloom.errors import UsageError

_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,62}")


class Objects:
    """The files behind addresses.

    Args:
        root: the folder that stands for all of S3.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, uri: str) -> Path:
        """Where the file or folder of an address lies; it need not exist.

        Raises:
            UsageError: not an s3:// or file:// address, or one that leads out of the root.
        """
        parts = urlparse(uri)
        if parts.scheme == "file":
            return Path(unquote(parts.path))
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        if parts.scheme != "s3" or not _BUCKET.fullmatch(bucket):
            raise UsageError(
                f"'{uri}' is not an address here; s3://bucket/key and file:///path are."
            )
        members = PurePosixPath(key).parts
        if ".." in members or "\0" in key or key.startswith("/"):
            raise UsageError(f"'{uri}' leads out of its bucket.")
        return self.root.joinpath(bucket, *members)

    def output_path(self, uri: str) -> Path:
        """As `path`, for what a step leaves: below the root only.

        Raises:
            UsageError: it is not an s3:// address.
        """
        if not uri.startswith("s3://"):
            raise UsageError(f"Outputs go to s3:// addresses, not to '{uri}'.")
        return self.path(uri)

    def put(self, content: Path | bytes, uri: str) -> None:
        """Put a file, a folder or bytes at an address, in place of what is there.

        Raises:
            UsageError: the address is not an s3:// one.
        """
        target = self.output_path(uri)
        clear(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path) and content.is_dir():
            shutil.copytree(content, target)
            return
        part = target.with_name(f".{target.name}.{os.getpid()}.part")
        if isinstance(content, Path):
            shutil.copyfile(content, part)
        else:
            part.write_bytes(content)
        part.replace(target)


def clear(path: Path) -> None:
    """Remove a file, a link or a folder, if there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
