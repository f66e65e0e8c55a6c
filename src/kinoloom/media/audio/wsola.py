"""Time-stretching of sound at its pitch: WSOLA that keeps onsets whole and in their place.

In and out: blocks of (n, channels) float32 samples, any n; memory stays constant.

Grains of 40 ms, faded with a Hann window, follow each other every 20 ms of output. Each is taken
from about where the time map says, moved by up to 10 ms to where it continues the grain before it
best (waveform similarity overlap-add: Verhelst and Roelands 1993, "An overlap-add technique based
on waveform similarity", ICASSP). Plain WSOLA repeats or swallows onsets and puts them early, by
tens of milliseconds at a factor of 2. So around each onset, found by a rise of energy, the time map
has slope 1: the onset sounds once, at its time times the factor, and the stretching happens
between onsets (the idea of Grofit and Lavner 2008, "Time-scale modification of audio signals using
enhanced WSOLA with management of transients", IEEE TASLP 16(1)).

Conventions: positions are in samples; "in" counts those of the input, "out" those of the output.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.audio import Samples

_HOPS_A_SECOND = 50
_STEPS_A_HOP = 4
_QUIET_STEPS = 8
_RISE = 8.0
"""How many times the energy of the last 8 steps (of 5 ms) an onset has."""
_SILENCE = 1e-6
_ATTACK = 0.3
"""The part of an onset's peak at which it is heard to begin."""
_AWAY = 0.05
"""How much similarity a grain must gain to be taken from the far end of the search."""


def stretched(
    blocks: Iterable[Samples], rate_hz: int, channels: int, factor: Fraction
) -> Iterator[Samples]:
    """Yield the sound stretched, exactly round(n * factor) samples for n.

    Args:
        blocks: the sound, in order.
        rate_hz: samples a second.
        channels: of each block.
        factor: how many times longer it shall last; above 0.
    """
    stretcher = _Stretcher(rate_hz, channels, factor)
    for block in blocks:
        stretcher.feed(block)
        yield from filter(len, stretcher.made())
    stretcher.finish()
    yield from filter(len, stretcher.made())


