"""Sound: the tracks of a file as lazy `Audio`, and their stretching at the same pitch.

In: files that FFmpeg reads. Out: blocks of (n, channels) float32 samples, nominally in -1..1.

Conventions: a track starts at an exact time on the clip's clock (see media/container/inputs.py);
its samples follow without gaps, so that sample k sounds at start + k / rate. Where the file has a
gap or a packet cannot be decoded there is silence, where stretches overlap the later one gives way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer

from kinoloom.base.audio import Audio, Samples
from kinoloom.errors import UsageError
from kinoloom.media.audio.wsola import stretched
from kinoloom.media.container.inputs import begin_of, open_input, read_only, sound_streams, zero_of

_SUDDEN_S = Fraction(1, 100)
"""A packet this much later than the one before it ends has one missing before it."""
_DRIFT_S = Fraction(1, 10)
"""Stored times may drift this far from the count of samples, as those of cameras do."""
_PLAUSIBLE_S = 3600
_BLOCK = 1 << 15
_USUAL_LAYOUTS = {1: "mono", 2: "stereo", 4: "4.0", 5: "5.0", 6: "5.1", 8: "7.1"}


def tracks_of(path: Path) -> tuple[Audio, ...]:
    """The sound tracks of a file that can be decoded, in its order.

    Raises:
        InputNotFoundError: there is no such file.
        UnreadableMediaError: it is not media.
    """
    with open_input(path) as container:
        return tracks_in(container, path, zero_of(container))


def tracks_in(container: InputContainer, path: Path, zero: Fraction) -> tuple[Audio, ...]:
    """The sound tracks of an open file; `zero` is that of the clip's clock, in its seconds."""
    return tuple(_audio(stream, path, zero) for stream in sound_streams(container))


def stretch(audio: Audio, factor: Fraction) -> Audio:
    """The same sound, `factor` times as long, at the same pitch.

    The number of samples is that of `audio` times `factor`, rounded, and each onset is where it
    belongs, so that sync never drifts; see media/audio/wsola.py.

    Args:
        audio: the sound; not changed.
        factor: above 0; 2 makes it half as fast.

    Raises:
        UsageError: a factor that is not above 0.
    """
    if factor <= 0:
        raise UsageError(f"Sound can be stretched by a factor above 0, not {factor}.")
    if factor == 1:
        return audio
    return replace(
        audio,
        read=lambda: stretched(audio.read(), audio.rate_hz, audio.channels, factor),
        start=audio.start * factor,
        duration=None if audio.duration is None else audio.duration * factor,
        origin=None,
    )


def _audio(stream: AudioStream, path: Path, zero: Fraction) -> Audio:
    layout = stream.layout.name
    if layout.endswith("channels"):  # the file does not say which
        layout = _USUAL_LAYOUTS.get(stream.channels, layout)
    track = _Track(path, stream.index, stream.rate, stream.channels, layout)
    duration = stream.duration and stream.time_base and stream.duration * stream.time_base
    begin = begin_of(stream)
    return Audio(
        read=track.read,
        rate_hz=track.rate_hz,
        channels=track.channels,
        layout=layout,
        start=Fraction(0) if begin is None else begin - zero,
        duration=duration or None,
        language=stream.language or "",
        origin=(path, stream.index),
    )


@dataclass(frozen=True)
class _Track:
    """One stream of sound in a file, as its beginning describes it."""

    path: Path
    index: int
    rate_hz: int
    channels: int
    layout: str

    def read(self) -> Iterator[Samples]:
        """Decode the stream, anew for each call."""
        with open_input(self.path) as container:
            stream = next(s for s in container.streams.audio if s.index == self.index)
            read_only(container, stream)
            sudden = self.rate_hz * max(_SUDDEN_S, 2 * (stream.time_base or 0))
            done = drift = 0
            for time, block in self._timed(_frames(container, stream)):
                late = round(time * self.rate_hz) - done
                if late - drift > sudden or late > _DRIFT_S * self.rate_hz:
                    yield from _silence(late, self.channels)
                    done, late = done + late, 0
                elif late < -_DRIFT_S * self.rate_hz:
                    block, late = block[-late:], min(0, late + len(block))
                drift = late
                done += len(block)
                if len(block):
                    yield block

    def _timed(self, frames: Iterable[AudioFrame]) -> Iterator[tuple[Fraction, Samples]]:
        """Blocks of samples and when they sound, in seconds after the first.

        Times that say nothing plausible (none at all, or over an hour away) are counted on.
        """
        first: Fraction | None = None
        time = Fraction(0)
        resamplers: dict[tuple[str, str, int], AudioResampler] = {}
        for frame in frames:
            if frame.pts is not None and frame.time_base is not None:
                stored = frame.pts * frame.time_base
                first = stored if first is None else first
                if abs(stored - first - time) < _PLAUSIBLE_S:
                    time = stored - first
            block = self._block(frame, resamplers)
            yield time, block
            time += Fraction(len(block), self.rate_hz)

    def _block(
        self, frame: AudioFrame, resamplers: dict[tuple[str, str, int], AudioResampler]
    ) -> Samples:
        """The samples of a frame; a broadcast may change rate and layout on the way."""
        if (frame.layout.nb_channels, frame.sample_rate) == (self.channels, self.rate_hz):
            return _floats(frame)
        kind = frame.format.name, frame.layout.name, frame.sample_rate
        if kind not in resamplers:
            resamplers[kind] = AudioResampler("flt", self.layout, self.rate_hz)
        parts = [_floats(part) for part in resamplers[kind].resample(frame)]
        return np.concatenate([np.zeros((0, self.channels), np.float32), *parts])


def _frames(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """Decoded frames; packets that cannot be decoded are left out."""
    for packet in container.demux(stream):
        try:
            yield from packet.decode()
        except av.FFmpegError:
            continue


def _floats(frame: AudioFrame) -> Samples:
    """The samples as (n, channels) float32; whole numbers are divided by half their range."""
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    if samples.dtype.kind == "f":
        return np.ascontiguousarray(samples.T, np.float32)
    half = 2.0 ** (8 * samples.dtype.itemsize - 1)
    zero = half if samples.dtype.kind == "u" else 0.0
    return np.ascontiguousarray((samples.T - zero) / half, np.float32)


def _silence(length: int, channels: int) -> Iterator[Samples]:
    for done in range(0, length, _BLOCK):
        yield np.zeros((min(_BLOCK, length - done), channels), np.float32)
