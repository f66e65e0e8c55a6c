"""Sound: the tracks of a file as lazy `Audio`, and stretching them at their pitch.

Samples are float32, nominally in -1..1, shaped (n, channels). Times are exact, on the clip's clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.filter import Graph

from kinoloom.base.audio import Audio, Samples

_GAP_S = Fraction(1, 20)
"""Sound that goes on this much later than its samples say has a gap, filled with silence."""
_HELD_BACK_S = 2
_TEMPO_STEP = Fraction(2)
_BLOCK = 4096


def tracks_of(path: Path, origin: Fraction) -> tuple[Audio, ...]:
    """The sound tracks of a file, in its order; none if it has none.

    Args:
        path: a file that FFmpeg reads.
        origin: the file's time, in seconds, that is zero on the clip's clock.
    """
    with av.open(str(path), metadata_errors="replace") as container:
        return tuple(_track(path, stream, origin) for stream in container.streams.audio)


def stretch(audio: Audio, factor: Fraction) -> Audio:
    """The same sound, lasting `factor` times as long at the same pitch.

    FFmpeg's `atempo` (waveform-similarity overlap-add), in steps of at most 2, which keeps it
    clean; the result has exactly the rounded number of samples, so that sync never drifts.

    Args:
        audio: the sound.
        factor: above 0; 2 is half as fast.
    """
    duration = None if audio.duration is None else audio.duration * factor
    return replace(
        audio,
        read=lambda: _stretched(audio, factor),
        start=audio.start * factor,
        duration=duration,
        origin=None,
    )


def _track(path: Path, stream: AudioStream, origin: Fraction) -> Audio:
    tick = Fraction(stream.time_base or Fraction(1, stream.rate))
    start = (stream.start_time or 0) * tick - origin
    return Audio(
        read=_Decoder(path, stream.index),
        rate_hz=stream.rate,
        channels=stream.channels,
        layout=stream.layout.name,
        start=start,
        duration=stream.duration * tick if stream.duration else None,
        language=stream.language or "",
        origin=(path, stream.index),
    )


@dataclass(frozen=True)
class _Decoder:
    """Decodes one sound stream, anew for each call."""

    path: Path
    index: int

    def __call__(self) -> Iterator[Samples]:
        with av.open(str(self.path), metadata_errors="replace") as container:
            stream = next(s for s in container.streams.audio if s.index == self.index)
            resampler = AudioResampler(format="flt", layout=stream.layout, rate=stream.rate)
            done = 0
            first: Fraction | None = None
            for frame in _frames(container, stream):
                time = Fraction(frame.pts or 0) * (frame.time_base or Fraction(1, stream.rate))
                first = time if first is None else first
                gap = time - first - Fraction(done, stream.rate)
                if gap > _GAP_S:
                    done += int(gap * stream.rate)
                    yield np.zeros((int(gap * stream.rate), stream.channels), np.float32)
                for part in resampler.resample(frame):
                    done += part.samples
                    yield _samples(part)
            for part in resampler.resample(None):
                yield _samples(part)


def _frames(container: av.container.InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """Decoded frames; packets that cannot be decoded are left out, and show as a gap."""
    for packet in container.demux(stream):
        try:
            yield from packet.decode()
        except av.InvalidDataError:
            continue


def _samples(frame: AudioFrame) -> Samples:
    channels = frame.layout.nb_channels
    return frame.to_ndarray().reshape(-1, channels).astype(np.float32)


def _stretched(audio: Audio, factor: Fraction) -> Iterator[Samples]:
    """Stretched blocks, with as many samples in all as `factor` says."""
    taken = made = 0
    held: list[Samples] = []
    room = _HELD_BACK_S * audio.rate_hz

    def counted() -> Iterator[Samples]:
        nonlocal taken
        for block in audio.read():
            taken += len(block)
            yield block

    for block in _filtered(counted(), audio, _tempos(factor)):
        held.append(block)
        while sum(map(len, held[1:])) > room:
            made += len(held[0])
            yield held.pop(0)
    rest = round(taken * factor) - made
    tail = np.concatenate([*held, np.zeros((max(rest, 0), audio.channels), np.float32)])
    yield tail[: max(rest, 0)]


def _tempos(factor: Fraction) -> list[float]:
    """Speeds within 1/2..2 whose product is 1 / factor."""
    speeds = []
    while factor > _TEMPO_STEP:
        factor /= _TEMPO_STEP
        speeds.append(float(1 / _TEMPO_STEP))
    while factor < 1 / _TEMPO_STEP:
        factor *= _TEMPO_STEP
        speeds.append(float(_TEMPO_STEP))
    return [*speeds, float(1 / factor)]


def _filtered(blocks: Iterator[Samples], audio: Audio, tempos: list[float]) -> Iterator[Samples]:
    graph = Graph()
    nodes = [
        graph.add_abuffer(
            sample_rate=audio.rate_hz,
            format="flt",
            layout=audio.layout,
            time_base=Fraction(1, audio.rate_hz),
        )
    ]
    nodes += [graph.add("atempo", f"{tempo:.12f}") for tempo in tempos]
    nodes += [graph.add("aformat", "sample_fmts=flt"), graph.add("abuffersink")]
    for one, other in pairwise(nodes):
        one.link_to(other)
    graph.configure()
    pts = 0
    for block in blocks:
        frame = AudioFrame.from_ndarray(
            np.ascontiguousarray(block.reshape(1, -1)), "flt", audio.layout
        )
        frame.sample_rate = audio.rate_hz
        frame.pts = pts
        frame.time_base = Fraction(1, audio.rate_hz)
        pts += len(block)
        graph.push(frame)
        yield from _pulled(graph)
    graph.push(None)
    yield from _pulled(graph)


def _pulled(graph: Graph) -> Iterator[Samples]:
    while True:
        try:
            frame = graph.pull()
        except (BlockingIOError, EOFError):
            return
        if isinstance(frame, AudioFrame):
            yield _samples(frame)
