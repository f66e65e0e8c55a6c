"""The contract of an engine that makes frames between two.

An `Engine` is a light declaration (no heavy import); its `make` builds an `Interpolator`, which
does the work. Engines are found through the registry, kind "interpolators".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture
from kinoloom.motion.flow import Flow

Look = Literal["mean", "sharp"]
"""How a pixel is made of its guesses: of all of them, or rather of the best."""

ErrorMap = NDArray[np.float32]
"""(h, w) float32, on a grid of any size over a picture: how far its colours are likely to be off,
root mean square over them, where 1 is the whole brightness."""


@dataclass(frozen=True)
class EngineOptions:
    """What the user allows an engine.

    Attributes:
        memory_bytes: the most that the engine may hold at once; pictures too large for it are
            worked on in tiles.
        flow_scale: motion is estimated at this fraction of the picture's size, in (0, 1].
        weights: the user's own file of weights, or None to look in the usual place.
        look: of the new frames.
    """

    memory_bytes: int
    flow_scale: float = 1.0
    weights: Path | None = None
    look: Look = "mean"


class Interpolator(Protocol):
    """Makes frames between two pictures."""

    def between(self, first: Picture, second: Picture, times: Sequence[float]) -> Iterator[Picture]:
        """Yield one picture for each time, in the order given.

        What depends on the pair alone is computed once, when the first picture is asked for.

        Args:
            first, second: (H, W, C) of one shape and dtype, see `base.arrays`; where C is 4
                the last channel is alpha.
            times: each in the open interval (0, 1): 0 is `first`, 1 is `second`.

        Yields:
            (H, W, C) in the dtype of the inputs.
        """

    def between_with_errors(
        self, first: Picture, second: Picture, times: Sequence[float]
    ) -> Iterator[tuple[Picture, ErrorMap]] | None:
        """As `between`, each picture with its expected error; None if it cannot tell."""

    def flows(self, first: Picture, second: Picture) -> tuple[Flow, Flow] | None:
        """The motion from first to second and from second to first; None if it knows none."""


@dataclass(frozen=True)
class Engine:
    """Declares an engine.

    Attributes:
        name: as given to `--engine`.
        summary: one line.
        rank: `auto` takes the present engine of the highest rank that fits the memory.
        make: builds the interpolator; raises MissingError when something is absent.
        missing: called with the options; says what is absent and how to get it, or "".
        least_bytes: the least memory that it works in; `auto` passes over it below that.
        weights: called with the options; the file of weights that it will use, or None.
        looks: those that it knows.
    """

    name: str
    summary: str
    rank: int
    make: Callable[[EngineOptions], Interpolator]
    missing: Callable[[EngineOptions], str]
    least_bytes: int
    weights: Callable[[EngineOptions], Path | None] = lambda options: None
    looks: tuple[Look, ...] = ("mean",)


def other_weights(options: EngineOptions) -> str:
    """Why an engine whose own weights are ONNX cannot use those that are named; "" if it can.

    They are those of another engine, which `auto` then asks.
    """
    if options.weights is None or options.weights.suffix == ".onnx":
        return ""
    return f"{options.weights} is no .onnx file. Name one that `train film` made, or none."
