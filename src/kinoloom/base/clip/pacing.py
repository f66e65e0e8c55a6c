"""Pacing: whether a stream keeps up with its own times.

The writer of a stream reports how long it waited for each frame. What computes the frames reads how
often the stream was late, and does less work from then on.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass
class Pacing:
    """The delay of a stream.

    Attributes:
        latency_s: the delay that is allowed, in seconds.
        late: how often it was exceeded.
    """

    latency_s: float
    late: int = 0
    _behind_s: float = 0.0

    def add(self, waited_s: float, shown: Fraction) -> None:
        """Report a frame: how long the writer waited for it, and how long it is shown."""
        self._behind_s = max(0.0, self._behind_s + waited_s - float(shown))
        if self._behind_s > self.latency_s:
            self.late += 1
            self._behind_s = 0.0
