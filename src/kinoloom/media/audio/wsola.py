"""Time-stretch sound at constant pitch: WSOLA that preserves onsets and their timing.

In and out: blocks of (n, channels) float32 samples, any n; memory is constant.

Grains of 40 ms with a Hann window start every 20 ms of output. Each is taken from near the position
that the time map gives, shifted by up to 10 ms to where it best continues the previous grain
(waveform similarity overlap-add: Verhelst and Roelands 1993, "An overlap-add technique based on
waveform similarity", ICASSP). Plain WSOLA repeats or drops onsets, and places them early by tens of
milliseconds at a factor of 2. Therefore the time map has slope 1 around each onset, which is
detected by a rise of energy: the onset plays once, at its time multiplied by the factor, and only
the sound between onsets is stretched (after Grofit and Lavner 2008, "Time-scale modification of
audio signals using enhanced WSOLA with management of transients", IEEE TASLP 16(1)).

Conventions: positions are in samples; "in" refers to the input, "out" to the output.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.audio import Samples

_HOPS_PER_SECOND = 50
_STEPS_PER_HOP = 4
_QUIET_STEPS = 8
_RISE = 8.0
"""Energy of an onset, as a multiple of the mean energy of the last 8 steps of 5 ms."""
_SILENCE = 1e-6
_ATTACK = 0.3
"""Fraction of an onset's peak at which the onset is perceived to start."""
_DISTANCE_PENALTY = 0.05
"""Similarity that a grain at the end of the search range must gain over one at its centre."""


def stretch_blocks(
    blocks: Iterable[Samples], rate_hz: int, channels: int, factor: Fraction
) -> Iterator[Samples]:
    """Yield the stretched sound, exactly round(n * factor) samples for n.

    Args:
        blocks: the sound, in order.
        rate_hz: samples per second.
        channels: of each block.
        factor: duration of the output divided by that of the input; above 0.
    """
    stretcher = _Stretcher(rate_hz, channels, factor)
    for block in blocks:
        stretcher.feed(block)
        yield from filter(len, stretcher.drain())
    stretcher.finish()
    yield from filter(len, stretcher.drain())


