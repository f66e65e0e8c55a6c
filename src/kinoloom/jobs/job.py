"""A job: one op, its inputs, its options and its outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kinoloom.base.files import Written
from kinoloom.base.notes import Notes
from kinoloom.base.op import Op


@dataclass(frozen=True)
class Job:
    """An op and everything it needs to run on files.

    Attributes:
        op: the op.
        inputs: the input files, or the one path of an op that takes a `Path`.
        output: where the result is written; None leaves it in memory.
        options, read_options, write_options, distributed_options: values by name; None, or a name
            that is absent, means the default.
        report: where the page about the result is written, or None.
    """

    op: Op
    inputs: tuple[Path, ...] = ()
    output: Path | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    read_options: Mapping[str, Any] = field(default_factory=dict)
    write_options: Mapping[str, Any] = field(default_factory=dict)
    distributed_options: Mapping[str, Any] = field(default_factory=dict)
    report: Path | None = None


@dataclass(frozen=True)
class Outcome:
    """What a job produced.

    Attributes:
        result: what the op returned: a `Report`, or a lazy `Clip` that has been written.
        written: what was written to `Job.output`; None where there was no output.
    """

    result: Any
    written: Written | None

    @property
    def is_complete(self) -> bool:
        """Whether no note reports that part of the requested work is missing."""
        notes = getattr(self.result, "notes", None)
        return not (isinstance(notes, Notes) and notes.failed)
