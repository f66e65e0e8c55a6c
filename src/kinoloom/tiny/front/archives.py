"""Checks of torch.export archives, before torch reads them.

`torch.export.load` trusts its file: it unpickles objects, evaluates expressions of symbolic shapes,
loads compiled libraries, and resolves any name below `torch`, such as `torch.os.system`, as the
function of a node. A network of this package needs tensors and ATen operators of static shapes
alone; everything else is rejected.

Source: torch/export/pt2_archive/_package.py and torch/_export/serde/serialize.py of PyTorch 2.13.
"""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch.export import ExportedProgram

_MEMBER = re.compile(
    r"archive_(format|version)|byteorder|\.data/.*|models/model\.json|extra/.*"
    r"|data/(weights|constants|sample_inputs)/(model\.pt|(weight|tensor)_\d+|model_\w+_config\.json)"
)
_OPERATOR = re.compile(r"torch\.ops\.aten\.\w+\.\w+|_operator\.getitem")
_RESOLVED = ("torch", "_operator", "math", "#")
"""Names that begin so are resolved to functions; others stay text."""
_FORBIDDEN_KEYS = {
    "expr_str": "a symbolic shape",
    "as_custom_obj": "a custom object",
    "as_opaque_obj": "a custom object",
    "default_factory_module": "a container of another type",
    "__enum__": "a container of another type",
}
_OBJECTS = ("custom_obj_", "opaque_obj_")
_FORCE = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"


def load_archive(content: bytes) -> ExportedProgram:
    """Load an exported program without running code of the file.

    Args:
        content: of the whole file.

    Raises:
        ValueError: it contains more than tensors and ATen operators of static shapes.
        Exception: torch cannot read it.
    """
    import torch

    check_archive(content)
    with _tensors_only():
        return torch.export.load(io.BytesIO(content))


def check_archive(content: bytes) -> None:
    """Check that an archive contains only tensors and ATen operators of static shapes.

    Raises:
        ValueError: it contains more.
        zipfile.BadZipFile: it is damaged.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = archive.namelist()
        if len(set(names)) < len(names):
            raise ValueError("it contains two members of one name")
        for name in names:
            member = name.partition("/")[2]
            if not _MEMBER.fullmatch(member):
                raise ValueError(f"it contains '{member}', which is neither a graph nor a tensor")
            if member.endswith(".json"):
                for key, value in _walk(json.loads(archive.read(name))):
                    _check_value(key, value)


def _walk(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield all keys and values at any depth, also those of JSON in texts."""
    todo = [("", value)]
    while todo:
        key, one = todo.pop()
        yield key, one
        if isinstance(one, dict):
            todo += one.items()
        elif isinstance(one, list):
            todo += [("", item) for item in one]
        elif isinstance(one, str) and key in ("in_spec", "out_spec", "context", "treespec"):
            todo += [("", json.loads(one))] if one.startswith(("[", "{")) else []


def _check_value(key: str, value: Any) -> None:
    if key in _FORBIDDEN_KEYS and value is not None:
        raise ValueError(f"it contains {_FORBIDDEN_KEYS[key]}")
    if not isinstance(value, str):
        return
    if key in ("target", "as_operator") and value.startswith(_RESOLVED):
        if not _OPERATOR.fullmatch(value):
            raise ValueError(f"it contains the function '{value}', which is not an ATen operator")
    elif key == "path_name" and value.startswith(_OBJECTS):
        raise ValueError("it contains a custom object")


@contextmanager
def _tensors_only() -> Iterator[None]:
    """Let torch unpickle nothing but tensors, also where it asks for more."""
    before = os.environ.get(_FORCE)
    os.environ[_FORCE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_FORCE]
        else:
            os.environ[_FORCE] = before
