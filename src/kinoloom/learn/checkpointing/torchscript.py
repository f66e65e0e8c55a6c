"""Reading of the tensors of a TorchScript archive, without executing it.

`torch.jit.load` executes the program of an archive while it loads it (`__setstate__`), and that
program can write files. The tensors need no program: `data.pkl` stores the tree of modules, and one
member for each storage has its bytes. The pickle is read by an unpickler that knows the few
names that torch writes there; modules become plain containers of attributes.

Source: torch/csrc/jit/serialization (pickler.cpp, export_module.cpp) of PyTorch 2.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

_DTYPES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
_BUILT_LISTS = ("build_intlist", "build_doublelist", "build_boollist", "build_tensorlist")
_MOST_DEPTH = 100
_MOST_NODES = 100_000
"""Modules that contain each other, or are shared in layers, would have no end of names."""


class _Module:
    """A module of the archive: its attributes by name."""

    attributes: Mapping[str, Any] = MappingProxyType({})  # unpickling skips __init__

    def __setstate__(self, state: object) -> None:
        """Keep the attributes; a state of another form is for the archive's own program."""
        if isinstance(state, dict):
            self.attributes = state


class _Unpickler(pickle.Unpickler):
    """Reads `data.pkl`; raises UnpicklingError for any name that TorchScript does not write."""

    def __init__(self, archive: zipfile.ZipFile, folder: str) -> None:
        super().__init__(io.BytesIO(_read_stored(archive, f"{folder}/data.pkl")))
        self._archive, self._folder = archive, folder
        self._storages: dict[str, Tensor] = {}

    def find_class(self, module: str, name: str) -> Any:
        """Return a container or a function of this module, never what the name imports."""
        if module == "__torch__" or module.startswith("__torch__."):
            return _Module
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        if module == "torch.jit._pickle" and name in _BUILT_LISTS:
            return list
        known = {
            ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
            ("torch.jit._pickle", "restore_type_tag"): _drop_type_tag,
            ("collections", "OrderedDict"): OrderedDict,
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"{module}.{name} is not a part of TorchScript")
        return known[module, name]

    def persistent_load(self, pid: Any) -> Tensor:
        """Return the storage of ("storage", dtype, key, device, count), flat and on the CPU."""
        _, dtype, key, _, count = pid
        if key not in self._storages:
            content = _read_stored(self._archive, f"{self._folder}/data/{key}")
            self._storages[key] = (
                torch.frombuffer(bytearray(content), dtype=dtype)
                if content
                else torch.empty(0, dtype=dtype)
            )
        storage = self._storages[key]
        if storage.dtype != dtype or len(storage) != count:
            raise ValueError(f"storage {key} does not have {count} values of {dtype}")
        return storage


def read_torchscript(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a TorchScript archive by the names of its state dict.

    Args:
        path: of the archive.

    Raises:
        pickle.UnpicklingError: it contains more than modules and tensors.
        Exception: it is damaged.
    """
    with zipfile.ZipFile(path) as archive:
        member = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
        root = _Unpickler(archive, member.removesuffix("/data.pkl")).load()
    if not isinstance(root, _Module):
        raise ValueError("the archive contains no module")
    tensors = {}
    for number, (name, value) in enumerate(_walk(root, "", 0)):
        if number == _MOST_NODES:
            raise ValueError(f"the archive contains more than {_MOST_NODES} attributes")
        if isinstance(value, Tensor):
            tensors[name] = value
    return tensors


def _walk(module: _Module, prefix: str, depth: int) -> Iterator[tuple[str, object]]:
    """Yield the attributes of a module and of the modules in it, by full name."""
    if depth > _MOST_DEPTH:
        raise ValueError(f"modules are nested more than {_MOST_DEPTH} deep")
    for name, value in module.attributes.items():
        yield f"{prefix}{name}", value
        if isinstance(value, _Module):
            yield from _walk(value, f"{prefix}{name}.", depth + 1)


def _read_stored(archive: zipfile.ZipFile, name: str) -> bytes:
    """Read a member; torch stores them uncompressed, so none is larger than the file."""
    if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
        raise zipfile.BadZipFile(f"{name} is compressed")
    return archive.read(name)


def _rebuild_tensor(
    storage: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: object
) -> Tensor:
    """Return a view of a storage; torch rejects one that exceeds it."""
    return storage.as_strided(size, stride, offset)


def _drop_type_tag(value: object, _: object) -> object:
    return value
