"""Step: the contract of all degradation steps.

A step is a frozen dataclass of parameters, all plain values, so that it can be stored and replayed.
It maps (H, W, 3) float32 RGB, gamma-encoded, nominally in 0..1, to another such picture. Filters
may exceed 0..1; the steps that follow clip where the real process does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
GREY = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in grey, of ITU-R BT.601."""


@dataclass(frozen=True)
class Surroundings:
    """What a step knows beyond the picture.

    Attributes:
        output: height and width of the result of the whole recipe, in pixels.
        rng: of this step in this frame.
    """

    output: tuple[int, int]
    rng: np.random.Generator


class Step(ABC):
    """A degradation step; a subclass is a frozen dataclass."""

    @abstractmethod
    def apply(self, image: Floats, surroundings: Surroundings) -> Floats:
        """Return the degraded picture; `image` is not changed."""


def to_grey(image: Floats) -> Floats:
    """Return the grey picture (H, W) of an RGB picture."""
    return np.asarray(image @ np.asarray(GREY, np.float32), np.float32)


def clip(image: NDArray[Any]) -> Floats:
    """Return the picture as float32, clipped to 0..1."""
    return np.asarray(np.clip(image, 0, 1), np.float32)
