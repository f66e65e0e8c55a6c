"""Compares a file with its published SHA-256."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from kinoloom.base.provenance import sha256
from kinoloom.errors import ChecksumError


@cache
def check_sha256(file: Path, expected: str) -> None:
    """Check that a shipped file is the published one, once per process: models are cached too.

    Args:
        file: an existing file.
        expected: its published SHA-256, 64 hexadecimal digits.

    Raises:
        ChecksumError: the content is another.
    """
    actual = sha256(file)
    if actual != expected:
        raise ChecksumError(
            f"{file} is damaged: it has SHA-256 {actual} instead of {expected}.",
            hint="Install kinoloom again, or name another file with --weights.",
        )
