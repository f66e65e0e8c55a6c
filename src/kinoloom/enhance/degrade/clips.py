"""Degraded clips: lost frames, degraded pictures, and a real codec, lazily and from any start.

Every frame depends on the recipe and on its own time alone, or, behind the codec, on the frames of
its group: each group of two seconds, counted from time 0, begins with a key frame. Hence reading
from the middle gives the same frames as reading everything, and needs no intermediate file.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import groupby

import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.base.clip import Clip, Color, Frame
from kinoloom.enhance.degrade.recipe import Recipe, VideoStage, apply_steps
from kinoloom.errors import UnsupportedMediaError
from kinoloom.media.recompression import recompress

GROUP_S = 2
"""Distance of key frames, in seconds."""
_TICKS_PER_S = 1_000_000
_USUAL_RATE = Fraction(30)
_FREEZE_STREAM = 1 << 20
"""Separates the random numbers of freezes from those of steps."""
_LOOKAHEAD_FRAMES = 60
"""Frames inside the encoder, for the estimate of memory."""

Read = Callable[[Fraction], Iterator[Frame]]


def degrade_clip(clip: Clip, recipe: Recipe) -> Clip:
    """Degrade a clip; sound, times and metadata are unchanged.

    Args:
        clip: SDR, with times.
        recipe: what is done; without a video stage, pictures are degraded one by one.

    Returns:
        A clip of 8-bit pictures, whose sides are divided by the recipe's scale.

    Raises:
        UnsupportedMediaError: the clip is HDR.
    """
    check_sdr(clip)
    height, width = recipe.find_output_size(clip.height, clip.width)
    video = recipe.video
    divisor = 1 if video is None else video.rate_divisor
    thinned = _thin(clip, divisor)
    read = _degrade_pictures(thinned.read, recipe)
    group = 0
    if video is not None:
        rate = clip.rate or _estimate_rate(clip)
        read = _recompress(read, recipe.seed, video, rate / divisor, clip.color)
        group = _LOOKAHEAD_FRAMES * height * width * 3
    return thinned.with_(
        read=read,
        width=width,
        height=height,
        bits=8,
        chroma=(2, 2) if video else clip.chroma,
        codec="",
        provenance=None,
        made_with={"degradation": recipe.to_dict()},
        reading_bytes=clip.reading_bytes + 16 * clip.height * clip.width * 3 + group,
    )


def check_sdr(clip: Clip) -> None:
    """Check that a clip is not HDR.

    Raises:
        UnsupportedMediaError: it is.
    """
    if clip.color.is_hdr:
        raise UnsupportedMediaError(
            "The pictures are HDR; degradations are defined for SDR.",
            hint="Convert the clip to SDR first.",
        )


def _estimate_rate(clip: Clip) -> Fraction:
    if clip.frame_count and clip.duration:
        return Fraction(clip.frame_count) / clip.duration
    return _USUAL_RATE


def _thin(clip: Clip, divisor: int) -> Clip:
    """Divide the frame rate; each kept frame lasts until the next one."""
    if divisor == 1:
        return clip
    rate = (clip.rate or _estimate_rate(clip)) / divisor

    def find_slot(frame: Frame) -> int:
        return int(frame.time * rate // 1)

    def read(start: Fraction) -> Iterator[Frame]:
        shown = next(clip.read(start), None)
        if shown is None:
            return
        begin = find_slot(shown)
        frames = (f for f in clip.read(begin / rate) if find_slot(f) >= begin)
        for frame in _merge(frames, find_slot):
            if frame.time >= start or frame.time + frame.duration > start:
                yield frame

    return clip.with_(read=read, rate=rate if clip.rate else None, frame_count=None)


def _merge(frames: Iterator[Frame], find_slot: Callable[[Frame], int]) -> Iterator[Frame]:
    """Yield the first frame of each slot, which lasts until the next slot begins."""
    held: Frame | None = None
    for frame in frames:
        if held is not None and find_slot(frame) == find_slot(held):
            held = replace(held, duration=frame.time + frame.duration - held.time)
            continue
        if held is not None:
            yield held
        held = frame
    if held is not None:
        yield held


def _degrade_pictures(read: Read, recipe: Recipe) -> Read:
    def read_degraded(start: Fraction) -> Iterator[Frame]:
        for frame in read(start):
            image = apply_steps(frame.image, recipe, _tick(frame.time))
            yield Frame(image, frame.time, frame.duration)

    return read_degraded


def _recompress(read: Read, seed: int, video: VideoStage, rate: Fraction, color: Color) -> Read:
    """Encode and decode groups of frames."""

    def find_group(frame: Frame) -> int:
        return int(frame.time // GROUP_S)

    def read_compressed(start: Fraction) -> Iterator[Frame]:
        shown = next(read(start), None)
        if shown is None:
            return
        begin = find_group(shown)
        frames = (f for f in read(Fraction(begin * GROUP_S)) if find_group(f) >= begin)
        for _, group in groupby(frames, key=find_group):
            for frame in _compress_group(group, seed, video, rate, color):
                if frame.time >= start or frame.time + frame.duration > start:
                    yield frame

    return read_compressed


def _compress_group(
    group: Iterator[Frame], seed: int, video: VideoStage, rate: Fraction, color: Color
) -> Iterator[Frame]:
    """Encode and decode one group; frozen frames repeat the one before them."""
    pending: deque[Frame] = deque()

    def feed() -> Iterator[Picture]:
        sent: Picture | None = None
        for frame in group:
            pending.append(frame)
            rng = np.random.default_rng((seed, _tick(frame.time), _FREEZE_STREAM))
            if sent is None or rng.random() >= video.freeze:
                sent = frame.image[..., :3]
            yield sent

    for colours in recompress(feed(), video.compression, rate, color):
        frame = pending.popleft()
        image = np.concatenate([colours, frame.image[..., 3:]], axis=2)
        yield replace(frame, image=image)


def _tick(time: Fraction) -> int:
    """Return the number of a frame for its noise: its time in microseconds, at least 0."""
    return int(time * _TICKS_PER_S // 1) % (1 << 63)
