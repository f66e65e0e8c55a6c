"""Denoising of a clip: a temporal filter, then a spatial denoiser with the noise that is left.

Frames depend on a bounded time before them, and on at most two frames after them, so each start
time gives the same frames: a job can be resumed or split into pieces, and memory does not grow with
the length of the clip.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture, from_float, to_float
from kinoloom.base.clip import Clip, Frame, read_with_preroll
from kinoloom.base.prefetch import prefetch
from kinoloom.enhance.estimate.noise import Noise
from kinoloom.enhance.temporal import shots
from kinoloom.enhance.temporal.parameters import LOOKBACK_S, constant_noise, follow_noise
from kinoloom.enhance.temporal.recursive import filter_live, lookback_begin
from kinoloom.enhance.temporal.shots import ShotFrame, mark_shots
from kinoloom.enhance.temporal.window import (
    RADIUS,
    Filtered,
    PreparedFrame,
    WindowFilter,
    prepare_frame,
)
from kinoloom.errors import ArrayError, UsageError
from kinoloom.media.frames.exact import ExactPicture

Floats = NDArray[np.float32]
Denoise = Callable[[Floats, Floats], Floats]
"""A spatial denoiser: a picture (H, W, 3), 0..1 about, and the standard deviation of the noise of
each pixel (H, W) in the same unit; returns the clean picture (H, W, 3), not clipped."""


def denoise_clip(
    clip: Clip, denoise: Denoise | None, noise: float | Noise | None, *, live: bool = False
) -> Clip:
    """Build the lazy clip without its noise.

    Args:
        clip: of any dtype; alpha is kept. Photos (`Clip.stills`) are denoised one by one.
        denoise: applied after the temporal filter; None for the temporal filter alone.
        noise: a standard deviation in 8-bit levels, or a variance that depends on brightness; None
            estimates it, see `temporal.parameters`.
        live: use the recursive filter, which is cheaper, instead of the window.

    Raises:
        UsageError: the noise is below 0 or not finite.

    While frames are read:
        ArrayError: the denoiser returns another size.
    """
    level = constant_noise(noise) if isinstance(noise, (int, float)) else noise
    if level is not None and not (0 <= level.sigma < np.inf):
        raise UsageError(f"The noise must be a number of levels, at least 0, not {level.sigma:g}.")
    return clip.with_(read=_TemporalReader(clip, denoise, level, live).read, provenance=None)


@dataclass(frozen=True)
class _Held:
    """A frame of the current shot, prepared for the filter, with its noise."""

    frame: Frame
    prepared: PreparedFrame
    noise: Noise


@dataclass(frozen=True)
class _TemporalReader:
    clip: Clip
    denoise: Denoise | None
    noise: Noise | None
    live: bool

    def read(self, start: Fraction) -> Iterator[Frame]:
        """Yield the clean frames shown at or after `start`; see `Clip.read`."""
        frames = self._follow(start)
        filtered = _filter_live(frames, start) if self.live else _filter_windows(frames, start)
        for frame, found in prefetch(filtered, 1):
            yield frame if found is None else self._clean(frame, found)

    def _follow(self, start: Fraction) -> Iterator[tuple[ShotFrame, Noise]]:
        """Yield the frames on which those from `start` depend, with their noise."""
        first = next(iter(self.clip.read(start)), None) if start else None
        begin = start if first is None else min(start, first.time)  # it may last long
        if self.live:
            begin = lookback_begin(begin)
        if self.noise is None:
            begin = max(begin - LOOKBACK_S, Fraction(0))
        frames = read_with_preroll(self.clip, begin, shots.PREROLL_FRAMES + RADIUS)
        marked = mark_shots(prefetch(frames), stills=self.clip.stills)
        if self.noise is None:
            return follow_noise(marked)
        known = self.noise
        return ((item, known) for item in marked)

    def _clean(self, frame: Frame, filtered: Filtered) -> Frame:
        image = filtered.image
        if self.denoise is not None:
            image = self.denoise(image, filtered.noise)
            if image.shape != filtered.image.shape:
                raise ArrayError(
                    f"The denoiser returned {image.shape}; expected {filtered.image.shape}."
                )
        return _build_frame(frame, np.asarray(image, np.float32))


def _filter_windows(
    frames: Iterable[tuple[ShotFrame, Noise]], start: Fraction
) -> Iterator[tuple[Frame, Filtered | None]]:
    """Yield each frame shown at or after `start`; None for its result if it has no noise."""
    window_filter = WindowFilter()
    for window, centre in _slide(frames, start):
        held = window[centre]
        prepared = [one.prepared for one in window]
        is_noisy = held.noise.sigma > 0
        yield held.frame, window_filter(prepared, centre, held.noise) if is_noisy else None


def _filter_live(
    frames: Iterable[tuple[ShotFrame, Noise]], start: Fraction
) -> Iterator[tuple[Frame, Filtered | None]]:
    """As `_filter_windows`, by the recursive filter."""
    for frame, noise, filtered in filter_live(frames):
        if _is_shown(frame, start):
            yield frame, filtered if noise.sigma > 0 else None


def _slide(
    frames: Iterable[tuple[ShotFrame, Noise]], start: Fraction
) -> Iterator[tuple[list[_Held], int]]:
    """Yield a window, and the index of its centre, for each frame shown at or after `start`."""
    window: deque[_Held] = deque(maxlen=2 * RADIUS + 1)
    waiting = 0  # frames at the end of the window that were not its centre yet

    def release(least: int) -> Iterator[tuple[list[_Held], int]]:
        nonlocal waiting
        while waiting > least:
            centre = len(window) - waiting
            waiting -= 1
            if _is_shown(window[centre].frame, start):
                yield list(window)[max(0, centre - RADIUS) :], min(centre, RADIUS)

    for item, noise in frames:
        if item.begins:
            yield from release(0)
            window.clear()
        window.append(_Held(item.frame, prepare_frame(item.frame.image), noise))
        waiting += 1
        yield from release(RADIUS)
    yield from release(0)


def _is_shown(frame: Frame, start: Fraction) -> bool:
    """Whether a frame is shown at or after a time, by the rule of `Clip.read`."""
    return frame.time >= start or frame.time + frame.duration > start


def _build_frame(source: Frame, image: Floats) -> Frame:
    picture = _with_alpha(image, source.image)
    rounded = from_float(picture, source.image.dtype)
    return Frame(rounded, source.time, source.duration, ExactPicture(lambda: picture))


def _with_alpha(image: Floats, source: Picture) -> Floats:
    if source.shape[2] == 3:
        return image
    return np.concatenate([image, to_float(source[..., 3:])], axis=2)
