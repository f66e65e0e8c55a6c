"""Reading of the named tensors of a checkpoint of any origin.

Supported, detected by content rather than by name: a TorchScript archive, a state dict saved by
torch (zip or legacy format), and safetensors. Anything else raises a `WeightsError`.

No code of a file runs: state dicts are read with weights_only, and TorchScript archives by
`torchscript`, which reads their tensors and never executes them.
"""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from kinoloom.errors import WeightsError
from kinoloom.learn.checkpointing.torchscript import read_torchscript

_LEGACY_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9"
"""First bytes of torch files that are not zip archives: a pickled magic number."""


def read_tensors(path: Path, hint: str = "", wrappers: Sequence[str] = ()) -> dict[str, Tensor]:
    """Read the named tensors of a checkpoint as stored.

    Args:
        path: the file.
        hint: where to get an intact file, for errors.
        wrappers: keys of a mapping that may contain the state dict; the first present is used.

    Raises:
        WeightsError: the file does not exist, is not a checkpoint, or is damaged.
    """
    if not path.is_file():
        raise WeightsError(f"The weight file {path} does not exist.", hint=hint)
    with path.open("rb") as file:
        head = file.read(len(_LEGACY_MAGIC))
    try:
        tensors = _read_by_format(path, head, hint)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"{path.name} contains Python objects besides tensors; loading them could run code.",
            hint="Save only the state dict, or use safetensors.",
        ) from error
    except WeightsError:
        raise
    except Exception as error:  # a damaged pickle raises any error
        raise WeightsError(f"{path.name} is damaged or truncated.", hint=hint) from error
    if isinstance(tensors, Mapping):
        tensors = next((tensors[key] for key in wrappers if key in tensors), tensors)
    if not isinstance(tensors, Mapping) or not all(
        isinstance(value, Tensor) for value in tensors.values()
    ):
        raise WeightsError(
            f"{path.name} does not contain a state dict, a mapping of names to tensors.",
            hint=hint,
        )
    return {str(key): value for key, value in tensors.items()}


def _read_by_format(path: Path, head: bytes, hint: str) -> object:
    if head[8:] == b"{":
        return load_file(path)
    if head.startswith(b"PK"):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        if any("/code/" in name for name in names):
            return read_torchscript(path)
        if any(name.endswith("/data.pkl") for name in names):
            return torch.load(path, map_location="cpu", weights_only=True)
    elif head == _LEGACY_MAGIC:
        return torch.load(path, map_location="cpu", weights_only=True)
    problem = "is empty" if not head else "is not a checkpoint"
    raise WeightsError(
        f"{path.name} {problem}; expected TorchScript, a torch state dict or safetensors.",
        hint=hint,
    )
