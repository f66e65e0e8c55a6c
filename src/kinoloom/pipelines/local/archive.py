"""Archives: packed so that equal folders give equal bytes, unpacked so that nothing escapes."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path, PurePosixPath

from kinoloom.errors import UsageError

_MOST_FILES = 100_000
_MOST_BYTES = 64 << 30
_MOST_RATIO = 200  # of what comes out to the archive; zeros reach 1000
_FREE_BYTES = 256 << 20  # so much may come out at any ratio
_BLOCK_BYTES = 1 << 20


def pack(folder: Path, target: Path) -> None:
    """Write the files of a folder to a .tar.gz that depends on names and contents only."""
    with (
        target.open("wb") as raw,
        gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            info = tarfile.TarInfo(path.relative_to(folder).as_posix())
            facts = path.stat()
            info.size = facts.st_size
            info.mode = 0o755 if facts.st_mode & 0o100 else 0o644
            with path.open("rb") as content:
                tar.addfile(info, content)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a .tar or .tar.gz of plain files and folders.

    Raises:
        UsageError: it is no archive, or holds a link, a device, a name that leads out of the
            folder, more than 100,000 members, more than 64 GiB, or more than 256 MiB that are
            more than 200 times the archive. What was unpacked before stays.
    """
    left = min(_MOST_BYTES, max(_FREE_BYTES, _MOST_RATIO * archive.stat().st_size))
    try:
        with tarfile.open(archive, "r:*") as tar:
            for count, member in enumerate(tar, 1):
                left -= member.size
                if count > _MOST_FILES or left < 0:
                    raise UsageError(f"{archive.name} is too large to be unpacked.")
                _extract(tar, member, folder)
    except (tarfile.TarError, EOFError, gzip.BadGzipFile) as error:
        raise UsageError(f"{archive.name} is not a sound archive: {error}.") from error


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts or not (member.isreg() or member.isdir()):
        raise UsageError(
            f"'{member.name}' in an archive is refused: only files and folders below it are taken."
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
