"""Fusion weights of the frames of one pair, predicted at key times and blended between them.

A film of two photos has dozens of new frames, between which the weights change little. The fusion
network, which takes longer than the rest of a frame, runs at key times only. Everything else is
computed for each frame: motion blended between key times would be wrong at motion borders.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.motion.flow import Field

MAX_MOTION_PX = 16.0
"""Motion between two key times."""
MAX_SPAN = 0.26
"""Time between two key times: the weights depend on the time, too."""
MIN_SPAN = 0.1
"""On motion that is too fast for `MAX_MOTION_PX`: the network is unreliable there in any case."""
HELD_KEYS = 3
"""Two frames that are rendered at once use at most three key times."""

FusionWeights = NDArray[np.uint8]
"""(2, S, H, W): the weights of the first and of the second image for each source, times 255."""


def choose_key_times(times: Sequence[float], speed_px: float) -> list[float]:
    """Choose the key times among the times of the frames.

    Args:
        times: of the new frames, in any order.
        speed_px: the fastest motion from the first to the second image, in pixels.

    Returns:
        In ascending order, with the first and the last time.
    """
    ordered = sorted(set(times))
    if len(ordered) < 3:
        return ordered
    span = min(MAX_SPAN, max(MIN_SPAN, MAX_MOTION_PX / max(speed_px, 1e-6)))
    places = np.linspace(ordered[0], ordered[-1], ceil((ordered[-1] - ordered[0]) / span) + 1)
    nearest = {int(np.abs(np.array(ordered) - place).argmin()) for place in places}
    return [ordered[k] for k in sorted(nearest | {0, len(ordered) - 1})]


@dataclass(frozen=True)
class BlendedWeights:
    """The weights at any time.

    Attributes:
        before, after: the weights at the key times around it.
        share: of those after.
    """

    before: FusionWeights
    after: FusionWeights
    share: float

    def read(self, source: int, side: int, rows: slice) -> Field:
        """Return the weights of an image in some rows, (rows, W) in 0..255."""
        one, other = (each[side, source, rows] for each in (self.before, self.after))
        blended = cv2.addWeighted(one, 1 - self.share, other, self.share, 0, dtype=cv2.CV_32F)
        return np.asarray(blended, np.float32)


class KeyWeights:
    """The weights of a pair at any time between the first and the last key time.

    Args:
        keys: key times, ascending.
        predict: returns the weights at a key time.
    """

    def __init__(self, keys: Sequence[float], predict: Callable[[float], FusionWeights]) -> None:
        self.keys = list(keys)
        self._predict = predict
        self._held: dict[int, FusionWeights] = {}
        self._lock = threading.Lock()
        self._locks = [threading.Lock() for _ in keys]

    def blend(self, time: float) -> BlendedWeights:
        """Return the weights at a time; those of a key time are as predicted."""
        index = min(max(bisect_right(self.keys, time) - 1, 0), len(self.keys) - 1)
        if self.keys[index] >= time or index + 1 == len(self.keys):
            weights = self._get(index)
            return BlendedWeights(weights, weights, 0.0)
        # Two threads that start at one key time predict for different ones first.
        order = (index + 1, index) if self._locks[index].locked() else (index, index + 1)
        found = {each: self._get(each) for each in order}
        share = (time - self.keys[index]) / (self.keys[index + 1] - self.keys[index])
        return BlendedWeights(found[index], found[index + 1], share)

    def _get(self, index: int) -> FusionWeights:
        """Return the weights at a key time, predicted by the first thread that asks."""
        with self._locks[index]:
            with self._lock:
                weights = self._held.get(index)
            if weights is None:
                weights = self._predict(self.keys[index])
                with self._lock:
                    self._held[index] = weights
                    for far in [each for each in self._held if abs(each - index) >= HELD_KEYS]:
                        del self._held[far]
            return weights
