"""Provenance: one record of how an output was made, stored with it.

Outputs carry the record, cache keys are computed from it, and histories list it. It identifies
files by name and content, never by location. It also knows their state when it was created, so that
a writer can check that the files that were hashed are those that were read.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import platform
import sys
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

from kinoloom.base.printable import well_formed
from kinoloom.base.provenance.input_files import InputFiles

_LIBRARIES = ("kinoloom", "numpy", "av", "cv2", "PIL", "torch")


def to_jsonable(value: Any) -> Any:
    """Convert a value to what JSON can represent.

    Fractions become "a/b", paths their last part, dataclasses and mappings objects, sequences
    arrays, infinity and NaN null, and bytes of a name that are not UTF-8 escapes.
    """
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, Path):
        return well_formed(value.name)
    if isinstance(value, str):
        return well_formed(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_jsonable(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {well_formed(str(name)): to_jsonable(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_jsonable(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


@dataclass(frozen=True)
class Provenance:
    """How an output was made.

    Attributes:
        op: name of the op.
        options: its options, as plain values.
        inputs: the files it read, in order.
        details: decisions made at run time (the engine chosen, its weights).
        parents: the records of its inputs, if ops made those too.
        files: all files of the record and its parents.
    """

    op: str
    options: dict[str, Any]
    inputs: tuple[Path, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)
    parents: tuple[Provenance, ...] = ()
    files: InputFiles = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        paths = [*self.inputs, *(one for one in self.details.values() if isinstance(one, Path))]
        files = InputFiles(paths, [parent.files for parent in self.parents])
        object.__setattr__(self, "files", files)

    @cached_property
    def cause(self) -> dict[str, Any]:
        """Everything that determines the result, as plain values; files are hashed on first use.

        Raises:
            InputChangedError: on first use, if a file has changed since the record was created.
        """
        with self.files.guard():
            details = {
                name: self._describe(one) if isinstance(one, Path) else to_jsonable(one)
                for name, one in self.details.items()
            }
            return {
                "op": self.op,
                "options": self.options,
                "inputs": [self._describe(path) for path in self.inputs],
                "details": details,
                "parents": [parent.cause for parent in self.parents],
            }

    @property
    def key(self) -> str:
        """SHA-256 of `cause`: equal for the same work on the same content."""
        text = json.dumps(self.cause, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Return the whole record as plain values: the cause, its key, and the versions used."""
        cause = {**self.cause, "options": to_jsonable(self.options)}
        return {"kinoloom": 1, **cause, "key": self.key, "versions": versions()}

    def _describe(self, path: Path) -> dict[str, str]:
        return {"name": well_formed(path.name), "sha256": self.files.hash(path)}


def versions() -> dict[str, str]:
    """Return the versions of Python, kinoloom, and of numerical and media libraries loaded now."""
    loaded = {name: sys.modules[name] for name in _LIBRARIES if name in sys.modules}
    found = {name: str(module.__version__) for name, module in loaded.items()}
    return {"python": platform.python_version(), **found}