class _Stretcher:
    """Takes input by `feed`, gives output by `made`.

    Args:
        rate_hz, channels: of the sound.
        factor: how many times longer it shall last.
    """

    def __init__(self, rate_hz: int, channels: int, factor: Fraction) -> None:
        self._factor = factor
        self._hop = max(_STEPS_A_HOP, rate_hz // _HOPS_A_SECOND)
        self._reach = self._hop // 2
        self._map = _TimeMap(factor, self._hop)
        self._finder = _OnsetFinder(self._hop // _STEPS_A_HOP)
        phase = np.arange(2 * self._hop) * (np.pi / self._hop)
        self._window = ((1 - np.cos(phase)) / 2).astype(np.float32)[:, None]
        self._kept = np.zeros((2 * self._hop, channels), np.float32)
        self._kept_from = -2 * self._hop
        self._tail = np.zeros((self._hop, channels), np.float32)
        self._taken = self._grains = 0
        self._last: int | None = None
        self._total: int | None = None

    def feed(self, block: Samples) -> None:
        """Take more input."""
        self._taken += len(block)
        self._kept = np.concatenate([self._kept, block])
        for place, onset in self._finder.feed(block.mean(1)):
            if onset is not None:
                self._map.add_onset(onset)
            self._map.pass_to(place)

    def finish(self) -> None:
        """Say that there is no more input."""
        self._total = round(self._taken * self._factor)
        self._map.end_at(self._taken)

    def made(self) -> Iterator[Samples]:
        """All output that can be given now."""
        while self._ready():
            yield self._next()

    def _ready(self) -> bool:
        out = self._grains * self._hop
        if self._total is not None:
            return out - self._hop < self._total
        needed = self._map.at(out)[0] + self._hop + self._reach
        due = out <= self._map.known and out <= self._taken * self._factor
        return due and needed <= self._taken

    def _next(self) -> Samples:
        """The output from the middle of the last grain to that of the next."""
        out = self._grains * self._hop
        self._last = self._placed(*self._map.at(out))
        grain = self._input(self._last - self._hop, self._last + self._hop) * self._window
        made: Samples = self._tail + grain[: self._hop]
        self._tail = grain[self._hop :]
        self._grains += 1
        self._forget(self._last - 2 * self._hop)
        if out == 0:
            return made[:0]
        rest = self._hop if self._total is None else self._total - (out - self._hop)
        return made[:rest]

    def _placed(self, ideal: int, near_onset: bool) -> int:
        """Where to take the next grain, close to `ideal` and much like what would follow."""
        if self._last is None:
            return ideal
        reach = self._reach // 4 if near_onset else self._reach
        follows = self._input(self._last, self._last + self._hop).mean(1)
        around = self._input(ideal - reach - self._hop, ideal + reach).mean(1)
        sums = np.concatenate([[0.0], np.cumsum(around.astype(np.float64) ** 2)])
        energy = (sums[self._hop :] - sums[: -self._hop]) * np.dot(follows, follows)
        alike = np.correlate(around, follows, "valid") / np.sqrt(energy + _SILENCE**2)
        away = np.linspace(-1, 1, len(alike)) ** 2
        return ideal - reach + int(np.argmax(alike - _AWAY * away))

    def _input(self, begin: int, end: int) -> Samples:
        """Input samples, silent where there are none."""
        found = self._kept[max(0, begin - self._kept_from) : max(0, end - self._kept_from)]
        missing = end - begin - len(found)
        return np.pad(found, ((0, missing), (0, 0))) if missing else found

    def _forget(self, before: int) -> None:
        if before - self._kept_from > 16 * self._hop:
            self._kept = self._kept[before - self._kept_from :].copy()
            self._kept_from = before


class _TimeMap:
    """Which input sounds at an output position: straight lines between corners.

    Args:
        factor: the output's length over the input's.
        hop: half of a grain; the slope is 1 for this long on each side of an onset.
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
        """The output position up to which the map is fixed."""
        return self._corners[-1][0]

    def add_onset(self, onset: int) -> None:
        """Keep an onset at an input position whole, unless one before it is too near."""
        if onset < self._free:
            return
        out = float(onset * self.factor)
        self._onsets.append(out)
        for side in (-self.hop, self.hop):
            self._corners.append((out + side, float(onset + side)))
        self._free = onset + 3 * self.room

    def pass_to(self, place: int) -> None:
        """Say that all onsets before an input position are added."""
        corner = place - 2 * self.room
        if corner > self._free + self.room:
            self._corners.append((float(corner * self.factor), float(corner)))
            self._free = corner + self.room

    def end_at(self, place: int) -> None:
        """Say that the input ends."""
        end = max(place, int(self._corners[-1][1]) + self.room)
        self._corners.append((float(end * self.factor), float(end)))

    def at(self, out: int) -> tuple[int, bool]:
        """The input position, and whether an onset is near; `out` never goes back."""
        while len(self._corners) > 2 and self._corners[1][0] <= out:
            self._corners.pop(0)
        while len(self._onsets) > 1 and self._onsets[1] - self.hop <= out:
            self._onsets.pop(0)
        (out0, in0), (out1, in1) = self._corners[:2]
        slope = (in1 - in0) / (out1 - out0)
        return round(in0 + (out - out0) * slope), abs(out - self._onsets[0]) <= self.hop


class _OnsetFinder:
    """Finds where sound suddenly grows louder.

    Args:
        step: samples whose energy is taken together.
    """

    def __init__(self, step: int) -> None:
        self._place = 0
        self._step = step
        self._before = np.zeros(step, np.float32)
        self._waiting = np.zeros(0, np.float32)
        self._energies = [0.0] * _QUIET_STEPS

    def feed(self, sound: NDArray[np.float32]) -> Iterator[tuple[int, int | None]]:
        """Look at more samples of one channel.

        Yields:
            For each step, up to which input position all is looked at, and the onset found.
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
