"""Logs of a training: lines of JSON, TensorBoard, pictures.

    log.jsonl     one object a line: "kind" is "train" or "validation", "step" how many steps were
                  done; numbers that are not finite are null
    tensorboard/  the same for TensorBoard, where asked for
    samples/      pictures, named by the step

When a training goes on from a checkpoint, what was logged after it is taken back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.need import need
from kinoloom.base.outputs import naming_output
from kinoloom.base.provenance import to_jsonable
from kinoloom.errors import ArrayError
from kinoloom.learn.checkpointing.atomic_files import write_text_durably


class Logs:
    """Writes into the folder of a training; use it in a `with` block."""

    def __init__(self, folder: Path, done: int, *, tensorboard: bool) -> None:
        """Open the logs of a training that has `done` steps behind it."""
        self.folder = folder
        self.path = folder / "log.jsonl"
        self._take_back(done)
        (folder / "samples").mkdir(exist_ok=True)
        self.board: Any = None
        if tensorboard:
            writer = need("tensorboardX", extra="train").SummaryWriter
            self.board = writer(str(folder / "tensorboard"), purge_step=done + 1)

    def __enter__(self) -> Logs:
        return self

    def __exit__(self, *_: object) -> None:
        if self.board is not None:
            self.board.close()

    def write(self, kind: str, step: int, values: Mapping[str, Any]) -> None:
        """Add a line.

        Raises:
            OutputError: it cannot be written.
        """
        line = json.dumps(to_jsonable({"kind": kind, "step": step, **values}))
        with naming_output(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        if self.board is not None:
            for name, value in _flat(kind, values).items():
                self.board.add_scalar(name, value, step)
            self.board.flush()

    def show(self, step: int, pictures: Mapping[str, NDArray[Any]]) -> None:
        """Keep pictures (H, W, 3) uint8.

        Raises:
            ArrayError: one has another shape or type.
            OutputError: one cannot be written.
        """
        from PIL import Image

        for name, picture in pictures.items():
            if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
                raise ArrayError(
                    f"The sample '{name}' is {picture.dtype} {picture.shape}; "
                    "expected uint8 (height, width, 3)."
                )
            path = self.folder / "samples" / f"{name}-{step:09d}.png"
            with naming_output(path):
                Image.fromarray(picture).save(path)
            if self.board is not None:
                self.board.add_image(name, picture, step, dataformats="HWC")

    def _take_back(self, done: int) -> None:
        """Drop the lines after a step, and one that was cut off."""
        if not self.path.exists():
            return
        kept = []
        for line in self.path.read_text(encoding="utf-8").splitlines(keepends=True):
            if not line.endswith("\n") or done == 0 or json.loads(line)["step"] > done:
                break
            kept.append(line)
        write_text_durably(self.path, "".join(kept))


def read_log(folder: Path) -> list[dict[str, Any]]:
    """All lines of the log of a training."""
    text = (folder / "log.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def _flat(prefix: str, values: Mapping[str, Any]) -> dict[str, float]:
    """Numbers by path: {"train/terms/l1": 0.1}."""
    found: dict[str, float] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= _flat(f"{prefix}/{name}", value)
        elif isinstance(value, (int, float)):
            found[f"{prefix}/{name}"] = float(value)
    return found
