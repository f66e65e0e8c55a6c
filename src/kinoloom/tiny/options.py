"""The options of training on a microcontroller."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kinoloom.base.options import option


@dataclass(frozen=True)
class ModelOptions:
    """What all of these may be told: the model, what is trained, and the memory."""

    inputs_file: Path | None = option(None, ".npy of inputs (N, C, H, W) to calibrate a .pt2 with")
    classes: int | None = option(None, "a new head for an int8 network of .npz", low=2, high=10_000)
    scheme: str = option("full", "full, head, last:N, a published scheme, or a scheme file")
    loss: Literal["cross-entropy", "square"] = option("cross-entropy", "what is minimised")
    rounding: Literal["stochastic", "residual"] = option("stochastic", "of updates of weights")
    budget: int = option(256 * 1024, "RAM for arena and trained tensors", unit="bytes")
    name: str = option("net", "prefix of the C names")


@dataclass(frozen=True)
class CompileOptions(ModelOptions):
    """What `tiny compile` may be told."""

    folder: Path = option(Path("device"), "new folder for model.h, model.c, main.c, Makefile")


@dataclass(frozen=True)
class ReportOptions(ModelOptions):
    """What `tiny report` may be told."""

    examples: Path | None = option(
        None, ".npz with x_test, y_test to score on, and x, y to draw curves of learning"
    )
    rate: float = option(0.03, "learning rate", low=0, high=1e6)
    epochs: int = option(3, "passes over the examples for the curves", low=1, high=1000)


@dataclass(frozen=True)
class SimulateOptions(ModelOptions):
    """What `tiny simulate` may be told."""

    steps: int = option(10, "training steps on the inputs of the example main", low=1, high=10**6)


@dataclass(frozen=True)
class SearchOptions(ModelOptions):
    """What `tiny search` may be told."""

    examples: Path | None = option(None, ".npz with x, y to learn from, x_test, y_test to score on")
    rate: float = option(0.03, "learning rate", low=0, high=1e6)
    epochs: int = option(1, "passes over the examples for each candidate", low=1, high=1000)
    method: Literal["exact", "evolution"] = option("exact", "of the search")
    scheme_file: Path = option(Path("scheme.txt"), "where the scheme is written")


@dataclass(frozen=True)
class FlashSizeOptions(ModelOptions):
    """What `tiny flash-size` may be told."""

    core: Literal["m3", "m4", "m7", "m33"] = option("m4", "the Cortex-M that it is built for")
