"""Options of the ops for training on a microcontroller."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kinoloom.base.options import option


@dataclass(frozen=True)
class ModelOptions:
    """Options that all ops share: the model, the trained part and the memory budget."""

    calibration: Path | None = option(
        None,
        "Calibration inputs for a .pt2 model: a .npy array (N, C, H, W)",
        metavar="FILE",
        formerly="inputs-file",
    )
    classes: int | None = option(
        None, "Number of classes of a new head for a .npz model", low=2, high=10_000
    )
    scheme: str = option(
        "full",
        "Update scheme: full, head, last:N, the name of a published scheme, or a scheme file",
        metavar="SCHEME",
    )
    loss: Literal["cross-entropy", "mse"] = option("cross-entropy", "Loss function")
    rounding: Literal["stochastic", "residual"] = option(
        "stochastic", "Rounding of int8 weight updates"
    )
    budget: int = option(256 * 1024, "RAM budget for arena and trained tensors", unit="bytes")
    name: str = option("net", "Prefix of the C names", metavar="NAME")


@dataclass(frozen=True)
class CompileOptions(ModelOptions):
    """Options of `tiny compile`."""

    out: Path = option(Path("device"), "Project folder to create", metavar="DIR", formerly="folder")


@dataclass(frozen=True)
class ReportOptions(ModelOptions):
    """Options of `tiny report`."""

    examples: Path | None = option(
        None,
        "Labelled examples: .npz with x_test, y_test for accuracy, and x, y for learning curves",
        metavar="FILE",
    )
    learning_rate: float = option(
        0.03, "Learning rate of the learning curves", low=0, high=1e6, formerly="rate"
    )
    epochs: int = option(3, "Epochs of the learning curves", low=1, high=1000)


@dataclass(frozen=True)
class SimulateOptions(ModelOptions):
    """Options of `tiny simulate`."""

    steps: int = option(10, "Training steps of the example main", low=1, high=10**6)


@dataclass(frozen=True)
class SearchOptions(ModelOptions):
    """Options of `tiny search`."""

    examples: Path | None = option(
        None, "Labelled examples: .npz with x, y, x_test and y_test", metavar="FILE"
    )
    learning_rate: float = option(
        0.03, "Learning rate of each candidate", low=0, high=1e6, formerly="rate"
    )
    epochs: int = option(1, "Training epochs of each candidate", low=1, high=1000)
    repeats: int = option(
        3, "Trainings of each candidate, with different seeds", low=2, high=100, metavar="N"
    )
    method: Literal["exact", "evolution"] = option("exact", "Search method")
    scheme_file: Path = option(Path("scheme.txt"), "Scheme file to create", metavar="FILE")


@dataclass(frozen=True)
class FlashSizeOptions(ModelOptions):
    """Options of `tiny flash-size`."""

    core: Literal["m3", "m4", "m7", "m33"] = option("m4", "Cortex-M core to build for")
