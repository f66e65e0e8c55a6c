"""Weights to hand on: tensors and a record of how they were made, as safetensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from kinoloom.base.provenance import to_jsonable
from kinoloom.errors import WeightsError
from kinoloom.learn.checkpointing.atomic_files import write_durably
from kinoloom.learn.checkpointing.checkpoints import load

_KEY = "kinoloom"
_TOLD = ("step", "figures", "settings", "record")


def write_weights(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    """Write named tensors, and what is known about them, replacing what is there.

    Args:
        path: ends in .safetensors.
        tensors: as from `state_dict`; those that share memory are stored each.
        about: plain values.

    Raises:
        OutputError: it cannot be written.
    """
    own = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    metadata = {_KEY: json.dumps(to_jsonable(dict(about)))}
    write_durably(path, lambda temporary: save_file(own, temporary, metadata))


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The named tensors of a file and what is known about them ({} if it does not say).

    Args:
        path: safetensors, or a checkpoint of a training (.pt), of which the mean weights are
            taken if it has them.

    Raises:
        WeightsError: there is no such file, or it is neither.
    """
    if not path.is_file():
        raise WeightsError(f"There is no file {path}.")
    if path.suffix == ".pt":
        state = load(path)
        return state["mean"] or state["model"], {k: state[k] for k in _TOLD}
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            about = json.loads((file.metadata() or {}).get(_KEY, "{}"))
    except SafetensorError as error:
        raise WeightsError(f"{path.name} is no safetensors file, or a damaged one.") from error
    return tensors, about
