"""Reads single members of wheels, sdists and npm tarballs.

A member is read by its exact name and copied to a name that the card gives, so that nothing in an
archive decides where a file is written. Nothing else is extracted, links are not followed, and no
more bytes are written than the card declares.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from lzma import LZMAError
from pathlib import Path
from typing import IO

from kinoloom.base.model import FetchedFile, Member
from kinoloom.errors import ChecksumError, KinoloomError, WeightsError, describe_cause

_CHUNK_BYTES = 1 << 20
_ZIP_SUFFIXES = (".whl", ".zip")
_UNREADABLE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    RuntimeError,  # encrypted, or compressed in an unknown way
    ValueError,
    LZMAError,
    struct.error,
)


def write_file(
    file: FetchedFile, streams: Iterable[AbstractContextManager[IO[bytes]]], path: Path
) -> None:
    """Write a file of a model, and force it to the disk.

    Args:
        file: what to write.
        streams: opened one after the other; their contents, joined, are the file.
        path: where to write it; must not exist.

    Raises:
        ChecksumError: the content is not the published one; the file is incomplete then.
        WeightsError: an archive has no such member, or cannot be read.
    """
    digest, left = hashlib.sha256(), file.size_bytes
    with path.open("xb") as target:
        for opening in streams:
            with opening as stream:
                # One byte more than is left shows that the content is too long.
                while chunk := stream.read(min(_CHUNK_BYTES, left + 1)):
                    left -= len(chunk)
                    if left < 0:
                        raise ChecksumError(
                            f"{file.name} is longer than the published {file.size_bytes} bytes."
                        )
                    digest.update(chunk)
                    target.write(chunk)
        target.flush()
        os.fsync(target.fileno())
    if digest.hexdigest() != file.sha256:
        raise ChecksumError(
            f"{file.name} has SHA-256 {digest.hexdigest()} instead of {file.sha256}."
        )


@contextmanager
def open_member(member: Member, path: Path) -> Iterator[IO[bytes]]:
    """Open a member of an archive for reading.

    Args:
        member: what to read; the suffix of its archive's file name determines the format.
        path: of the archive.

    Yields:
        The content, as a stream.

    Raises:
        WeightsError: the member is missing, a link or a folder, or the archive is damaged.
    """
    is_zip = member.archive.file.endswith(_ZIP_SUFFIXES)
    try:
        with _open_in_zip(member, path) if is_zip else _open_in_tar(member, path) as stream:
            yield stream
    except (*_UNREADABLE, OSError) as error:
        # zipfile seeks to places that a damaged archive names; other errors are the disk's
        is_disk = isinstance(error, OSError) and error.errno not in (None, errno.EINVAL)
        if is_disk or isinstance(error, KinoloomError):
            raise
        raise WeightsError(
            f"{path} cannot be read as {'a ZIP' if is_zip else 'a tar.gz'} archive: "
            f"{describe_cause(error)}."
        ) from error


@contextmanager
def _open_in_zip(member: Member, path: Path) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(path) as archive:
        if member.path not in archive.NameToInfo:
            raise _missing(member)
        with archive.open(member.path) as stream:
            yield stream


@contextmanager
def _open_in_tar(member: Member, path: Path) -> Iterator[IO[bytes]]:
    with tarfile.open(path, "r:gz") as archive:
        info = next((each for each in archive if each.name == member.path), None)
        stream = archive.extractfile(info) if info is not None and info.isreg() else None
        if stream is None:
            raise _missing(member)
        with stream:
            yield stream


def _missing(member: Member) -> WeightsError:
    return WeightsError(
        f"{member.archive.file} contains no file {member.path}.",
        hint="The model card of this version of kinoloom is wrong; please report it.",
    )
