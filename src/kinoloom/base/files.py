"""Files: how core types are read from files and written to files.

Each core type that can be stored in files has one `Files` object, which the registry finds by the
class name of the type. The front ends know nothing else about media.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from kinoloom.base import registry
from kinoloom.base.budget import Budget, EstimateWriting
from kinoloom.base.op import Op
from kinoloom.base.options import build
from kinoloom.errors import UnreadableMediaError, UsageError

Progress = Callable[[int, int | None], None]
"""Called with the number of frames or items done and their total (None if unknown)."""


def no_progress(done: int, total: int | None) -> None:
    """Ignore progress."""


@dataclass(frozen=True)
class NoOptions:
    """The options of something that has none."""


@dataclass(frozen=True)
class Nothing:
    """The input of an op whose result depends on its options alone."""


@dataclass(frozen=True)
class Written:
    """What a writer wrote.

    Attributes:
        path: the file or folder.
        facts: what a person wants to know, in order: ("90 frames", "3.00 s", "640x480").
        data: the same as plain values by name, for JSON.
    """

    path: Path
    facts: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)

    def with_data(self, **more: Any) -> Written:
        """Return a copy with more data."""
        return replace(self, data={**self.data, **more})


class Files(Protocol):
    """Reads a core type from files and writes it to one."""

    read_options: type
    write_options: type

    def read(self, paths: Sequence[Path], options: Any) -> Any:
        """Read the files.

        Raises:
            MediaError: a file is missing, damaged or of another type.
        """

    def write(
        self,
        value: Any,
        path: Path,
        options: Any,
        progress: Progress = no_progress,
    ) -> Written:
        """Write to `path`, completely or not at all.

        Raises:
            UsageError: an unknown suffix, or the file exists and may not be replaced.
            OutputError: the file cannot be written.
        """


@runtime_checkable
class Pieces(Protocol):
    """An optional ability of `Files`: several processes write one output in pieces."""

    def growing(
        self, value: Any, path: Path, options: Any, piece_s: Fraction
    ) -> AbstractContextManager[Growing]:
        """Open the output at `path` while its pieces are made.

        Args:
            value: what is written, lazy.
            path: the output.
            options: the write options.
            piece_s: shortest duration of a piece, in seconds.

        Raises:
            UsageError: this kind of file cannot be made in pieces, or as `Files.write`.
            OutputError: the file cannot be written.
        """

    def write_piece(self, value: Any, piece: Mapping[str, Any], folder: Path) -> None:
        """Write one piece into an existing folder; computes only the frames of that piece.

        Raises:
            KinoloomError: as `Files.write`.
        """


@runtime_checkable
class ChecksPath(Protocol):
    """An optional ability of `Files`: checking the path of an output before the work starts."""

    def check_path(self, path: Path) -> None:
        """Check the path.

        Raises:
            UsageError: an unknown suffix.
        """


@runtime_checkable
class Budgeted(Protocol):
    """An optional ability of `Files`: reading and writing within a memory budget."""

    def read_within(self, paths: Sequence[Path], options: Any, budget: Budget) -> Any:
        """Read as `Files.read`; the value states what reading it needs, and keeps the budget.

        Raises:
            MediaError: as `Files.read`.
        """

    def estimate_writing(self, path: Path, options: Any) -> EstimateWriting:
        """Return what estimates the memory for writing to `path`."""


@runtime_checkable
class ReadsEach(Protocol):
    """An optional ability of `Files`: reading folders whose files are processed one by one.

    Attributes:
        each_options: the dataclass of its options.
    """

    each_options: type

    def read_each(self, paths: Sequence[Path], options: Any, budget: Budget | None) -> Any:
        """Read files and folders; a file that cannot be read raises its error when it is reached.

        Raises:
            MediaError: a path does not exist, or nothing can be read.
        """


class Growing(Protocol):
    """An output that grows by pieces. If its block ends with an error, finished pieces are kept.

    Attributes:
        folder: for data that belongs to the work; removed when the output is complete.
        pieces: those that are missing, in order, as plain values for `write_piece`; none if the
            output is complete already.
    """

    folder: Path
    pieces: Sequence[Mapping[str, Any]]

    def add(self, folder: Path) -> int:
        """Append the next piece, as `write_piece` left it; return its number of frames or items.

        Raises:
            ExecutionError: the piece was made by another version of a library.
            OutputError: it cannot be written.
        """

    def finish(self) -> Written:
        """Join the pieces into the output.

        Raises:
            OutputError: the file cannot be written.
        """


def files_of(core_type: type) -> Files:
    """Return the `Files` object of a core type.

    Raises:
        UsageError: the type is not stored in files.
    """
    if core_type.__name__ not in registry.names("files"):
        raise UsageError(
            f"{core_type.__name__} cannot be read from or written to files.",
            hint=f"Types with files: {', '.join(registry.names('files'))}.",
        )
    files: Files = registry.load("files", core_type.__name__)
    return files


def read_options_of(op: Op) -> type:
    """Return the dataclass of the options of reading an op's input.

    Raises:
        UsageError: the input is not stored in files.
    """
    if op.input_type in (Path, Nothing):
        return NoOptions
    files = files_of(op.input_type)
    each = _find_each_reader(op, files)
    return files.read_options if each is None else each.each_options


def read_input(op: Op, paths: Sequence[Path], values: Mapping[str, Any], budget: Budget) -> Any:
    """Read an op's input.

    Args:
        op: takes a core type that is stored in files.
        paths: the files; folders, too, if the op processes photos one by one.
        values: of the options of reading, by name.
        budget: the memory budget of the job.

    Raises:
        UsageError: an option is wrong, or the input is not stored in files.
        MediaError: as `Files.read`.
    """
    files = files_of(op.input_type)
    options = build(read_options_of(op), values)
    each = _find_each_reader(op, files)
    if each is not None:
        return each.read_each(paths, options, budget)
    if isinstance(files, Budgeted):
        return files.read_within(paths, options, budget)
    return files.read(paths, options)


def _find_each_reader(op: Op, files: object) -> ReadsEach | None:
    return files if op.one_by_one and isinstance(files, ReadsEach) else None


def check_regular(path: Path) -> None:
    """Check that `path`, if it exists, is a file or a folder: others may never end, or block.

    Raises:
        UnreadableMediaError: it is a named pipe, a device or a socket.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # reading reports it
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        kind = "named pipe" if stat.S_ISFIFO(mode) else "device or socket"
        raise UnreadableMediaError(
            f"{path} is a {kind}, not a file.", hint="Save its content to a file first."
        )
