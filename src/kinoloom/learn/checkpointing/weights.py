"""Weights for distribution: tensors with a record of their training, as safetensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from kinoloom.base.outputs import atomic_output
from kinoloom.base.provenance import to_jsonable
from kinoloom.errors import WeightsError
from kinoloom.learn.checkpointing.checkpoints import load

_KEY = "kinoloom"
_CHECKPOINT_INFO = ("step", "figures", "settings", "record")


def write_weights(path: Path, tensors: Mapping[str, Tensor], info: Mapping[str, Any]) -> None:
    """Write named tensors and information about them, replacing an existing file.

    Args:
        path: ends in .safetensors.
        tensors: as returned by `state_dict`; tensors that share memory are stored separately.
        info: plain values.

    Raises:
        OutputError: the file cannot be written.
    """
    own = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    metadata = {_KEY: json.dumps(to_jsonable(dict(info)))}
    data = save(own, metadata)  # in memory: `save_file` raises no OSError on a full disk
    with atomic_output(path, overwrite=True) as temporary:
        temporary.write_bytes(data)


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read named tensors and the information stored with them ({} if there is none).

    Args:
        path: a safetensors file, or a checkpoint (.pt), whose averaged weights are preferred.

    Raises:
        WeightsError: the file does not exist, or has another format.
    """
    if not path.is_file():
        raise WeightsError(f"{path} does not exist.")
    if path.suffix == ".pt":
        state = load(path)
        return state["mean"] or state["model"], {k: state[k] for k in _CHECKPOINT_INFO}
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            info = json.loads((file.metadata() or {}).get(_KEY, "{}"))
    except SafetensorError as error:
        raise WeightsError(f"{path.name} is damaged, or is not a safetensors file.") from error
    return tensors, info
