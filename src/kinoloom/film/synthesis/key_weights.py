"""Fusion weights of many frames of one pair, predicted at key times and interpolated between them.

A film of two photos has dozens of new frames, and between two of them the picture moves by a
fraction of a pixel. The fusion network, which takes half of the time of a frame, then predicts
nearly the same weights again and again. It runs at key times only, between which the picture moves
by at most four pixels; the images are moved and blended at each time as ever.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from kinoloom.motion.flow import Field

MAX_MOTION_PX = 4.0
"""Motion between two key times."""
_MAX_SPAN = 0.25
"""Time between two key times: the weights depend on the time, too."""
_MAX_HELD_KEYS = 4


def choose_key_times(times: Sequence[float], speed_px: float) -> list[float]:
    """Choose the key times among the times of the frames.

    Args:
        times: of the new frames, in any order.
        speed_px: the fastest motion from the first to the second image, in pixels.

    Returns:
        In ascending order, with the first and the last time.
    """
    ordered = sorted(set(times))
    span = min(_MAX_SPAN, MAX_MOTION_PX / max(speed_px, 1e-6))
    keys = ordered[:1]
    for time, following in pairwise(ordered[1:]):
        if following - keys[-1] > span:
            keys.append(time)
    return [*keys, *ordered[1:][-1:]]


class KeyWeights:
    """The weights of all tiles of a pair at any time between the first and the last key time.

    Args:
        keys: key times, ascending.
        predict: returns the weights (K, h, w) of a tile at a key time, by the number of the tile.
    """

    def __init__(self, keys: Sequence[float], predict: Callable[[float, int], Field]) -> None:
        self.keys = list(keys)
        self._predict = predict
        self._held: dict[tuple[int, int], Field] = {}
        self._lock = threading.Lock()
        self._locks: dict[tuple[int, int], threading.Lock] = {}

    def interpolate(self, time: float, tile: int) -> Field:
        """Return the weights of a tile at a time; those of a key time are as predicted."""
        index = min(max(bisect_right(self.keys, time) - 1, 0), len(self.keys) - 1)
        before = self._get(index, tile)
        if self.keys[index] >= time or index + 1 == len(self.keys):
            return before
        share = np.float32((time - self.keys[index]) / (self.keys[index + 1] - self.keys[index]))
        return before + share * (self._get(index + 1, tile) - before)

    def _get(self, index: int, tile: int) -> Field:
        """Return the weights at a key time, predicted by the first thread that asks."""
        place = index, tile
        with self._lock:
            own = self._locks.setdefault(place, threading.Lock())
        with own:
            if place not in self._held:
                weights = self._predict(self.keys[index], tile)
                with self._lock:
                    self._held[place] = weights
                    self._forget(index)
            return self._held[place]

    def _forget(self, newest: int) -> None:
        """Drop the weights of key times that are far from the newest one."""
        for place in [key for key in self._held if abs(key[0] - newest) >= _MAX_HELD_KEYS]:
            del self._held[place]
