"""States of a pair at key times, and between them.

A film of two photos has dozens of new frames, between which the motion candidates, their weights
and the fusion weights change little. They are computed at key times only and blended linearly in
between; the images are moved and blended at each time as ever. Nothing is moved between key times:
on the development sets that gains nothing, and on fast motion it loses a few hundredths of a
decibel.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.film.engine import ErrorMap
from kinoloom.film.synthesis.candidates import Candidate
from kinoloom.film.synthesis.warping import MotionSource
from kinoloom.motion.flow import Field

MAX_MOTION_PX = 24.0
"""Motion between two key times."""
MAX_SPAN = 0.35
"""Time between two key times: the weights depend on the time, too."""
MIN_SPAN = 0.1
"""On motion that is too fast for `MAX_MOTION_PX`: the networks are unreliable there in any case."""
HELD_STATES = 3
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
class KeyState:
    """What is known at a key time.

    Attributes:
        sources: the motion sources.
        error: the error estimate of the frame.
        weights: the fusion weights, or None for a single source.
    """

    sources: list[MotionSource]
    error: ErrorMap
    weights: FusionWeights | None = None


@dataclass(frozen=True)
class BlendedState:
    """The state at any time.

    Attributes:
        sources, error: see `KeyState`.
        ends: the states at the key times before and after; None stands for the same.
        share: of the state after.
    """

    sources: list[MotionSource]
    error: ErrorMap
    ends: tuple[KeyState, KeyState | None]
    share: float = 0.0

    @property
    def has_weights(self) -> bool:
        """Whether there are fusion weights."""
        return self.ends[0].weights is not None

    def read_weights(self, source: int, side: int, rows: slice) -> Field:
        """Return the fusion weights of an image in some rows, (rows, W) in 0..255."""
        before, after = self.ends
        one = _select(before, source, side, rows)
        if after is None:
            return one.astype(np.float32)
        other = _select(after, source, side, rows)
        return np.asarray(
            cv2.addWeighted(one, 1 - self.share, other, self.share, 0, dtype=cv2.CV_32F), np.float32
        )


class KeyStates:
    """The states of a pair at any time between the first and the last key time.

    Args:
        keys: key times, ascending.
        compute: returns the state at a key time.
    """

    def __init__(self, keys: Sequence[float], compute: Callable[[float], KeyState]) -> None:
        self.keys = list(keys)
        self._compute = compute
        self._held: dict[int, KeyState] = {}
        self._lock = threading.Lock()
        self._locks = [threading.Lock() for _ in keys]

    def blend(self, time: float) -> BlendedState:
        """Return the state at a time; at a key time, it is as computed."""
        index = min(max(bisect_right(self.keys, time) - 1, 0), len(self.keys) - 1)
        if self.keys[index] >= time or index + 1 == len(self.keys):
            state = self._get(index)
            return BlendedState(state.sources, state.error, (state, None))
        # Two threads that start at one key time compute different states first.
        order = (index + 1, index) if self._locks[index].locked() else (index, index + 1)
        states = {each: self._get(each) for each in order}
        share = (time - self.keys[index]) / (self.keys[index + 1] - self.keys[index])
        return _blend_states(states[index], states[index + 1], share)

    def _get(self, index: int) -> KeyState:
        """Return the state at a key time, computed by the first thread that asks."""
        with self._locks[index]:
            with self._lock:
                state = self._held.get(index)
            if state is None:
                state = self._compute(self.keys[index])
                with self._lock:
                    self._held[index] = state
                    for far in [each for each in self._held if abs(each - index) >= HELD_STATES]:
                        del self._held[far]
            return state


def _select(state: KeyState, source: int, side: int, rows: slice) -> NDArray[np.uint8]:
    if state.weights is None:
        raise ValueError("A single source has no fusion weights.")
    return state.weights[side, source, rows]


def _blend_states(before: KeyState, after: KeyState, share: float) -> BlendedState:
    blended: dict[int, list[Candidate]] = {}  # sources may share their candidates
    sources = []
    for one, other in zip(before.sources, after.sources, strict=True):
        key = id(one.candidates)
        if key not in blended:
            pairs = zip(one.candidates, other.candidates, strict=True)
            blended[key] = [_blend_candidates(*each, share) for each in pairs]
        sources.append(replace(one, candidates=blended[key]))
    error = _blend_fields(before.error, after.error, share)
    return BlendedState(sources, error, (before, after), share)


def _blend_candidates(one: Candidate, other: Candidate, share: float) -> Candidate:
    return Candidate(
        _blend_fields(one.motion, other.motion, share),
        _blend_fields(one.weights, other.weights, share),
    )


def _blend_fields(one: Field, other: Field, share: float) -> Field:
    if one is other:
        return one
    return np.asarray(cv2.addWeighted(one, 1 - share, other, share, 0), np.float32)
