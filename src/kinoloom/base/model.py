"""ModelCard: what a model is, what it expects, what it was made of, how good it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class ModelCard:
    """Describes one model and the contract that its runtime keeps.

    Attributes:
        name: as given to `--engine` and `kinoloom models`.
        task: the op it serves.
        summary: one line.
        source: the publication or repository it implements.
        licence: SPDX identifier of the weights, or of the method where there are none.
        weights: "none" (it has none), "shipped" (in this package) or "user" (brought by the user).
        file: path of shipped weights, else None.
        sha256: of shipped weights, else "".
        parameters: how many numbers were learned.
        size_multiple: height and width are padded to a multiple of this inside.
        trained_on: the data, in words; "" where nothing was trained.
        figures: measured qualities by name, as committed results say.
        limits: known failures, one sentence each.
    """

    name: str
    task: str
    summary: str
    source: str
    licence: str
    weights: Literal["none", "shipped", "user"] = "none"
    file: Path | None = None
    sha256: str = ""
    parameters: int = 0
    size_multiple: int = 1
    trained_on: str = ""
    figures: dict[str, float] = field(default_factory=dict)
    limits: tuple[str, ...] = ()
