"""Files of fields: one .npz archive, written and read trajectory by trajectory.

The archive contains `about.npy`, the metadata of `Fields` as JSON text, and one array for each
trajectory: `trajectory_00000.npy`, `trajectory_00001.npy`, ... `numpy.load` opens it.
"""

from __future__ import annotations

import json
import math
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
from kinoloom.runtime.array_files import read_arrays

_METADATA = "about"
_VERSION = 1
_MOST_DIMENSIONS = 8
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

    def check_path(self, path: Path) -> None:
        """Check the suffix of an output; see `base.files.ChecksPath`.

        Raises:
            UsageError: it is not .npz.
        """
        if path.suffix.lower() != ".npz":
            raise UsageError(f"Unsupported suffix '{path.suffix}' of fields: expected .npz.")

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
        self.check_path(path)
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
        if version == _VERSION:
            _check_types(metadata)
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise UnreadableMediaError(f"{path.name} does not contain fields.") from error
    if version != _VERSION:
        raise UnreadableMediaError(
            f"{path.name} has version {version} of the file format of fields: expected {_VERSION}."
        )
    return metadata


def _check_types(metadata: dict[str, Any]) -> None:
    """Check the types of metadata, which another program may have written.

    Raises:
        TypeError: a value has another type than `Fields` declares.
    """
    numbers = (metadata["count"], metadata["step_s"], metadata["cell"])
    integers = [metadata["signature"], metadata["grades"], metadata["shape"], numbers[:1]]
    fits = (
        isinstance(metadata["name"], str)
        and isinstance(metadata["parameters"], dict)
        and all(isinstance(each, int | float) and math.isfinite(each) for each in numbers)
        and all(type(n) is int for each in integers for n in each)
        and len(metadata["signature"]) <= _MOST_DIMENSIONS
    )
    if not fits:
        raise TypeError("a value has another type")


def _read_member(path: Path, name: str) -> Trajectory:
    try:
        member: Trajectory = read_arrays(path, [name])[name]
        return member
    except (ValueError, OSError) as error:
        raise UnreadableMediaError(
            f"{path.name} is damaged, or does not contain {name}."
        ) from error
