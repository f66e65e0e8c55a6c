"""Test clips of the benchmark of video denoising: lossless videos, and folders of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinoloom.enhance.bench.pairs import list_pictures, read_rgb8
from kinoloom.errors import InputNotFoundError, UnreadableMediaError
from kinoloom.media.video.reading import open_video

Frames = NDArray[np.uint8]
"""(T, H, W, 3) uint8 RGB."""

_SUFFIXES = {".y4m", ".mkv", ".avi", ".mov", ".mp4", ".webm", ".nut", ".apng"}
_LEAST_FRAMES = 2


def find_clips(folder: Path) -> list[Path]:
    """Return the videos in a folder and its folders of pictures, sorted by name.

    Raises:
        InputNotFoundError: there are none, or the folder does not exist.
    """
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    found = [one for one in entries if one.suffix.lower() in _SUFFIXES or list_pictures(one)]
    if not found:
        raise InputNotFoundError(
            f"{folder} contains no clips.",
            hint="Expected lossless videos, such as .y4m or .mkv, or folders of pictures.",
        )
    return found


def read_clip(path: Path, most_frames: int | None) -> Frames:
    """Read a clip.

    Args:
        path: a video, or a folder of pictures of one size.
        most_frames: the first ones are read; None for all.

    Raises:
        UnreadableMediaError: it has one frame, more than 8 bits, or pictures of several sizes.
        MediaError: as `media.video.reading.open_video` and `pairs.read_rgb8`.
    """
    if path.is_dir():
        pictures = [read_rgb8(file) for file in list_pictures(path)[:most_frames]]
    else:
        pictures = [frame.image[..., :3] for frame in islice(open_video(path), most_frames)]
    if len(pictures) < _LEAST_FRAMES:
        raise UnreadableMediaError(f"{path} has one frame; a clip has at least {_LEAST_FRAMES}.")
    if len({picture.shape for picture in pictures}) > 1:
        raise UnreadableMediaError(f"{path} has pictures of several sizes; expected one.")
    if pictures[0].dtype != np.uint8:
        raise UnreadableMediaError(f"{path} has more than 8 bits; the protocol is for 8 bits.")
    return np.stack(pictures)


def add_clip_noise(frames: Frames, sigma: float, seed: int) -> Frames:
    """Return frames with Gaussian noise of one generator, rounded and clipped to 8 bits.

    Args:
        frames: (T, H, W, 3).
        sigma: standard deviation, in 8-bit levels.
        seed: of the generator, which is drawn frame by frame.
    """
    generator = np.random.default_rng(seed)
    noisy = [frame + generator.normal(0, sigma, frame.shape) for frame in frames]
    return _to_8_bit(noisy)


def _to_8_bit(pictures: Sequence[NDArray[np.float64]]) -> Frames:
    return np.stack([np.clip(np.rint(one), 0, 255).astype(np.uint8) for one in pictures])
