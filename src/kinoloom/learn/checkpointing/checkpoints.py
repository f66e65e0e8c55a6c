"""Checkpoints: the complete state of a training run in one file, for an exact resume.

A checkpoint contains plain values and tensors and is read with weights_only, so that no code runs.
It contains no random state, because every step seeds its own generators (see `seeds`).
"""

from __future__ import annotations

import io
import pickle
import re
import zipfile
from pathlib import Path
from typing import Any

import torch

from kinoloom.base.outputs import atomic_output
from kinoloom.errors import UsageError, WeightsError
from kinoloom.learn.settings import find_difference

_FORMAT = 1
_OLD_KEYS = {"made scenes": "synthetic scenes"}  # in the records of version 0.1
_NAME = re.compile(r"step-(\d{9})\.pt")


def save(folder: Path, state: dict[str, Any], keep: int) -> Path:
    """Write the state after `state["step"]` steps, then keep only the latest `keep` checkpoints.

    Raises:
        OutputError: the file cannot be written; older checkpoints are unchanged.
    """
    path = folder / f"step-{state['step']:09d}.pt"
    buffer = io.BytesIO()
    torch.save({"kinoloom_checkpoint": _FORMAT, **state}, buffer)
    with atomic_output(path, overwrite=True) as temporary:
        temporary.write_bytes(buffer.getbuffer())
    for old in sorted(_list_steps(folder))[:-keep]:
        (folder / f"step-{old:09d}.pt").unlink()
    return path


def find_latest(folder: Path) -> Path | None:
    """Return the checkpoint with the most steps in a folder, or None."""
    steps = _list_steps(folder)
    return folder / f"step-{max(steps):09d}.pt" if steps else None


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU.

    Raises:
        WeightsError: the file is damaged, or is not a checkpoint of this version.
    """
    hint = f"Remove {path.name} to resume from the checkpoint before it."
    if not zipfile.is_zipfile(path):
        raise WeightsError(f"{path.name} is damaged, or is not a checkpoint.", hint=hint)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise WeightsError(f"{path.name} is damaged, or is not a checkpoint.", hint=hint) from error
    if not isinstance(state, dict) or state.get("kinoloom_checkpoint") != _FORMAT:
        raise WeightsError(f"{path.name} is not a checkpoint of this version.", hint=hint)
    return {**state, "record": _rename_old_keys(state.get("record", {}))}


def check_compatible(path: Path, state: dict[str, Any], **current: dict[str, Any]) -> None:
    """Check that a checkpoint belongs to a run with these settings and this record.

    Args:
        path: of the checkpoint.
        state: its content.
        **current: "settings" and "record" as plain values.

    Raises:
        UsageError: a value differs; the message names the first one.
    """
    for kind, values in current.items():
        if difference := find_difference(state[kind], values):
            raise UsageError(
                f"{path.parent.parent.name} contains a run with other {kind}: {difference}.",
                hint=f"Use the same {kind}, or choose another folder.",
            )


def _rename_old_keys(values: Any) -> Any:
    if not isinstance(values, dict):
        return values
    return {_OLD_KEYS.get(key, key): _rename_old_keys(value) for key, value in values.items()}


def _list_steps(folder: Path) -> list[int]:
    matches = (_NAME.fullmatch(path.name) for path in folder.glob("step-*.pt"))
    return [int(match[1]) for match in matches if match]
