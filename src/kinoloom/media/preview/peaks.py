"""The peaks of a sound: its lowest and highest sample in each of many short spans, at three levels.

A drawing of a wave shows a single loud sample at every zoom, because each level keeps the extremes
of the finer one. A value is one signed byte, the sample (-1..1) times 127, rounded; the channels
share one pair.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.audio import Audio, Samples

LEVELS = (256, 4_096, 65_536)
"""Samples in the span of a pair; each is a multiple of the one before."""
_TOP = 127
Pairs = NDArray[np.int8]


@dataclass(frozen=True)
class Peaks:
    """The peaks of a sound.

    Attributes:
        samples: in each channel.
        levels: (n, 2) int8 by samples per pair, as in `LEVELS`; the last span may be shorter.
    """

    samples: int
    levels: dict[int, Pairs]


def compute_peaks(audio: Audio, progress: Callable[[int], None] | None = None) -> Peaks:
    """Compute the peaks of a sound of any length.

    Args:
        audio: is read once; memory grows by 2 bytes for 256 samples.
        progress: called with the number of samples read so far.
    """
    finest, total = LEVELS[0], 0
    parts: list[Pairs] = []
    for block in _regroup(audio.read(), finest, audio.channels):
        total += len(block)
        parts.append(_reduce(block, finest))
        if progress is not None:
            progress(total)
    pairs = np.concatenate(parts) if parts else np.zeros((0, 2), np.int8)
    levels = {finest: pairs}
    for finer, coarser in pairwise(LEVELS):
        levels[coarser] = _merge(levels[finer], coarser // finer)
    return Peaks(total, levels)


def _regroup(blocks: Iterator[Samples], length: int, channels: int) -> Iterator[Samples]:
    """Yield the same samples in blocks of a multiple of `length`, and the rest."""
    rest = np.zeros((0, channels), np.float32)
    for block in blocks:
        joined = np.concatenate([rest, block]) if len(rest) else block
        whole = len(joined) - len(joined) % length
        rest = joined[whole:]
        if whole:
            yield joined[:whole]
    if len(rest):
        yield rest


def _reduce(block: Samples, length: int) -> Pairs:
    """Return the pairs of samples, the last one of a shorter span if they do not divide."""
    begins = np.arange(0, len(block), length)
    finite = np.nan_to_num(block, nan=0.0, posinf=1.0, neginf=-1.0)
    low = np.minimum.reduceat(finite.min(axis=1), begins)
    high = np.maximum.reduceat(finite.max(axis=1), begins)
    scaled = np.rint(np.clip(np.stack([low, high], axis=1), -1, 1) * _TOP)
    return np.asarray(scaled, np.int8)


def _merge(pairs: Pairs, count: int) -> Pairs:
    if not len(pairs):
        return pairs
    begins = np.arange(0, len(pairs), count)
    low = np.minimum.reduceat(pairs[:, 0], begins)
    return np.stack([low, np.maximum.reduceat(pairs[:, 1], begins)], axis=1)
