"""The files of a job in its own folder."""

from __future__ import annotations

import contextlib
from pathlib import Path, PurePosixPath
from typing import TypeVar

from kinoloom.pipelines.local.jobs.job import Input, Job
from kinoloom.pipelines.local.jobs.mounts import ML
from kinoloom.pipelines.local.storage import archive
from kinoloom.pipelines.local.storage.step_folder import open_step_file
from kinoloom.pipelines.local.storage.store import copy_in

_MAX_FAILURE_BYTES = 1 << 16

_Path = TypeVar("_Path", Path, PurePosixPath)


def job_path(ml: _Path, place: str) -> _Path:
    """Return where a path below /opt/ml is in a job's folder."""
    return ml / place.removeprefix(f"{ML}/")


def create_folders(job: Job, ml: Path) -> None:
    """Create a job's folders and configuration files."""
    for place in [*(one.place for one in job.outputs), job.cwd, f"{ML}/output"]:
        job_path(ml, place).mkdir(parents=True, exist_ok=True)
    for place, text in job.files.items():
        file = job_path(ml, place)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def place_input(one: Input, source: Path, ml: Path) -> None:
    """Copy, unpack or link a file or folder to an input's path in the job.

    Raises:
        KinoloomError, OSError: The archive cannot be unpacked, or the files cannot be copied.
    """
    target = job_path(ml, one.place)
    if one.archive:
        archive.unpack(source, target)
    elif one.in_place:
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_file():
            target.mkdir(exist_ok=True)
            target /= source.name
        target.symlink_to(source.resolve())
    else:
        copy_in(source, target)


def read_failure(folder: Path) -> bytes | None:
    """Return the beginning of an attempt's failure file; None if it has none.

    A link is not followed: it could lead to any file of this machine.
    """
    with contextlib.suppress(FileNotFoundError):
        file = open_step_file(folder, "ml/output/failure")
        if file is not None:
            with file:
                return file.read(_MAX_FAILURE_BYTES)
    return None
