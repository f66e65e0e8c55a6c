"""Engines: the contract of everything that interpolates frames between two images.

An `Engine` is a light declaration without heavy imports; its `build` returns an `Interpolator`,
which does the work. Engines are found through the registry, kind "interpolators".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture
from kinoloom.base.model import ModelCard
from kinoloom.motion.camera import Homography
from kinoloom.motion.flow import Flow
from kinoloom.runtime.models import find_weights

ErrorMap = NDArray[np.float32]
"""(h, w) float32: the estimated root mean square error of a frame's colours, where 1 is full
scale. The grid covers the frame and may have any size."""

NewFrames = Iterator[tuple[Picture, ErrorMap | None]]
"""New frames with their error estimates; None where an engine cannot estimate its errors."""


class PictureFormat(NamedTuple):
    """The format of the pictures that an engine receives.

    Attributes:
        height, width: in pixels.
        channels: 3, or 4 with alpha.
        itemsize: bytes of a sample.
    """

    height: int
    width: int
    channels: int
    itemsize: int

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return self.height * self.width

    @property
    def nbytes(self) -> int:
        """Bytes of a picture."""
        return self.pixels * self.channels * self.itemsize


@dataclass(frozen=True)
class EngineOptions:
    """The limits and choices that a user sets for an engine.

    Attributes:
        memory_bytes: upper limit of the memory that the engine holds at once; larger images are
            processed in tiles.
        flow_scale: motion is estimated at this fraction of the image size, in (0, 1].
        weights: user-supplied weight file, or None for the default location.
    """

    memory_bytes: int
    flow_scale: float = 1.0
    weights: Path | None = None


class Interpolator(Protocol):
    """Interpolates frames between two images."""

    def interpolate(self, first: Picture, second: Picture, times: Sequence[float]) -> NewFrames:
        """Yield one frame per time, in the given order, with its error estimate.

        Whatever depends only on the pair is computed once, when the first frame is requested.

        Args:
            first, second: (H, W, C) of one shape and dtype, see `base.arrays`; with C = 4 the
                last channel is alpha.
            times: each in the open interval (0, 1): 0 is `first`, 1 is `second`. Previews add
                times between two frames: take them one by one, each when its frame is requested.

        Yields:
            The frame, (H, W, C) in the dtype of the inputs, and its error map.
        """

    def estimate_flow(self, first: Picture, second: Picture) -> tuple[Flow, Flow] | None:
        """Return the flow from first to second and the flow back; None if there is none."""


@dataclass(frozen=True, eq=False)
class PairOfPhotos:
    """What is known about a pair of photos before it is interpolated.

    Attributes:
        camera: maps pixels of the first photo to the second; None if there is no such motion.
        times: of all new frames of the pair in the film. A film that is resumed asks for the last
            of them only, and gets the same frames.
    """

    camera: Homography | None
    times: tuple[float, ...]


@runtime_checkable
class PhotoInterpolator(Interpolator, Protocol):
    """An interpolator that uses what is known about a pair of photos."""

    def interpolate_photos(
        self, first: Picture, second: Picture, times: Sequence[float], pair: PairOfPhotos
    ) -> NewFrames:
        """Yield frames as `interpolate` does.

        Args:
            first, second: see `interpolate`.
            times: some of those of the pair.
            pair: what is known about it.
        """


@dataclass(frozen=True)
class Engine:
    """The declaration of an engine.

    Attributes:
        name: its name in `--engine`.
        summary: one line.
        rank: `auto` selects the available engine of the highest rank that fits in memory.
        build: constructs the interpolator; raises MissingError if a requirement is missing.
        missing: returns what is missing and how to get it, or "" if nothing is.
        min_memory_bytes: the least memory that it needs; below, `auto` skips it.
        estimate_memory: returns the least memory that it needs for pictures of a format; None
            adds three pictures to `min_memory_bytes`.
        weights: returns the weight file that it uses, or None.
    """

    name: str
    summary: str
    rank: int
    build: Callable[[EngineOptions], Interpolator]
    missing: Callable[[EngineOptions], str]
    min_memory_bytes: int
    weights: Callable[[EngineOptions], Path | None] = lambda options: None
    estimate_memory: Callable[[PictureFormat, EngineOptions], int] | None = None

    def least_bytes(self, pictures: PictureFormat, options: EngineOptions) -> int:
        """Return the least memory that it needs for pictures of a format, in bytes."""
        if self.estimate_memory is not None:
            return self.estimate_memory(pictures, options)
        return self.min_memory_bytes + 3 * pictures.nbytes


def find_weights_file(card: ModelCard, options: EngineOptions) -> Path | None:
    """Return the weight file that an engine uses, or None if it is missing."""
    found = find_weights(card, options.weights)
    return found.path if found is not None else None
