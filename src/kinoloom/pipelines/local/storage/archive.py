"""Archives: equal folders have equal archives, and unpacking never leaves the folder."""

from __future__ import annotations

import gzip
import lzma
import os
import tarfile
import zlib
from pathlib import Path, PurePosixPath

from kinoloom.errors import UsageError
from kinoloom.pipelines.local.storage.step_folder import StepFolder

_MAX_FILES = 100_000
_MAX_BYTES = 64 << 30
_MAX_RATIO = 200  # of the content's size to the archive's; zeros reach 1000
_FREE_BYTES = 256 << 20  # allowed at any ratio
_BLOCK_BYTES = 1 << 20
_DAMAGE = (
    tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, ValueError, OverflowError,
)  # fmt: skip
"""What damaged archives raise, besides an OSError without a number from gzip and bz2."""


def pack(folder: StepFolder, target: Path) -> None:
    """Write a folder's files to a .tar.gz that depends on names and contents only.

    Raises:
        OutputError: See `StepFolder.files`.
    """
    with (
        target.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name, inner in folder.files():
            info = tarfile.TarInfo(name)
            with folder.open(inner) as content:
                stat = os.fstat(content.fileno())
                info.size = stat.st_size
                info.mode = 0o755 if stat.st_mode & 0o100 else 0o644
                tar.addfile(info, content)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a .tar or .tar.gz of regular files and folders.

    Raises:
        UsageError: The file is not an archive, or has a link, a device, a name that leaves the
            folder, more than 100,000 members, more than 64 GiB, or more than 256 MiB and more than
            200 times the archive's size. Files unpacked before the error stay.
    """
    left = min(_MAX_BYTES, max(_FREE_BYTES, _MAX_RATIO * archive.stat().st_size))
    try:
        with tarfile.open(archive, "r:*") as tar:
            for count, member in enumerate(tar, 1):
                left -= member.size
                if count > _MAX_FILES or left < 0:
                    raise UsageError(f"{archive.name} is too large to unpack.")
                _extract(tar, member, folder)
    except UsageError:
        raise
    except (OSError, *_DAMAGE) as error:
        if isinstance(error, OSError) and error.errno is not None:  # of the system: a full disk
            raise
        raise UsageError(f"{archive.name} is not a valid archive: {error}.") from error


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts or not (member.isreg() or member.isdir()):
        raise UsageError(
            f"Archive member '{member.name}' is not allowed: it must be a regular file or folder "
            "within the archive's folder."
        )
    target = folder / name
    if member.isdir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    content = tar.extractfile(member)
    with target.open("wb") as file:
        while content is not None and (block := content.read(_BLOCK_BYTES)):
            file.write(block)
    target.chmod(0o755 if member.mode & 0o100 else 0o644)
