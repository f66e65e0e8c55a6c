"""The noise of each frame of a video, smoothed over time and reset at cuts.

Frames are sampled at the beginning of each shot and at fixed times, every second; the noise of
a frame is the median of the samples of its shot in the last five seconds, so that one odd frame
changes nothing and the strength of a filter does not pump. Sampled times do not depend on where
reading starts, and the look back is finite: reading from any time gives the same noise as reading
from the beginning, if it starts `LOOKBACK_S` and `shots.PREROLL_FRAMES` frames earlier.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from math import isnan
from statistics import median

from kinoloom.base.arrays import Picture
from kinoloom.enhance.estimate.noise import Noise, estimate_noise
from kinoloom.enhance.temporal.shots import ShotFrame

LOOKBACK_S = Fraction(5)
"""A frame's noise depends on the frames of this many seconds before it."""
_SAMPLE_S = Fraction(1)

Estimate = Callable[[Picture], Noise]


def constant_noise(sigma: float) -> Noise:
    """Return noise of one standard deviation, in 8-bit levels, at each brightness."""
    return Noise(sigma, sigma * sigma, 0.0)


def follow_noise(
    frames: Iterable[ShotFrame], estimate: Estimate = estimate_noise
) -> Iterator[tuple[ShotFrame, Noise]]:
    """Yield each frame with its noise; see the module docstring.

    Args:
        frames: in order of time.
        estimate: measures one picture. Its values may be nan for a picture that is too small: the
            frame has no noise if no other sample has.
    """
    samples: deque[tuple[Fraction, Noise]] = deque()
    slot = None
    for item in frames:
        time = item.frame.time
        if item.begins:
            samples.clear()
        if item.begins or time // _SAMPLE_S != slot:
            found = estimate(item.frame.image)
            if not isnan(found.sigma):
                samples.append((time, found))
        slot = time // _SAMPLE_S
        while samples and samples[0][0] <= time - LOOKBACK_S:
            samples.popleft()
        yield item, _take_median([noise for _, noise in samples])


def _take_median(samples: list[Noise]) -> Noise:
    if not samples:
        return constant_noise(0.0)
    values = zip(*((one.sigma, one.constant, one.slope) for one in samples), strict=True)
    return Noise(*(median(each) for each in values))
