"""Files of fields: one .npz archive, written and read trajectory by trajectory.

The archive contains `about.npy`, the metadata of `Fields` as JSON text, and one array for each
trajectory: `trajectory_00000.npy`, `trajectory_00001.npy`, ... `numpy.load` opens it.
"""

from __future__ import annotations

import json
import time
import zipfile
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kinoloom.base.files import NoOptions, Progress, Written, no_progress
from kinoloom.base.options import option
from kinoloom.base.outputs import atomic_output
from kinoloom.clifford.fields.dataset import Fields, Trajectory
from kinoloom.errors import InputNotFoundError, UnreadableMediaError, UsageError

_METADATA = "about"
_VERSION = 1
_KEYS = ("name", "signature", "grades", "shape", "count", "step_s", "cell", "parameters")


@dataclass(frozen=True)
class FieldsWriteOptions:
    """Options of writing fields."""

    overwrite: bool = option(False, "Replace the output if it exists")


@dataclass(frozen=True)
class FieldsFiles:
    """Reads and writes `Fields`; implements `base.files.Files`."""

    read_options: type = NoOptions
    write_options: type = FieldsWriteOptions

    def read(self, paths: Sequence[Path], options: NoOptions) -> Fields:
        """Read the fields of a file lazily; each access of a trajectory reads it.

        Raises:
            UsageError: `paths` is not a single path.
            InputNotFoundError: the file does not exist.
            UnreadableMediaError: the file is damaged, or does not contain fields.
        """
        if len(paths) != 1:
            raise UsageError(f"Got {len(paths)} files of fields: expected one .npz file.")
        path = paths[0]
        if not path.is_file():
            raise InputNotFoundError(f"No such file: {path}")
        metadata = _read_metadata(path)
        return Fields(**metadata, load=lambda index: _read_member(path, _member_name(index)))

    def write(
        self,
        value: Fields,
        path: Path,
        options: FieldsWriteOptions,
        progress: Progress = no_progress,
    ) -> Written:
        """Write all trajectories to a .npz file, holding one in memory at a time.

        Raises:
            UsageError: the suffix of `path` is not .npz.
            OutputExistsError, OutputError: see `base.outputs.atomic_output`.
            InputChangedError: a file from which the fields are computed has changed.
        """
        if path.suffix.lower() != ".npz":
            raise UsageError(f"Unsupported suffix '{path.suffix}' of fields: expected .npz.")
        begin = time.perf_counter()
        record = value.provenance.to_dict() if value.provenance else None
        metadata = {key: getattr(value, key) for key in _KEYS}
        text = json.dumps({"kinoloom_fields": _VERSION, **metadata, "provenance": record})
        with (
            atomic_output(path, overwrite=options.overwrite) as temporary,
            value.provenance.files.guard() if value.provenance else nullcontext(),
            zipfile.ZipFile(temporary, "w") as archive,
        ):
            _write_member(archive, _METADATA, np.array(text))
            for index, trajectory in enumerate(value):
                _write_member(archive, _member_name(index), trajectory)
                progress(index + 1, value.count)
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


def _member_name(index: int) -> str:
    return f"trajectory_{index:05d}"


def _list_to_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _write_member(archive: zipfile.ZipFile, name: str, array: np.ndarray[Any, Any]) -> None:
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array(member, array, allow_pickle=False)


def _read_metadata(path: Path) -> dict[str, Any]:
    """Read the metadata of `Fields`."""
    text = str(_read_member(path, _METADATA))
    try:
        record = json.loads(text)
        version = record["kinoloom_fields"]
        metadata = {key: _list_to_tuple(record[key]) for key in _KEYS}
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise UnreadableMediaError(f"{path.name} does not contain fields.") from error
    if version != _VERSION:
        raise UnreadableMediaError(
            f"{path.name} has version {version} of the file format of fields: expected {_VERSION}."
        )
    return metadata


def _read_member(path: Path, name: str) -> Trajectory:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            member: Trajectory = archive[name]
            return member
    except (zipfile.BadZipFile, ValueError, KeyError, EOFError, TypeError) as error:
        raise UnreadableMediaError(
            f"{path.name} is damaged, or does not contain {name}."
        ) from error
