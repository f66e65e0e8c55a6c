"""Pairs of source pictures that are kept, so that another frame between them costs little.

Most of a new frame's work depends on its pair only: the motion, the camera, the exposure. An engine
does it once for all times that it is given. Here it is given times that are requested one by one,
in any order, and waits between them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple, overload

import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.base.machine import available_bytes
from kinoloom.film.engine import ErrorMap, Interpolator, NewFrames
from kinoloom.motion.flow import Flow

_COLORS = 3
_HELD_SHARE = 4
"""Pairs are kept up to this part of the available memory."""


class RequestedTimes(Sequence[float]):
    """Times that are added while an engine renders the frames of earlier ones.

    The length is 1, so that no engine prepares frames in advance.

    Args:
        first: the first time.

    Attributes:
        is_closed: whether a reader came to the end: it takes no times that are added later.
    """

    def __init__(self, first: float) -> None:
        self._times = [first]
        self.is_closed = False

    def add(self, time: float) -> None:
        """Add a time."""
        self._times.append(time)

    def __len__(self) -> int:
        return 1

    @overload
    def __getitem__(self, index: int) -> float: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[float]: ...
    def __getitem__(self, index: int | slice) -> float | Sequence[float]:
        self.is_closed = True
        return self._times[:1][index]

    def __iter__(self) -> Iterator[float]:
        place = 0
        while place < len(self._times):
            yield self._times[place]
            place += 1
        self.is_closed = True


class NewFrame(NamedTuple):
    """A new frame and the estimate of its error, None if the engine has none."""

    picture: Picture
    error: ErrorMap | None


class SourcePair:
    """Two source pictures and the new frames between them.

    Args:
        first, second: (H, W, C) of one shape and dtype.
        interpolate: yields the new frames at times; None if there is a scene cut between them.
        engine: estimates the motion that is drawn.
    """

    def __init__(
        self,
        first: Picture,
        second: Picture,
        interpolate: Callable[[Sequence[float]], NewFrames] | None,
        engine: Interpolator,
    ) -> None:
        self.first, self.second = first, second
        self._interpolate, self._engine = interpolate, engine
        self._times: RequestedTimes | None = None
        self._frames: NewFrames = iter(())
        self._newest: tuple[Fraction, NewFrame] | None = None
        self._flow: tuple[Flow, Flow] | None = None

    @property
    def is_continuous(self) -> bool:
        """Whether new frames are interpolated."""
        return self._interpolate is not None

    def render(self, position: Fraction) -> NewFrame:
        """Return the frame at a position in [0, 1]; a source picture has no error estimate."""
        if position == 1:
            return NewFrame(self.second, None)
        if position == 0 or self._interpolate is None:
            return NewFrame(self.first, None)
        if self._newest is None or self._newest[0] != position:
            self._newest = position, self._render_new(self._interpolate, float(position))
        return self._newest[1]

    def estimate_flow(self) -> tuple[Flow, Flow] | None:
        """Return the flow between the colours of both pictures; None if the engine has none."""
        if self._flow is None:
            colors = (np.ascontiguousarray(one[..., :_COLORS]) for one in (self.first, self.second))
            self._flow = self._engine.estimate_flow(*colors)
        return self._flow

    def _render_new(
        self, interpolate: Callable[[Sequence[float]], NewFrames], time: float
    ) -> NewFrame:
        if self._times is None or self._times.is_closed:
            self._times = RequestedTimes(time)
            self._frames = interpolate(self._times)
        else:
            self._times.add(time)
        try:
            return NewFrame(*next(self._frames))
        except BaseException:
            self._times = None  # what has failed or was interrupted yields no more frames
            raise


class HeldPairs:
    """The pairs that were used last, within a part of the available memory.

    Args:
        limit_bytes: of all pairs together; None for a quarter of the available memory.
    """

    def __init__(self, limit_bytes: int | None = None) -> None:
        self._limit_bytes = limit_bytes
        self._held: OrderedDict[object, tuple[SourcePair, int]] = OrderedDict()

    def get(self, key: object, build: Callable[[], SourcePair], nbytes: int) -> SourcePair:
        """Return a pair, built if it is not held; the newest is held in any case.

        Args:
            key: identifies it.
            build: returns it.
            nbytes: of memory that it needs.
        """
        if key not in self._held:
            limit = self._limit_bytes or available_bytes() // _HELD_SHARE
            while self._held and nbytes + self._count_bytes() > limit:
                self._held.popitem(last=False)
            self._held[key] = build(), nbytes
        self._held.move_to_end(key)
        return self._held[key][0]

    def clear(self) -> None:
        """Forget all pairs."""
        self._held.clear()

    def _count_bytes(self) -> int:
        return sum(nbytes for _, nbytes in self._held.values())
