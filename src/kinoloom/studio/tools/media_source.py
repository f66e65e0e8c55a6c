"""Opens a file of the studio's folders for the media libraries, which only take names.

The server has opened the file safely, and passes its version. Here it is opened again by its name,
and is the same file only if the version is equal; the libraries then read it through the
descriptor, by a link of the same name in a folder of its own. A link that replaces the file, or a
folder above it, is not followed.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2

from kinoloom.base.notes import logger
from kinoloom.base.page import Context
from kinoloom.errors import (
    BudgetError,
    InputChangedError,
    InputNotFoundError,
    KinoloomError,
    UnreadableMediaError,
    describe_cause,
)
from kinoloom.studio.media.versions import Version

_DESCRIPTORS = Path("/proc/self/fd")
_LIBRARIES_RAISE = (
    OSError,
    ValueError,
    SyntaxError,
    RuntimeError,
    LookupError,
    TypeError,
    ArithmeticError,
    cv2.error,
)
"""Errors of decoders for damaged files that the readers of `media` do not translate."""


@dataclass(frozen=True)
class Source:
    """An open file.

    Attributes:
        text: its path, as pages write it.
        location: where the libraries read it.
        original: where it is stored.
        version: of its content.
    """

    text: str
    location: Path
    original: Path
    version: Version


@contextmanager
def open_source(context: Context, path: str, version: Sequence[int]) -> Iterator[Source]:
    """Open a file while a block runs; errors in the block name it as pages do.

    Args:
        context: of the call.
        path: as pages write it.
        version: the fields of `Version`, of the file that the server opened.

    Raises:
        InputNotFoundError: the file was removed.
        InputChangedError: it was replaced or changed.
        KinoloomError: as the block; other errors of libraries are `UnreadableMediaError`.
    """
    expected = Version(*version)
    original = context.path(path)
    try:
        descriptor = os.open(original, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise InputNotFoundError(f"There is no file '{path}' any more.") from error
    try:
        if Version.of(descriptor) != expected:
            raise _changed(path)
        with tempfile.TemporaryDirectory(prefix="kinoloom-") as folder:
            location = link_descriptor(Path(folder), original, descriptor)
            try:
                yield Source(path, location, original, expected)
            except Exception as error:
                if Version.of(descriptor) != expected:
                    raise _changed(path) from error
                raise name_file(error, path, location, original) from error
    finally:
        os.close(descriptor)


def link_descriptor(folder: Path, original: Path, descriptor: int) -> Path:
    """Return a name of the open file, whose last part is the file's own."""
    if sys.platform != "linux" or not _DESCRIPTORS.is_dir():
        return original
    location = folder / original.name
    location.symlink_to(_DESCRIPTORS / str(descriptor))
    return location


def _changed(path: str) -> InputChangedError:
    return InputChangedError(f"'{path}' was changed while it was read.", hint="Try again.")


def name_file(error: Exception, path: str, location: Path, original: Path) -> Exception:
    """Return an error with the file's name as pages write it."""
    if isinstance(error, KinoloomError):
        renamed = type(error)(_rename(error.message, path, location, original), hint=error.hint)
        renamed.hint = _rename(error.hint, path, location, original)
        return renamed
    if isinstance(error, MemoryError):
        return BudgetError(f"'{path}' does not fit into memory.")
    if isinstance(error, _LIBRARIES_RAISE):
        logger.warning("%s cannot be read: %r", path, error)
        return UnreadableMediaError(
            f"'{path}' cannot be read: {_rename(describe_cause(error), path, location, original)}.",
            hint="It may be damaged or truncated; copy it again from its source.",
        )
    return error


def _rename(text: str, path: str, location: Path, original: Path) -> str:
    return text.replace(str(location), path).replace(str(original), path)
