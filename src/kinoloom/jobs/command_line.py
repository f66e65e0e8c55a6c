"""The command line of a job: what a person types to run the same work."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from kinoloom.base.options import Option, options_of
from kinoloom.jobs.job import Job
from kinoloom.jobs.option_sets import OptionSets


def build_command_line(job: Job, folder: Path) -> str:
    """Return the command of a job, quoted for a POSIX shell; it may be pasted anywhere.

    Args:
        job: with absolute paths.
        folder: paths in it are written relative to it.
    """
    return f"cd {shlex.quote(str(folder))} && {shlex.join(_words(job, folder))}"


def _words(job: Job, folder: Path) -> Iterator[str]:
    yield from ("kinoloom", *job.op.name.split("."))
    for path in job.inputs:
        yield _argument(_relative(path, folder))
    if job.output is not None:
        yield from ("-o", _argument(_relative(job.output, folder)))
    values = (job.options, job.read_options, job.write_options, job.distributed_options)
    for cls, given in zip(OptionSets.of(job.op).classes, values, strict=True):
        for option in options_of(cls):
            yield from _option_words(option, given.get(option.name), folder)
    if job.report is not None:
        yield from ("--report", _argument(_relative(job.report, folder)))


def _option_words(option: Option, value: Any, folder: Path) -> Iterator[str]:
    if value is None or value == option.default:
        return
    if option.kind is bool:
        yield option.flag
        return
    text = _relative(value, folder) if isinstance(value, Path) else _text(value)
    if text.startswith("-"):
        yield f"{option.flag}={text}"
    else:
        yield from (option.flag, text)


def _text(value: Any) -> str:
    """Return a value as the command line parses it; 30000/1001 stays exact."""
    return str(Fraction(value)) if isinstance(value, Fraction) else str(value)


def _relative(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder) if path.is_relative_to(folder) else path)


def _argument(text: str) -> str:
    """Return a path that is not mistaken for an option."""
    return f"./{text}" if text.startswith("-") else text
