"""Checkpoints: the whole state of a training in one file, from which it goes on exactly.

A checkpoint holds plain values and tensors, and is read with weights_only, so no code runs.
Random states are not in it: every step sets its own (see `seeds`).
"""

from __future__ import annotations

import io
import pickle
import re
import zipfile
from pathlib import Path
from typing import Any

import torch

from kinoloom.errors import UsageError, WeightsError
from kinoloom.learn.checkpointing.atomic_files import write_durably
from kinoloom.learn.settings import first_difference

FORM = 1
_NAME = re.compile(r"step-(\d{9})\.pt")


def save(folder: Path, state: dict[str, Any], keep: int) -> Path:
    """Write the state after `state["step"]` steps, then remove all but the newest `keep`.

    Raises:
        OutputError: it cannot be written; older checkpoints are untouched.
    """
    path = folder / f"step-{state['step']:09d}.pt"
    buffer = io.BytesIO()
    torch.save({"kinoloom_checkpoint": FORM, **state}, buffer)

    def write(temporary: Path) -> None:
        temporary.write_bytes(buffer.getbuffer())

    write_durably(path, write)
    for old in sorted(_all(folder))[:-keep]:
        (folder / f"step-{old:09d}.pt").unlink()
    return path


def newest(folder: Path) -> Path | None:
    """The checkpoint with the most steps in a folder."""
    steps = _all(folder)
    return folder / f"step-{max(steps):09d}.pt" if steps else None


def load(path: Path) -> dict[str, Any]:
    """Read a checkpoint, onto the CPU.

    Raises:
        WeightsError: it is damaged, or no checkpoint of a training.
    """
    hint = f"Remove {path.name} to go on from the one before it."
    if not zipfile.is_zipfile(path):
        raise WeightsError(f"{path.name} is damaged or no checkpoint.", hint=hint)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise WeightsError(f"{path.name} is damaged or no checkpoint.", hint=hint) from error
    if not isinstance(state, dict) or state.get("kinoloom_checkpoint") != FORM:
        raise WeightsError(f"{path.name} is no checkpoint of this version.", hint=hint)
    return state


def check_same(path: Path, state: dict[str, Any], **now: dict[str, Any]) -> None:
    """See that a checkpoint was made with what decides the result now.

    Args:
        path: of the checkpoint.
        state: what it holds.
        **now: "settings" and "record" as plain values.

    Raises:
        UsageError: something differs; names the first thing that does.
    """
    for kind, values in now.items():
        if different := first_difference(state[kind], values):
            raise UsageError(
                f"{path.parent.parent.name} holds a training with other {kind}: {different}.",
                hint="Go on with the same, or choose another folder.",
            )


def _all(folder: Path) -> list[int]:
    matches = (_NAME.fullmatch(path.name) for path in folder.glob("step-*.pt"))
    return [int(match[1]) for match in matches if match]