class _Stretcher:
    """Accepts input with `feed`, and yields output with `drain`.

    Args:
        rate_hz, channels: of the sound.
        factor: duration of the output divided by that of the input.
    """

    def __init__(self, rate_hz: int, channels: int, factor: Fraction) -> None:
        self._factor = factor
        self._hop = max(_STEPS_PER_HOP, rate_hz // _HOPS_PER_SECOND)
        self._reach = self._hop // 2
        self._map = _TimeMap(factor, self._hop)
        self._finder = _OnsetFinder(self._hop // _STEPS_PER_HOP)
        phase = np.arange(2 * self._hop) * (np.pi / self._hop)
        self._window = ((1 - np.cos(phase)) / 2).astype(np.float32)[:, None]
        self._kept = np.zeros((2 * self._hop, channels), np.float32)
        self._kept_from = -2 * self._hop
        self._tail = np.zeros((self._hop, channels), np.float32)
        self._taken = self._grains = 0
        self._last: int | None = None
        self._total: int | None = None

    def feed(self, block: Samples) -> None:
        """Accept more input."""
        self._taken += len(block)
        self._kept = np.concatenate([self._kept, block])
        for place, onset in self._finder.feed(block.mean(1)):
            if onset is not None:
                self._map.add_onset(onset)
            self._map.pass_to(place)

    def finish(self) -> None:
        """Mark the end of the input."""
        self._total = round(self._taken * self._factor)
        self._map.end_at(self._taken)

    def drain(self) -> Iterator[Samples]:
        """Yield all output that is complete."""
        while self._is_ready():
            yield self._next()

    def _is_ready(self) -> bool:
        out = self._grains * self._hop
        if self._total is not None:
            return out - self._hop < self._total
        needed = self._map.at(out)[0] + self._hop + self._reach
        due = out <= self._map.known and out <= self._taken * self._factor
        return due and needed <= self._taken

    def _next(self) -> Samples:
        """Return the output from the middle of the last grain to the middle of the next."""
        out = self._grains * self._hop
        self._last = self._place(*self._map.at(out))
        grain = self._input(self._last - self._hop, self._last + self._hop) * self._window
        mixed: Samples = self._tail + grain[: self._hop]
        self._tail = grain[self._hop :]
        self._grains += 1
        self._forget(self._last - 2 * self._hop)
        if out == 0:
            return mixed[:0]
        rest = self._hop if self._total is None else self._total - (out - self._hop)
        return mixed[:rest]

    def _place(self, ideal: int, near_onset: bool) -> int:
        """Return the position of the next grain: near `ideal`, and similar to the continuation."""
        if self._last is None:
            return ideal
        reach = self._reach // 4 if near_onset else self._reach
        follows = self._input(self._last, self._last + self._hop).mean(1)
        around = self._input(ideal - reach - self._hop, ideal + reach).mean(1)
        sums = np.concatenate([[0.0], np.cumsum(around.astype(np.float64) ** 2)])
        energy = (sums[self._hop :] - sums[: -self._hop]) * np.dot(follows, follows)
        alike = np.correlate(around, follows, "valid") / np.sqrt(energy + _SILENCE**2)
        away = np.linspace(-1, 1, len(alike)) ** 2
        return ideal - reach + int(np.argmax(alike - _DISTANCE_PENALTY * away))

    def _input(self, begin: int, end: int) -> Samples:
        """Return input samples, with silence outside the input."""
        found = self._kept[max(0, begin - self._kept_from) : max(0, end - self._kept_from)]
        missing = end - begin - len(found)
        return np.pad(found, ((0, missing), (0, 0))) if missing else found

    def _forget(self, before: int) -> None:
        if before - self._kept_from > 16 * self._hop:
            self._kept = self._kept[before - self._kept_from :].copy()
            self._kept_from = before


class _TimeMap:
    """Maps output positions to input positions: piecewise linear between corners.

    Args:
        factor: duration of the output divided by that of the input.
        hop: half a grain; the slope is 1 within this distance of an onset.
    """

    def __init__(self, factor: Fraction, hop: int) -> None:
        self.factor, self.hop = factor, hop
        self.room = int(hop * max(Fraction(1), 1 / factor)) + 1
        self._corners: list[tuple[float, float]] = []
        self._onsets: list[float] = []
        self._free = 0
        self.add_onset(0)

    @property
    def known(self) -> float:
        """The output position up to which the map is final."""
        return self._corners[-1][0]

    def add_onset(self, onset: int) -> None:
        """Preserve the onset at an input position, unless the previous one is too close."""
        if onset < self._free:
            return
        out = float(onset * self.factor)
        self._onsets.append(out)
        for side in (-self.hop, self.hop):
            self._corners.append((out + side, float(onset + side)))
        self._free = onset + 3 * self.room

    def pass_to(self, place: int) -> None:
        """Mark that all onsets before an input position were added."""
        corner = place - 2 * self.room
        if corner > self._free + self.room:
            self._corners.append((float(corner * self.factor), float(corner)))
            self._free = corner + self.room

    def end_at(self, place: int) -> None:
        """Mark where the input ends."""
        end = max(place, int(self._corners[-1][1]) + self.room)
        self._corners.append((float(end * self.factor), float(end)))

    def at(self, out: int) -> tuple[int, bool]:
        """Return the input position, and whether an onset is near; `out` must not decrease."""
        while len(self._corners) > 2 and self._corners[1][0] <= out:
            self._corners.pop(0)
        while len(self._onsets) > 1 and self._onsets[1] - self.hop <= out:
            self._onsets.pop(0)
        (out0, in0), (out1, in1) = self._corners[:2]
        slope = (in1 - in0) / (out1 - out0)
        return round(in0 + (out - out0) * slope), abs(out - self._onsets[0]) <= self.hop


class _OnsetFinder:
    """Finds onsets: sudden rises of energy.

    Args:
        step: samples per energy value.
    """

    def __init__(self, step: int) -> None:
        self._place = 0
        self._step = step
        self._before = np.zeros(step, np.float32)
        self._waiting = np.zeros(0, np.float32)
        self._energies = [0.0] * _QUIET_STEPS

    def feed(self, sound: NDArray[np.float32]) -> Iterator[tuple[int, int | None]]:
        """Analyse more samples of one channel.

        Yields:
            For each step, the input position up to which all is analysed, and the onset found.
        """
        self._waiting = np.concatenate([self._waiting, sound])
        while len(self._waiting) >= self._step:
            now, self._waiting = self._waiting[: self._step], self._waiting[self._step :]
            onset = None
            energy = float(np.dot(now, now)) / self._step
            if energy > _RISE * sum(self._energies) / _QUIET_STEPS + _SILENCE:
                both = np.abs(np.concatenate([self._before, now]))
                begin = int(np.argmax(both >= _ATTACK * both[self._step :].max()))
                onset = max(0, self._place - self._step + begin)
            self._energies = [*self._energies[1:], energy]
            self._before = now
            self._place += self._step
            yield self._place, onset
