"""Sources of samples: what is drawn follows from a seed and an index alone."""

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

_WHICH, _MADE = 1, 2
"""Keep the random numbers of the choice of a source and of the sources themselves apart."""


@dataclass(frozen=True)
class Shot:
    """Three frames that were really taken.

    Attributes:
        frames: frame 0, the one between and frame 1, (H, W, 3) uint8 of one size.
        time: of the middle one, between 0 and 1.
        origin: the file or folder that it comes from, and where in it.
    """

    frames: tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]
    time: float
    origin: str


class Source(Protocol):
    """Draws samples; it can be sent to other processes, and gives the same ones there."""

    def draw(self, index: int, seed: int) -> Shot | Scene:
        """The sample of an index, from 0 on, in a training with this seed.

        Raises:
            MediaError: a file cannot be read, or does not fit.
        """


@dataclass(frozen=True)
class MadeSource:
    """Scenes made of photos.

    Attributes:
        photos: what layers are cut from.
        options: what is drawn.
    """

    photos: Photos
    options: SceneOptions

    def draw(self, index: int, seed: int) -> Scene:
        """See `Source.draw`."""
        return make_scene(self.photos, generator(seed, index, _MADE), self.options)


@dataclass(frozen=True)
class Mixture:
    """Several sources, of which each sample is drawn from one.

    Attributes:
        sources: at least one.
        weights: how often each is drawn from, as parts of their sum.

    Raises:
        UsageError: no source, not one weight for each, or weights that are not at least 0 with a
            sum above 0.
    """

    sources: Sequence[Source]
    weights: Sequence[float]

    def __post_init__(self) -> None:
        fits = len(self.sources) == len(self.weights) > 0
        if not fits or min(self.weights) < 0 or not 0 < sum(self.weights) < np.inf:
            raise UsageError(
                f"{len(self.sources)} sources cannot be mixed by the weights {self.weights}.",
                hint="Give each source one weight of at least 0, not all of them 0.",
            )

    def draw(self, index: int, seed: int) -> Shot | Scene:
        """See `Source.draw`."""
        parts = np.cumsum(self.weights) / sum(self.weights)
        chance = generator(seed, index, _WHICH).random()
        which = int(np.searchsorted(parts, chance, side="right"))
        return self.sources[which].draw(index, seed)
