"""Fields as files: one .npz, written trajectory by trajectory and read likewise.

The archive holds `about.npy`, a text of JSON with all of `Fields` but the numbers, and
`trajectory_00000.npy` and so on; numpy.load opens it.
"""

from __future__ import annotations

import json
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kinoloom.base.files import NoOptions, Progress, Written, no_progress
from kinoloom.base.options import option
from kinoloom.base.outputs import whole_file
from kinoloom.clifford.fields.noun import Fields, Trajectory
from kinoloom.errors import InputNotFoundError, UnreadableMediaError, UsageError

_ABOUT = "about"
_VERSION = 1
_PLAIN = ("name", "signature", "grades", "shape", "count", "step_s", "cell", "parameters")


@dataclass(frozen=True)
class FieldsWriteOptions:
    """How fields are written."""

    overwrite: bool = option(False, "replace the output if it exists")


@dataclass(frozen=True)
class FieldsFiles:
    """Reads and writes `Fields`; implements `base.files.Files`."""

    read_options: type = NoOptions
    write_options: type = FieldsWriteOptions

    def read(self, paths: Sequence[Path], options: NoOptions) -> Fields:
        """The fields of one file; trajectories are read when they are asked for.

        Raises:
            UsageError: not one path.
            InputNotFoundError: there is no such file.
            UnreadableMediaError: it is damaged, or was not written by kinoloom.
        """
        if len(paths) != 1:
            raise UsageError(f"Fields are read from one .npz file, not {len(paths)}.")
        path = paths[0]
        if not path.is_file():
            raise InputNotFoundError(f"There is no file {path}.")
        told = _about(path)
        return Fields(**told, make=lambda number: _member(path, _name(number)))

    def write(
        self,
        value: Fields,
        path: Path,
        options: FieldsWriteOptions,
        progress: Progress = no_progress,
    ) -> Written:
        """Write all trajectories to a .npz file; memory holds one at a time.

        Raises:
            UsageError: another suffix.
            OutputExistsError, OutputError: as `base.outputs.whole_file`.
        """
        if path.suffix.lower() != ".npz":
            raise UsageError(f"Fields cannot be written as '{path.suffix}'.", hint="Use .npz.")
        begin = time.perf_counter()
        record = value.provenance.to_dict() if value.provenance else None
        about = {key: getattr(value, key) for key in _PLAIN}
        text = json.dumps({"kinoloom_fields": _VERSION, **about, "provenance": record})
        with (
            whole_file(path, overwrite=options.overwrite) as temporary,
            zipfile.ZipFile(temporary, "w") as archive,
        ):
            _put(archive, _ABOUT, np.array(text))
            for number, trajectory in enumerate(value):
                _put(archive, _name(number), trajectory)
                progress(number + 1, value.count)
        seconds = time.perf_counter() - begin
        data = {
            "output": str(path),
            "trajectories": value.count,
            "shape": list(value.shape),
            "bytes": path.stat().st_size,
            "seconds": seconds,
        }
        shape = " x ".join(str(size) for size in value.shape)
        facts = (f"{value.count} trajectories of {shape}", f"{seconds:.1f} s to write")
        return Written(path, facts, data)


FIELDS_FILES = FieldsFiles()


def _name(number: int) -> str:
    return f"trajectory_{number:05d}"


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _put(archive: zipfile.ZipFile, name: str, array: np.ndarray[Any, Any]) -> None:
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array(member, array, allow_pickle=False)


def _about(path: Path) -> dict[str, Any]:
    """All of `Fields` but its trajectories, from the file."""
    text = str(_member(path, _ABOUT))
    try:
        about = json.loads(text)
        known = about["kinoloom_fields"] == _VERSION
        told = {key: _tuple(about[key]) for key in _PLAIN}
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise UnreadableMediaError(f"{path.name} holds no fields of kinoloom.") from error
    if not known:
        raise UnreadableMediaError(
            f"{path.name} holds fields of another version, {about['kinoloom_fields']}; this is "
            f"{_VERSION}."
        )
    return told


def _member(path: Path, name: str) -> Trajectory:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            member: Trajectory = archive[name]
            return member
    except (zipfile.BadZipFile, ValueError, KeyError, EOFError, TypeError) as error:
        raise UnreadableMediaError(f"{path.name} is damaged, or holds no {name}.") from error
