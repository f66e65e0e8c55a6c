"""The user's code, uploaded under its digest: unchanged code keeps its address."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlparse

from kinoloom.errors import InputNotFoundError, UsageError
from kinoloom.pipelines.builder.context import CompileContext
from kinoloom.pipelines.local.storage.store import file_digest
from kinoloom.pipelines.protocols import FileSession

_SKIPPED = {"__pycache__", ".git"}


def is_address(text: str) -> bool:
    """Return whether `text` is an s3:// or https:// address rather than a local path."""
    return urlparse(text).scheme in ("s3", "http", "https")


def local_path(text: str) -> Path:
    """Return the path of a local path or file:// address.

    Raises:
        InputNotFoundError: The file or folder does not exist.
    """
    parts = urlparse(text)
    path = Path(unquote(parts.path)) if parts.scheme == "file" else Path(text)
    if not path.exists():
        raise InputNotFoundError(f"File or folder {path} does not exist.")
    return path


def bytes_digest(content: bytes) -> str:
    """Return the SHA-256 of `content` as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def upload_data(session: FileSession, path: str, uri: str) -> str:
    """Upload a file, or the files of a folder, to a folder at an address; others are kept.

    Returns:
        The address of the file, or of the folder.

    Raises:
        InputNotFoundError: The file or folder does not exist.
    """
    source, uri = local_path(path), uri.rstrip("/")
    if source.is_file():
        session.upload(source, f"{uri}/{source.name}")
        return f"{uri}/{source.name}"
    for file in sorted(one for one in source.rglob("*") if one.is_file()):
        session.upload(file, f"{uri}/{file.relative_to(source).as_posix()}")
    return uri


def upload_script(context: CompileContext, script: Path) -> str:
    """Upload one script and return its address, `.../code/<sha256>/<name>`.

    Raises:
        UsageError: `script` is not a file.
    """
    if not script.is_file():
        raise UsageError(f"code must be a script, but {script} is not a file.")
    uri = context.uri("code", file_digest(script), script.name)
    context.session.upload(script, uri)
    return uri


def upload_files(context: CompileContext, path: Path, *prefix: str) -> str:
    """Upload a file or a folder and return its address, `.../<prefix>/<sha256>[/<name>]`.

    Changed files get another address: an execution that reads the earlier ones is not disturbed,
    and no file that was deleted from the folder is read.
    """
    if path.is_file():
        uri = context.uri(*prefix, file_digest(path), path.name)
    else:
        files = sorted(one for one in path.rglob("*") if one.is_file())
        listing = [f"{file_digest(one)} {one.relative_to(path).as_posix()}\n" for one in files]
        uri = context.uri(*prefix, bytes_digest("".join(listing).encode()))
    context.session.upload(path, uri)
    return uri


def upload_sources(
    context: CompileContext, entry_point: str, source_dir: str | None, dependencies: Sequence[str]
) -> tuple[str, str]:
    """Upload a script with its folder and dependencies as one archive.

    Args:
        context: The step that is being compiled.
        entry_point: The script's path, within `source_dir` if there is one.
        source_dir: The script's folder.
        dependencies: More files and folders, stored next to the script.

    Returns:
        The address of `sourcedir.tar.gz`, and the script's name within it.

    Raises:
        InputNotFoundError: A file or folder does not exist, or the script is outside
            `source_dir`.
    """
    if source_dir is None:
        script = local_path(entry_point)
        members = [(script.name, script)]
        name = script.name
    else:
        folder = local_path(source_dir)
        script = folder / entry_point
        if not script.is_file() or not script.resolve().is_relative_to(folder.resolve()):
            raise InputNotFoundError(f"Script {entry_point} does not exist in {folder}.")
        members = list_files(folder)
        name = entry_point
    for path in map(local_path, dependencies):
        files = list_files(path) if path.is_dir() else [("", path)]
        members += [(f"{path.name}/{inner}".rstrip("/"), file) for inner, file in files]
    archive = _pack(members)
    uri = context.uri("code", bytes_digest(archive), "sourcedir.tar.gz")
    context.session.upload(archive, uri)
    return uri, name


def list_files(folder: Path) -> list[tuple[str, Path]]:
    """Return the files of a folder with their paths in it, without those of git and caches."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    kept = [path for path in files if not _SKIPPED & set(path.relative_to(folder).parts)]
    return [(path.relative_to(folder).as_posix(), path) for path in sorted(kept)]


def _pack(members: Sequence[tuple[str, Path]]) -> bytes:
    """Return a .tar.gz that depends on names, contents and the executable bit only."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, path in sorted(members):
            info = tarfile.TarInfo(name)
            content = path.read_bytes()
            info.size = len(content)
            info.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            tar.addfile(info, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), mtime=0)
