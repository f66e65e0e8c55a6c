"""Logs of a training run: JSON lines, TensorBoard, images.

    log.jsonl     one object per line: "kind" is "train" or "validation", "step" the number of steps
                  done; values that are not finite are null
    tensorboard/  the same for TensorBoard, if enabled
    samples/      images, named by step

A resume from a checkpoint removes the log lines after it.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.need import need
from kinoloom.base.outputs import atomic_output, name_output_errors, write_text_atomically
from kinoloom.base.provenance import to_jsonable
from kinoloom.errors import ArrayError


class LogWriter:
    """Writes the logs of a run; a context manager."""

    def __init__(self, folder: Path, done: int, *, tensorboard: bool) -> None:
        """Open the logs of a run after `done` steps."""
        self.folder = folder
        self.path = folder / "log.jsonl"
        self._truncate(done)
        with name_output_errors(folder):
            (folder / "samples").mkdir(exist_ok=True)
        self.tensorboard_writer: Any = None
        if tensorboard:
            writer = need("tensorboardX", extra="train").SummaryWriter
            self.tensorboard_writer = writer(str(folder / "tensorboard"), purge_step=done + 1)

    def __enter__(self) -> LogWriter:
        return self

    def __exit__(self, *_: object) -> None:
        if self.tensorboard_writer is not None:
            self.tensorboard_writer.close()

    def write(self, kind: str, step: int, values: Mapping[str, Any]) -> None:
        """Append a line.

        Raises:
            OutputError: the file cannot be written.
        """
        line = json.dumps(to_jsonable({"kind": kind, "step": step, **values}))
        with name_output_errors(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
        if self.tensorboard_writer is not None:
            for name, value in _flatten(kind, values).items():
                self.tensorboard_writer.add_scalar(name, value, step)
            self.tensorboard_writer.flush()

    def write_images(self, step: int, images: Mapping[str, NDArray[Any]]) -> None:
        """Write images (H, W, 3) uint8.

        Raises:
            ArrayError: an image has another shape or dtype.
            OutputError: a file cannot be written.
        """
        from PIL import Image

        for name, image in images.items():
            if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
                raise ArrayError(
                    f"The sample '{name}' is {image.dtype} {image.shape}; "
                    "expected uint8 (height, width, 3)."
                )
            path = self.folder / "samples" / f"{name}-{step:09d}.png"
            encoded = io.BytesIO()  # in memory: Pillow's error on a full disk has no errno
            Image.fromarray(image).save(encoded, "PNG")
            with atomic_output(path, overwrite=True) as temporary:
                temporary.write_bytes(encoded.getbuffer())
            if self.tensorboard_writer is not None:
                self.tensorboard_writer.add_image(name, image, step, dataformats="HWC")

    def _truncate(self, done: int) -> None:
        """Remove the lines after a step, and damaged lines at the end."""
        if not self.path.exists():
            return
        kept = []
        for line in self.path.read_text("utf-8", "replace").splitlines(keepends=True):
            if not line.endswith("\n") or done == 0 or _read_step(line) > done:
                break
            kept.append(line)
        write_text_atomically(self.path, "".join(kept))


def _read_step(line: str) -> float:
    """Return the step of a line; infinity if it is damaged."""
    try:
        return int(json.loads(line)["step"])
    except (ValueError, LookupError, TypeError):
        return float("inf")


def read_log(folder: Path) -> list[dict[str, Any]]:
    """Return all lines of a run's log."""
    text = (folder / "log.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def _flatten(prefix: str, values: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers by path, as in {"train/terms/l1": 0.1}."""
    numbers: dict[str, float] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            numbers |= _flatten(f"{prefix}/{name}", value)
        elif isinstance(value, (int, float)):
            numbers[f"{prefix}/{name}"] = float(value)
    return numbers
