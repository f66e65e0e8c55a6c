"""Synthetic images and clips: a moving texture, blinks and clicks."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

import kinoloom
from kinoloom import Audio, Clip, Frame

SIZE = (96, 64)
Picture = NDArray[np.uint8]


def texture(seed: int = 0, width: int = 400, height: int = 300, cell: int = 6) -> Picture:
    """Return the scene of a seed: shapes on a smooth texture, (height, width, 3) uint8."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(20, 236, (height // cell, width // cell, 3), np.uint8)
    picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    for _ in range(40):
        centre = (int(rng.integers(0, width)), int(rng.integers(0, height)))
        color = rng.integers(0, 256, 3).tolist()
        cv2.circle(picture, centre, int(rng.integers(6, 26)), color, -1, cv2.LINE_AA)
    return picture


def view(picture: Picture, x: float, y: float = 20.0, size: tuple[int, int] = SIZE) -> Picture:
    """Crop an image with its top left corner at (x, y), with sub-pixel precision."""
    shift = np.array([[1, 0, -x], [0, 1, -y]], np.float32)
    return cv2.warpAffine(picture, shift, size, flags=cv2.INTER_CUBIC)


def panning(
    count: int, step: float = 2.0, seed: int = 0, size: tuple[int, int] = SIZE
) -> list[Picture]:
    """Return views of a texture, each `step` px right of the previous one."""
    picture = texture(seed)
    return [view(picture, 10 + k * step, size=size) for k in range(count)]


def clip_of(pictures: Sequence[Picture], rate: Fraction, **fields: object) -> Clip:
    """Build an in-memory clip at a constant rate."""
    frames = [Frame(p, k / rate, 1 / rate) for k, p in enumerate(pictures)]
    return Clip.from_frames(frames, rate=rate, **fields)


def save_photos(folder: Path, pictures: Sequence[Picture]) -> list[Path]:
    """Write images as 0.png, 1.png, ... and return their paths."""
    paths = [folder / f"{k}.png" for k in range(len(pictures))]
    for path, picture in zip(paths, pictures, strict=True):
        cv2.imwrite(str(path), picture[..., ::-1])
    return paths


def blinking_video(path: Path, rate: Fraction, seconds: int, codec: str = "h264") -> Path:
    """Write a pan with a bright patch and a click at the start of each second.

    The patch, in the top left corner, and the click last 0.1 s each.
    """
    count = int(seconds * rate)
    pictures = panning(count, step=0.25)
    for k, picture in enumerate(pictures):
        lit = (k / rate) % 1 < Fraction(1, 10)
        picture[:16, :16] = 255 if lit else 0
    clip = clip_of(pictures, rate).with_(audio=(clicks(Fraction(count) / rate),))
    kinoloom.write(clip, path, codec=codec)
    return path


def clicks(duration: Fraction, rate_hz: int = 48000) -> Audio:
    """Return mono audio with a tone of 1 kHz for 0.1 s at the start of each second."""

    def read() -> Iterator[NDArray[np.float32]]:
        total = int(duration * rate_hz)
        for begin in range(0, total, rate_hz):
            t = np.arange(min(rate_hz, total - begin)) / rate_hz
            yield (0.5 * np.sin(2000 * np.pi * t) * (t < 0.1)).astype(np.float32)[:, None]

    return Audio(read, rate_hz, 1, "mono", duration=duration)


def click_times(audio: Audio) -> list[float]:
    """Return the start of each click, in seconds of the clip."""
    samples = np.abs(audio.samples()[:, 0])
    window = audio.rate_hz // 200
    loud = np.convolve(samples, np.ones(window) / window, "full")[: len(samples)] > 0.1
    starts = np.flatnonzero(np.diff(np.concatenate([[False], loud]).astype(int)) == 1)
    apart = starts[np.diff(starts, prepend=-audio.rate_hz) > audio.rate_hz // 2]
    return [float(audio.start) + (s - window / 3) / audio.rate_hz for s in apart]


def blink_times(clip: Clip) -> list[float]:
    """Return the times at which the patch lights up, in seconds."""
    times, before = [], False
    for frame in clip:
        now = frame.image[2:10, 2:10].mean() > 180
        if now and not before:
            times.append(float(frame.time))
        before = now
    return times
