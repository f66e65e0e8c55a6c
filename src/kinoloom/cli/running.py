"""Running an op for the command line: read, do, write, and talk about it.

Data goes to standard output, talk to standard error; a progress bar appears only on a terminal.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from kinoloom.base import registry
from kinoloom.base.clip import Clip
from kinoloom.base.files import Nothing, Progress, files_of, no_progress
from kinoloom.base.need import need_extra
from kinoloom.base.notes import Notes, logger
from kinoloom.base.op import Op
from kinoloom.base.options import build
from kinoloom.base.outputs import check_output
from kinoloom.base.report import Report
from kinoloom.errors import UsageError
from kinoloom.pipelines.mapped import MapOptions, Work, write_mapped


@dataclass(frozen=True)
class Request:
    """One command as the user gave it, parsed.

    Attributes:
        op: what to do.
        inputs: the input files, or the one folder of an op that takes a path.
        output: where the result goes; None prints it.
        options, read_options, write_options, map_options: values by name, None where not given.
        page: where the page about the result goes, or None.
        as_json: whether to print a JSON object about the result.
    """

    op: Op
    inputs: tuple[Path, ...]
    output: Path | None
    options: dict[str, Any]
    read_options: dict[str, Any]
    write_options: dict[str, Any]
    map_options: dict[str, Any]
    page: Path | None
    as_json: bool


def run(request: Request) -> int:
    """Do what was asked; the exit code is 1 when part of the work is missing.

    Raises:
        KinoloomError: as the parts do.
    """
    op = request.op
    options = build(op.options, request.options)
    files = files_of(op.gives)
    write_options = build(files.write_options, request.write_options)
    for path in _first_checked(request):
        check_output(path, overwrite=write_options.overwrite)
    if op.extra:
        need_extra(op.extra)
    with _talk():
        noun = _input(request)
        result = op(noun, options)
        if isinstance(result, Report) and _follows():
            return 0
        written: dict[str, Any] = {}
        if request.output is not None:
            with _bar(op.name) as progress:
                written = _write(request, result, write_options, progress)
        if request.page is not None:
            written["report"] = _write_page(request, noun, result, options, write_options)
    _print(request, result, written)
    notes = getattr(result, "notes", None)
    return 1 if isinstance(notes, Notes) and notes.failed else 0


def _follows() -> bool:
    """Whether torchrun started this process beside a first one, which tells for all."""
    return "TORCHELASTIC_RUN_ID" in os.environ and os.environ.get("RANK", "0") != "0"


def _write(request: Request, result: Any, write_options: Any, progress: Progress) -> dict[str, Any]:
    output = request.output or Path()
    if request.map_options.get("session") is None:
        return files_of(request.op.gives).write(result, output, write_options, progress)
    work = Work(request.op, request.inputs, request.read_options, request.options)
    map_options = build(MapOptions, request.map_options)
    return write_mapped(work, result, output, write_options, map_options, progress)


def _first_checked(request: Request) -> list[Path]:
    """Outputs whose writers would see only after the work that they cannot be written.

    A clip's is not among them: a clip is worked out while it is written.
    """
    output = None if request.op.gives is Clip else request.output
    return [path for path in (output, request.page) if path is not None]


def _input(request: Request) -> Any:
    if request.op.takes is Nothing:
        return Nothing()
    if request.op.takes is not Path:
        files = files_of(request.op.takes)
        return files.read(request.inputs, build(files.read_options, request.read_options))
    if len(request.inputs) != 1:
        raise UsageError(f"{request.op.name} takes one --data.")
    return request.inputs[0]


def _write_page(
    request: Request,
    noun: Any,
    result: Any,
    options: Any,
    write_options: Any,
) -> str:
    report: Report = registry.at(request.op.page, request.op.name)(noun, result, options)
    files = files_of(Report)
    page_options = build(files.write_options, {"overwrite": write_options.overwrite})
    files.write(report, request.page or Path(), page_options)
    return str(request.page)


def _print(request: Request, result: Any, written: dict[str, Any]) -> None:
    if isinstance(result, Report):
        from kinoloom.base.report.files import to_json, to_text

        if request.as_json:
            click.echo(to_json(result), nl=False)
        elif request.output is None:
            click.echo(to_text(result), nl=False)
        else:
            click.echo(f"{request.output}: {result.summary}", err=True)
        return
    if request.as_json:
        notes = [note.to_dict() for note in result.notes]
        record = result.provenance.to_dict()
        click.echo(json.dumps({**written, "notes": notes, "provenance": record}, indent=2))
    else:
        click.echo(_summary(written), err=True)


def _summary(written: dict[str, Any]) -> str:
    """One line a person wants to know: "film.mp4: 90 frames, 3.00 s, 640x480, ..."."""
    facts = []
    if "frames" in written:
        facts.append(f"{written['frames']} frames")
    if "trajectories" in written:
        shape = " x ".join(str(size) for size in written["shape"])
        facts.append(f"{written['trajectories']} trajectories of {shape}")
    if written.get("duration_s"):
        facts.append(f"{written['duration_s']:.2f} s")
    if "width" in written:
        facts.append(f"{written['width']}x{written['height']}")
    if written.get("codec"):
        facts.append(str(written["codec"]))
    if written.get("seconds"):
        facts.append(f"made in {written['seconds']:.1f} s")
    return f"{written['output']}: {', '.join(facts)}"


@contextmanager
def _talk() -> Iterator[None]:
    """Send kinoloom's log to standard error for the length of the block."""
    handler = logging.StreamHandler(_Stderr())
    handler.setFormatter(logging.Formatter("kinoloom: %(message)s"))
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


class _Stderr:
    """Standard error as it is at the moment of writing, so that a progress bar can own it."""

    def write(self, text: str) -> None:
        sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


@contextmanager
def _bar(title: str) -> Iterator[Progress]:
    """A progress bar with rate and time left, on a terminal; elsewhere nothing."""
    if not sys.stderr.isatty():
        yield no_progress
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None, rate="")

        def progress(done: int, total: int | None) -> None:
            speed = bar.tasks[0].speed
            rate = f"{speed:.1f}/s" if speed else ""
            bar.update(task, completed=done, total=total, rate=rate)

        yield progress
