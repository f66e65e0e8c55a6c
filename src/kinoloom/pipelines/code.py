"""The user's code: named by its content, so that unchanged code keeps its address."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlparse

from kinoloom.errors import InputNotFoundError, UsageError
from kinoloom.pipelines.compiling import Compiling
from kinoloom.pipelines.local.store import file_digest


def is_address(text: str) -> bool:
    """Whether a text is an s3:// or https:// address rather than a path on this machine."""
    return urlparse(text).scheme in ("s3", "http", "https")


def local_path(text: str) -> Path:
    """The path that a text or a file:// address names.

    Raises:
        InputNotFoundError: there is nothing there.
    """
    parts = urlparse(text)
    path = Path(unquote(parts.path)) if parts.scheme == "file" else Path(text)
    if not path.exists():
        raise InputNotFoundError(f"There is no file or folder {path}.")
    return path


def bytes_digest(content: bytes) -> str:
    """The SHA-256 of bytes as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def put_script(compiling: Compiling, script: Path) -> str:
    """Upload one script and give its address, `.../code/<sha256>/<name>`.

    Raises:
        UsageError: it is not a file.
    """
    if not script.is_file():
        raise UsageError(f"{script} is not a file; code must be one script.")
    uri = compiling.uri("code", file_digest(script), script.name)
    compiling.session.upload(script, uri)
    return uri


def put_sources(
    compiling: Compiling, entry_point: str, source_dir: str | None, dependencies: Sequence[str]
) -> tuple[str, str]:
    """Upload a script with the folder and dependencies that it needs, as one archive.

    Returns:
        The address of `sourcedir.tar.gz`, and the script's name within it.

    Raises:
        InputNotFoundError: a file or folder is missing.
        UsageError: the entry point is outside the source folder.
    """
    if source_dir is None:
        script = local_path(entry_point)
        members = [(script.name, script)]
        name = script.name
    else:
        folder = local_path(source_dir)
        script = folder / entry_point
        if not script.is_file() or not script.resolve().is_relative_to(folder.resolve()):
            raise InputNotFoundError(f"There is no script {entry_point} in {folder}.")
        members = _files(folder)
        name = entry_point
    for extra in map(local_path, dependencies):
        inside = _files(extra) if extra.is_dir() else [("", extra)]
        members += [(f"{extra.name}/{path}".rstrip("/"), file) for path, file in inside]
    archive = _archive(members)
    uri = compiling.uri("code", bytes_digest(archive), "sourcedir.tar.gz")
    compiling.session.upload(archive, uri)
    return uri, name


def _files(folder: Path) -> list[tuple[str, Path]]:
    skipped = {"__pycache__", ".git"}
    found = [path for path in folder.rglob("*") if path.is_file()]
    kept = [path for path in found if not skipped & set(path.relative_to(folder).parts)]
    return [(path.relative_to(folder).as_posix(), path) for path in sorted(kept)]


def _archive(members: Sequence[tuple[str, Path]]) -> bytes:
    """A tar.gz that depends on names, contents and the executable bit only."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, path in sorted(members):
            info = tarfile.TarInfo(name)
            content = path.read_bytes()
            info.size = len(content)
            info.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            tar.addfile(info, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), mtime=0)
