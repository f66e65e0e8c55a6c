"""Read the sound tracks of a file as lazy `Audio`, and stretch them without a change of pitch.

In: files that FFmpeg reads. Out: blocks of (n, channels) float32 samples, nominally in -1..1.

Conventions: a track starts at an exact time on the clip's clock (see media/container/inputs.py);
its samples are contiguous, so sample k plays at start + k / rate. Gaps in the file become silence;
where packets overlap, the later one is trimmed. Packets that cannot be decoded become silence too,
and a note (an error) counts them once a track has been read to its end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

from kinoloom.base.audio import Audio, Samples
from kinoloom.base.notes import Notes
from kinoloom.errors import UsageError
from kinoloom.media.audio.wsola import stretch_blocks
from kinoloom.media.container.inputs import (
    discard_others,
    find_start,
    find_zero,
    list_sound_streams,
    open_input,
)
from kinoloom.media.container.restarts import demux_continuous, find_restarts
from kinoloom.media.limits import DECODER_OPTIONS

_MIN_GAP_S = Fraction(1, 100)
"""If a packet starts this much after the end of the previous one, one is missing."""
_MAX_DRIFT_S = Fraction(1, 10)
"""Stored times may drift this far from the sample count, as those of cameras do."""
_MAX_JUMP_S = 3600
_BLOCK = 1 << 15
_CHECKED = ("flac", "tta", "wavpack")
"""Codecs whose checksums are reliable. Those of MP3 and AC-3 are wrong in intact files of some
programs, which would become silent."""
_DEFAULT_LAYOUTS = {1: "mono", 2: "stereo", 4: "4.0", 5: "5.0", 6: "5.1", 8: "7.1"}


def read_tracks(path: Path, notes: Notes | None = None) -> tuple[Audio, ...]:
    """Return the sound tracks of a file that can be decoded, in file order.

    Args:
        path: the file.
        notes: receives the damage that is noticed while tracks are read.

    Raises:
        InputNotFoundError: the file does not exist.
        UnreadableMediaError: the file is not media.
    """
    with open_input(path) as container:
        return list_tracks(container, path, find_zero(container), notes or Notes())


def list_tracks(
    container: InputContainer, path: Path, zero: Fraction, notes: Notes
) -> tuple[Audio, ...]:
    """Return the sound tracks of an open file.

    Args:
        container: the file.
        path: its path.
        zero: the zero of the clip's clock, in seconds of the file.
        notes: receives the damage that is noticed while tracks are read.
    """
    streams = list_sound_streams(container)
    tracks = tuple(_open_track(stream, path, zero, notes) for stream in streams)
    if find_restarts(container):  # the durations are those of single parts
        return tuple(replace(track, duration=None) for track in tracks)
    return tracks


def stretch(audio: Audio, factor: Fraction) -> Audio:
    """Return the sound stretched to `factor` times its duration at the same pitch.

    The number of samples is that of `audio` times `factor`, rounded, and each onset is at its exact
    position, so sync never drifts; see media/audio/wsola.py.

    Args:
        audio: the sound; not changed.
        factor: above 0; 2 halves the speed.

    Raises:
        UsageError: a factor of 0 or less.
    """
    if factor <= 0:
        raise UsageError(f"The factor of a time stretch must be above 0, not {factor}.")
    if factor == 1:
        return audio
    return replace(
        audio,
        read=lambda: stretch_blocks(audio.read(), audio.rate_hz, audio.channels, factor),
        start=audio.start * factor,
        duration=None if audio.duration is None else audio.duration * factor,
        origin=None,
    )


def _open_track(stream: AudioStream, path: Path, zero: Fraction, notes: Notes) -> Audio:
    layout = stream.layout.name
    if layout.endswith("channels"):  # the file does not name the layout
        layout = _DEFAULT_LAYOUTS.get(stream.channels, layout)
    begin = find_start(stream)
    start = Fraction(0) if begin is None else begin - zero
    duration = stream.duration and stream.time_base and stream.duration * stream.time_base
    form = stream.rate, stream.channels, layout
    track = _Track(path, stream.index, *form, start, duration or Fraction(0), notes)
    return Audio(
        read=track.read,
        rate_hz=track.rate_hz,
        channels=track.channels,
        layout=layout,
        start=start,
        duration=duration or None,
        language=stream.language or "",
        origin=(path, stream.index),
    )


@dataclass
class _Losses:
    """The packets of one pass that cannot be decoded.

    Attributes:
        count: number of packets.
        first: start of the first one, in seconds after the first sample.
        end: end of the last one, likewise.
        is_open: whether no sound has followed the last one.
    """

    count: int = 0
    first: Fraction = Fraction(0)
    end: Fraction = Fraction(0)
    is_open: bool = False

    def add(self, time: Fraction, duration: Fraction) -> None:
        """Count a packet."""
        self.first = self.first if self.count else time
        self.count, self.end, self.is_open = self.count + 1, time + duration, True


@dataclass(frozen=True)
class _Track:
    """An audio stream of a file, with the format of its first packet.

    Attributes:
        start: time of its first sample on the clip's clock, in seconds.
        duration: in seconds as the file stores it; 0 if it does not.
        notes: receives damage.
    """

    path: Path
    index: int
    rate_hz: int
    channels: int
    layout: str
    start: Fraction
    duration: Fraction
    notes: Notes

    def read(self) -> Iterator[Samples]:
        """Decode the stream from its start."""
        losses = _Losses()
        with open_input(self.path) as container:
            stream = next(s for s in container.streams.audio if s.index == self.index)
            discard_others(container, stream)
            usual = self.rate_hz * max(_MIN_GAP_S, 2 * (stream.time_base or 0))
            done = drift = 0
            for time, block in self._read_timed(container, stream, losses):
                late = round(time * self.rate_hz) - done
                sudden, losses.is_open = 0 if losses.is_open else usual, False
                if late - drift > sudden or late > _MAX_DRIFT_S * self.rate_hz:
                    yield from _silence(late, self.channels)
                    done, late = done + late, 0
                elif late < -_MAX_DRIFT_S * self.rate_hz:
                    block, late = block[-late:], min(0, late + len(block))
                drift = late
                done += len(block)
                if len(block):
                    yield block
        if losses.is_open:
            end = max(losses.end, self.duration)
            yield from _silence(round(end * self.rate_hz) - done, self.channels)
        self._note(losses)

    def _read_timed(
        self, container: InputContainer, stream: AudioStream, losses: _Losses
    ) -> Iterator[tuple[Fraction, Samples]]:
        """Yield blocks of samples and their times, in seconds after the first.

        Missing and implausible times (over an hour away) are replaced by the sample count.
        """
        first: Fraction | None = None
        time = Fraction(0)
        resamplers: dict[tuple[str, str, int], AudioResampler] = {}
        for part in _decode(container, stream):
            if part.pts is not None and part.time_base is not None:
                stored = part.pts * part.time_base
                first = stored if first is None else first
                if abs(stored - first - time) < _MAX_JUMP_S:
                    time = stored - first
            if isinstance(part, Packet):
                duration = (part.duration or 0) * (part.time_base or Fraction(0))
                losses.add(time, duration)
                time += duration
                continue
            block = self._block(part, resamplers)
            yield time, block
            time += Fraction(len(block), self.rate_hz)

    def _note(self, losses: _Losses) -> None:
        if losses.count:
            time = self.start + losses.first
            self.notes.add(
                "damage",
                f"Sound (stream {self.index}) of {self.path.name} is damaged at "
                f"{float(time):.3f} s: {losses.count} packet(s) cannot be decoded and are silent.",
                "error",
                time,
            )

    def _block(
        self, frame: AudioFrame, resamplers: dict[tuple[str, str, int], AudioResampler]
    ) -> Samples:
        """Return the samples of a frame; rate and layout may change within a broadcast."""
        if (frame.layout.nb_channels, frame.sample_rate) == (self.channels, self.rate_hz):
            return _to_float(frame)
        kind = frame.format.name, frame.layout.name, frame.sample_rate
        if kind not in resamplers:
            resamplers[kind] = AudioResampler("flt", self.layout, self.rate_hz)
        parts = [_to_float(part) for part in resamplers[kind].resample(frame)]
        return np.concatenate([np.zeros((0, self.channels), np.float32), *parts])


def _decode(
    container: InputContainer, stream: AudioStream
) -> Iterator[AudioFrame | Packet[AudioStream]]:
    """Yield decoded frames, and each packet that cannot be decoded.

    An error of the file ends the sound; reading the pictures notes it.
    """
    options = dict(DECODER_OPTIONS)
    if stream.codec_context.name in _CHECKED:
        options["err_detect"] = "crccheck+explode"
    stream.codec_context.options = options
    packets = demux_continuous(container, stream)
    while True:
        try:
            packet = next(packets, None)
        except MemoryError:
            raise
        except av.FFmpegError:
            return
        if packet is None:
            return
        try:
            frames = packet.decode()
        except av.EOFError:
            continue
        except MemoryError:
            raise
        except av.FFmpegError:
            yield packet
            continue
        if any(frame.is_corrupt for frame in frames):
            yield packet
        else:
            yield from frames


def _to_float(frame: AudioFrame) -> Samples:
    """Return samples as (n, channels) float32; integers are divided by half their range."""
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
