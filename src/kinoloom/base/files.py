"""Files: how a noun comes from files and goes to files.

Each noun that can lie in files has one such object, found through the registry by the class
name of the noun. The command line knows nothing else about media.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from kinoloom.base import registry
from kinoloom.errors import UsageError

Progress = Callable[[int, int | None], None]
"""Called with how many frames or items are done and how many there are (None if unknown)."""


def no_progress(done: int, total: int | None) -> None:
    """A listener that does nothing."""


@dataclass(frozen=True)
class NoOptions:
    """For what has nothing to choose."""


@dataclass(frozen=True)
class Nothing:
    """What an op takes whose result comes of its options alone; its command has no input."""


class Files(Protocol):
    """Reads a noun from files and writes it to one."""

    read_options: type
    write_options: type

    def read(self, paths: Sequence[Path], options: Any) -> Any:
        """The noun that these files hold.

        Raises:
            MediaError: a file is missing, damaged or not of this noun.
        """

    def write(
        self,
        noun: Any,
        path: Path,
        options: Any,
        progress: Progress = no_progress,
    ) -> dict[str, Any]:
        """Write the noun to `path`, whole or not at all, and tell what was written.

        Raises:
            UsageError: the suffix is unknown, or the file is there and may not be replaced.
            OutputError: it cannot be written.
        """


@runtime_checkable
class Pieces(Protocol):
    """What a `Files` may have beside: a noun made in pieces, by several processes."""

    def growing(
        self, noun: Any, path: Path, options: Any, piece_s: Fraction
    ) -> AbstractContextManager[Growing]:
        """The file that `path` becomes, while its pieces are made.

        Args:
            noun: what is written, lazy.
            path: where to.
            options: the write options.
            piece_s: how long a piece is at least, in seconds.

        Raises:
            UsageError: this kind of file is not made in pieces, or as `Files.write`.
            OutputError: it cannot be written.
        """

    def write_piece(self, noun: Any, piece: Mapping[str, Any], folder: Path) -> None:
        """Make one piece of a noun in a folder that exists; only that much of it is worked out.

        Raises:
            KinoloomError: as `Files.write`.
        """


class Growing(Protocol):
    """A file that grows by pieces. When its block ends with an error, what is done is kept.

    Attributes:
        folder: for what belongs to the work; removed when the file is whole.
        pieces: those that are missing, in order, as plain values for `write_piece`.
    """

    folder: Path
    pieces: Sequence[Mapping[str, Any]]

    def add(self, folder: Path) -> int:
        """Take over the next piece, as `write_piece` left it; how many frames or items it has.

        Raises:
            ExecutionError: it does not fit: it was made by another version of a library.
            OutputError: it cannot be written.
        """

    def finish(self) -> dict[str, Any]:
        """Make the file of its pieces and tell as `Files.write` does.

        Raises:
            OutputError: it cannot be written.
        """


def files_of(noun: type) -> Files:
    """The `Files` object of a noun's class.

    Raises:
        UsageError: this noun does not lie in files.
    """
    if noun.__name__ not in registry.names("nouns"):
        raise UsageError(f"A {noun.__name__} is neither read from nor written to files.")
    files: Files = registry.load("nouns", noun.__name__)
    return files
