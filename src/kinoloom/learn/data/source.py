"""Sources of samples: a sample depends on the seed and its index alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kinoloom.errors import UsageError
from kinoloom.learn.seeds import generator
from kinoloom.learn.synthetic.scenes import Scene, SceneOptions, make_scene
from kinoloom.learn.synthetic.textures import Photos

_MIXTURE_STREAM, _SYNTHETIC_STREAM = 1, 2
"""Separate the random numbers of the choice of a source from those of synthetic scenes."""


@dataclass(frozen=True)
class FrameTriplet:
    """Three real frames.

    Attributes:
        frames: frame 0, the middle frame and frame 1, (H, W, 3) uint8 of equal size.
        time: of the middle frame, between 0 and 1.
        origin: file or folder of the frames, and the position in it.
    """

    frames: tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]
    time: float
    origin: str


class Source(Protocol):
    """Draws samples. It can be pickled, and draws the same samples in every process."""

    def draw(self, index: int, seed: int) -> FrameTriplet | Scene:
        """Draw the sample of an index, counted from 0, in a run with this seed.

        Raises:
            MediaError: a file cannot be read, or does not match.
        """


@dataclass(frozen=True)
class SyntheticSource:
    """Synthetic scenes built from photos.

    Attributes:
        photos: from which the layers are cut.
        options: of the scenes.
    """

    photos: Photos
    options: SceneOptions

    def draw(self, index: int, seed: int) -> Scene:
        """Draw a sample; see `Source.draw`."""
        return make_scene(self.photos, generator(seed, index, _SYNTHETIC_STREAM), self.options)


@dataclass(frozen=True)
class Mixture:
    """A mixture of sources; each sample is drawn from one of them.

    Attributes:
        sources: at least one.
        weights: relative frequency of each source.

    Raises:
        UsageError: no source is passed, weights are missing or negative, or their sum is 0.
    """

    sources: Sequence[Source]
    weights: Sequence[float]

    def __post_init__(self) -> None:
        matches = len(self.sources) == len(self.weights) > 0
        if not matches or min(self.weights) < 0 or not 0 < sum(self.weights) < np.inf:
            raise UsageError(
                f"{len(self.sources)} sources cannot be mixed with the weights {self.weights}.",
                hint="Pass one weight of at least 0 per source, with a positive sum.",
            )

    def draw(self, index: int, seed: int) -> FrameTriplet | Scene:
        """Draw a sample; see `Source.draw`."""
        cumulative = np.cumsum(self.weights) / sum(self.weights)
        chance = generator(seed, index, _MIXTURE_STREAM).random()
        chosen = int(np.searchsorted(cumulative, chance, side="right"))
        return self.sources[chosen].draw(index, seed)
