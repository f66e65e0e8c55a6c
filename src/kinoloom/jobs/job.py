"""A job: one op, its inputs, its options and its outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kinoloom.base.files import Written
from kinoloom.base.notes import Notes
from kinoloom.base.op import Op
from kinoloom.errors import UsageError


@dataclass(frozen=True)
class Job:
    """An op and everything it needs to run on files.

    Attributes:
        op: the op.
        inputs: the input files, or the one path of an op that takes a `Path`.
        output: where the result is written; None leaves it in memory. The op's `output_option`
            sets it.
        options, read_options, write_options, distributed_options: values by name; None, or a name
            that is absent, means the default.
        report: where the page about the result is written, or None.

    Raises:
        UsageError: an output or a report in addition to the op's `output_option`.
    """

    op: Op
    inputs: tuple[Path, ...] = ()
    output: Path | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    read_options: Mapping[str, Any] = field(default_factory=dict)
    write_options: Mapping[str, Any] = field(default_factory=dict)
    distributed_options: Mapping[str, Any] = field(default_factory=dict)
    report: Path | None = None

    def __post_init__(self) -> None:
        given = self.options.get(self.op.output_option)
        if given is None:
            return
        flag = "--" + self.op.output_option.strip("_").replace("_", "-")
        if self.output not in (None, Path(given)) or self.report is not None:
            other = "--report" if self.report is not None else "-o"
            raise UsageError(
                f"{flag} writes {given} and nothing else, so it excludes {other}.",
                hint=f"Leave out {flag} or {other}.",
            )
        object.__setattr__(self, "output", Path(given))


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
