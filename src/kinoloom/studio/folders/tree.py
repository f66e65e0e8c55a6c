"""The folders that the studio shows, and safe access to the files in them.

A path is text with "/" between its parts, as pages write it. With one folder it is relative to
that; with several, its first part is the label of a folder. Every part is opened relative to the
one before and no link is followed, so that a file which is exchanged for a link at any time
cannot lead outside.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from kinoloom.errors import InputNotFoundError, UsageError

MAX_NAME_BYTES = 255
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""O_NONBLOCK: a named pipe answers at once, and is then rejected."""


class Tree:
    """One or more folders of the person.

    Args:
        folders: existing folders; links in their own paths are followed once, here.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self.roots = _label([folder.resolve() for folder in folders])

    @property
    def first(self) -> Path:
        """The folder that holds the studio's state."""
        return next(iter(self.roots.values()))

    def resolve(self, text: str) -> Path:
        """Return the location of an existing regular file.

        Raises:
            InputNotFoundError: there is none inside the folders.
        """
        os.close(self.open(text))
        return self.locate(text)

    def locate(self, text: str) -> Path:
        """Return the location of a path inside the folders, whether it exists or not.

        Raises:
            UsageError: the path is not one inside the folders.
        """
        root, parts = self._split(text)
        return root.joinpath(*parts)

    def name(self, path: Path) -> str | None:
        """Return the text of a location, or None if it is outside the folders or hidden."""
        for label, root in self.roots.items():
            if path.is_relative_to(root):
                parts = path.relative_to(root).parts
                if any(part.startswith(".") for part in parts):
                    return None
                return "/".join((label, *parts) if label else parts)
        return None

    def open(self, text: str) -> int:
        """Open a regular file for reading and return its descriptor.

        Raises:
            InputNotFoundError: it does not exist, is not a regular file, or is behind a link.
        """
        with self.open_parent(text) as (parent, name):
            try:
                file = os.open(name, _FILE, dir_fd=parent)
            except OSError as error:
                raise _not_found(text) from error
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise _not_found(text)
        return file

    def open_folder(self, text: str) -> int:
        """Open a folder and return its descriptor; "" is the first folder.

        Raises:
            InputNotFoundError: it does not exist, is not a folder, or is behind a link.
        """
        root, parts = self._split_existing(text)
        return _descend(root, parts, text)

    @contextmanager
    def open_parent(self, text: str) -> Iterator[tuple[int, str]]:
        """Yield the descriptor of a path's folder, and the path's last part.

        Raises:
            InputNotFoundError: the folder does not exist, or is behind a link; the path is one of
                the studio's folders itself.
        """
        root, parts = self._split_existing(text)
        if not parts:
            raise _not_found(text)
        folder = _descend(root, parts[:-1], text)
        try:
            yield folder, parts[-1]
        finally:
            os.close(folder)

    def _split_existing(self, text: str) -> tuple[Path, list[str]]:
        try:
            return self._split(text)
        except UsageError as error:
            raise _not_found(text) from error

    def _split(self, text: str) -> tuple[Path, list[str]]:
        parts = text.split("/") if text else []
        for part in parts:
            if not is_valid_name(part):
                raise UsageError(f"'{text}' is not a path inside the folders of the studio.")
        if "" in self.roots:
            return self.roots[""], parts
        if not parts or parts[0] not in self.roots:
            raise UsageError(
                f"'{text}' is not in a folder of the studio.",
                hint=f"Folders: {', '.join(self.roots)}.",
            )
        return self.roots[parts[0]], parts[1:]


def is_valid_name(name: str) -> bool:
    """Whether a file of this name is shown: not hidden, and without separators or NUL."""
    if not name or name[0] == "." or "/" in name or "\\" in name or "\0" in name:
        return False
    if name.isascii():
        return len(name) <= MAX_NAME_BYTES
    try:
        return len(os.fsencode(name)) <= MAX_NAME_BYTES
    except UnicodeEncodeError:  # a lone surrogate that stands for no byte
        return False


def _label(folders: Sequence[Path]) -> dict[str, Path]:
    """Return the folders by label: their names, numbered where these are equal."""
    if len(folders) == 1:
        return {"": folders[0]}
    labels: dict[str, Path] = {}
    for folder in folders:
        name = folder.name.lstrip(".") or "root"
        numbers = [name, *(f"{name}-{k}" for k in range(2, len(folders) + 1))]
        labels[next(label for label in numbers if label not in labels)] = folder
    return labels


def _descend(root: Path, parts: Sequence[str], text: str) -> int:
    try:
        folder = os.open(root, _FOLDER & ~os.O_NOFOLLOW)
        for part in parts:
            try:
                below = os.open(part, _FOLDER, dir_fd=folder)
            finally:
                os.close(folder)
            folder = below
    except OSError as error:
        raise _not_found(text) from error
    return folder


def _not_found(text: str) -> InputNotFoundError:
    return InputNotFoundError(f"There is no file '{text}' in the folders of the studio.")
