"""Files: how a noun comes from files and goes to files.

Each noun that can lie in files has one such object, found through the registry by the class
name of the noun. The command line knows nothing else about media.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

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


def files_of(noun: type) -> Files:
    """The `Files` object of a noun's class.

    Raises:
        UsageError: this noun does not lie in files.
    """
    if noun.__name__ not in registry.names("nouns"):
        raise UsageError(f"A {noun.__name__} is neither read from nor written to files.")
    files: Files = registry.load("nouns", noun.__name__)
    return files
