"""Versions of files: whether two moments saw the same content, without reading it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from email.utils import formatdate


@dataclass(frozen=True)
class Version:
    """The state of a file that changes with its content.

    Attributes:
        device, inode: which file it is.
        size: in bytes.
        modified_ns: time of the last change of its content.
    """

    device: int
    inode: int
    size: int
    modified_ns: int

    @classmethod
    def of(cls, descriptor: int) -> Version:
        """Return the version of an open file."""
        found = os.fstat(descriptor)
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)

    @property
    def key(self) -> str:
        """32 hexadecimal digits that identify the version."""
        text = f"{self.device}-{self.inode}-{self.size}-{self.modified_ns}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @property
    def modified_text(self) -> str:
        """The time of the last change as HTTP writes it."""
        return formatdate(self.modified_ns // 10**9, usegmt=True)
