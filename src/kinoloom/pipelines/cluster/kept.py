"""Large inputs on a node: kept once for all steps that read them at the same time.

They lie in the node's folder for temporary files under their digest, and vanish with the last step
that uses them. A step that is killed gives its claim back, for that is a lock on a file; what it
leaves is removed by the next step that comes.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from kinoloom.errors import OutputError


class Kept:
    """A claim on one input.

    Args:
        digest: of its content.
        fetch: makes the folder when no other step has.

    Attributes:
        folder: where it lies; to be read only.

    Raises:
        OutputError: the folder for such inputs belongs to another user.
    """

    def __init__(self, digest: str, fetch: Callable[[Path], None]) -> None:
        base = _own_folder()
        self.folder = base / digest
        self._file = base / f"{digest}.lock"
        self._fetch = fetch
        while not self._claimed():
            self._lock.close()
        for file in base.glob("*.lock"):
            if file != self._file:
                _remove_unclaimed(file)

    def release(self) -> None:
        """Give the claim back; the last one removes the folder."""
        self._lock.close()
        _remove_unclaimed(self._file)

    def _claimed(self) -> bool:
        """Take the lock, shared; false when another has removed the folder or the file meanwhile.

        To change how a lock is held is to give it up for a moment.
        """
        self._lock = self._file.open("ab")
        _locked(self._lock, fcntl.LOCK_SH)
        if not self.folder.is_dir():
            _locked(self._lock, fcntl.LOCK_EX)
            self._make()
            _locked(self._lock, fcntl.LOCK_SH)
        return self.folder.is_dir() and _same_file(self._lock, self._file)

    def _make(self) -> None:
        """Fetch the folder, if no other step has meanwhile; it appears whole."""
        if not self.folder.is_dir():
            growing = self.folder.with_suffix(".part")
            shutil.rmtree(growing, ignore_errors=True)
            self._fetch(growing)
            growing.rename(self.folder)


def _own_folder() -> Path:
    """The folder of this user, that no other user has made."""
    base = Path(tempfile.gettempdir()) / f"kinoloom-kept-{os.getuid()}"
    base.mkdir(mode=0o700, exist_ok=True)
    if base.is_symlink() or base.stat().st_uid != os.getuid():
        raise OutputError(f"{base} belongs to another user.", hint="Remove it, or set TMPDIR.")
    return base


def _remove_unclaimed(file: Path) -> None:
    """Remove a lock and what it is for, unless somebody holds it."""
    with file.open("ab") as lock:
        if _locked(lock, fcntl.LOCK_EX | fcntl.LOCK_NB) and _same_file(lock, file):
            shutil.rmtree(file.with_suffix(""), ignore_errors=True)
            shutil.rmtree(file.with_suffix(".part"), ignore_errors=True)
            file.unlink()


def _locked(file: IO[bytes], how: int) -> bool:
    try:
        fcntl.flock(file, how)
    except BlockingIOError:
        return False
    return True


def _same_file(file: IO[bytes], path: Path) -> bool:
    try:
        return os.fstat(file.fileno()).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False
