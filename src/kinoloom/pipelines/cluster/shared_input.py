"""Large inputs on a node, shared by all steps that read them at the same time.

They are in the node's temporary folder under their digest, and the last step that uses them removes
them. A claim is a lock on a file, so a killed step releases it; the next step removes what it left.
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


class SharedInput:
    """A claim on an input.

    Args:
        digest: The input's digest.
        fetch: Creates the folder if no other step has.

    Attributes:
        folder: The input's folder, which must not be changed.

    Raises:
        OutputError: The folder of shared inputs belongs to another user.
    """

    def __init__(self, digest: str, fetch: Callable[[Path], None]) -> None:
        base = _user_folder()
        self.folder = base / digest
        self._file = base / f"{digest}.lock"
        self._fetch = fetch
        while not self._claim():
            self._lock.close()
        for file in base.glob("*.lock"):
            if file != self._file:
                _remove_unclaimed(file)

    def release(self) -> None:
        """Release the claim; the last one removes the folder."""
        self._lock.close()
        _remove_unclaimed(self._file)

    def _claim(self) -> bool:
        """Take a shared lock; return False if another step removed the folder or file meanwhile.

        Changing a lock from exclusive to shared releases it for a moment.
        """
        self._lock = self._file.open("ab")
        _try_lock(self._lock, fcntl.LOCK_SH)
        if not self.folder.is_dir():
            _try_lock(self._lock, fcntl.LOCK_EX)
            self._create()
            _try_lock(self._lock, fcntl.LOCK_SH)
        return self.folder.is_dir() and _same_file(self._lock, self._file)

    def _create(self) -> None:
        """Create the folder atomically unless another step has."""
        if not self.folder.is_dir():
            part = self.folder.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            self._fetch(part)
            part.rename(self.folder)


def _user_folder() -> Path:
    """Return this user's folder of shared inputs, checked to be the user's own."""
    base = Path(tempfile.gettempdir()) / f"kinoloom-shared-{os.getuid()}"
    base.mkdir(mode=0o700, exist_ok=True)
    if base.is_symlink() or base.stat().st_uid != os.getuid():
        raise OutputError(f"{base} belongs to another user.", hint="Remove it, or set TMPDIR.")
    return base


def _remove_unclaimed(file: Path) -> None:
    """Remove a lock file and its folder unless a step holds the lock."""
    with file.open("ab") as lock:
        if _try_lock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB) and _same_file(lock, file):
            shutil.rmtree(file.with_suffix(""), ignore_errors=True)
            shutil.rmtree(file.with_suffix(".part"), ignore_errors=True)
            file.unlink()


def _try_lock(file: IO[bytes], how: int) -> bool:
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
