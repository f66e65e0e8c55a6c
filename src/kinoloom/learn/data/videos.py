"""Folders of videos: triplets of frames one to eight apart, decoded when they are drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import from_float, to_float
from kinoloom.base.clip import Clip
from kinoloom.errors import InputNotFoundError, MediaError, UnreadableMediaError, UsageError
from kinoloom.learn.data.scanning import Run, Scan, key_of, read_scans, scan, write_scans
from kinoloom.learn.data.source import Shot
from kinoloom.learn.seeds import generator

_SUFFIXES = {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".gif"}
_LONGEST_SIDE_PX = 960
_BETWEEN = 16
"""Frames left out between the parts of a split, so that they share no triplet."""
_VIDEOS = 5
"""Keeps this source's random numbers apart from others'."""

Progress = Callable[[str, int, int], None]
"""Called with the name of a video that was looked through, how many were, and of how many."""


@dataclass(frozen=True)
class VideoRun:
    """A run of frames in a video that was scanned."""

    path: Path
    times: Run


@dataclass(frozen=True)
class VideoSource:
    """Draws triplets of frames that lie evenly apart, within one scene of a video.

    Attributes:
        runs: at least one.
        strides: the least and most frames from one frame of a triplet to the next.
        any_time: share of triplets whose middle frame may be any between the two others.
        longest_px: frames with a longer side are made smaller.
        left_out: videos of the folder that are not used, each with the reason.

    Raises:
        UsageError: no run, or strides not in order from 1 on.
    """

    runs: Sequence[VideoRun]
    strides: tuple[int, int] = (1, 8)
    any_time: float = 0.0
    longest_px: int = _LONGEST_SIDE_PX
    left_out: tuple[str, ...] = ()
    _clips: dict[Path, Clip] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.runs or not 1 <= self.strides[0] <= self.strides[1]:
            raise UsageError(
                f"Triplets cannot be drawn from {len(self.runs)} runs at strides {self.strides}.",
                hint="Strides go from at least 1 up, as in (1, 8).",
            )

    def draw(self, index: int, seed: int) -> Shot:
        """See `Source.draw`. A long run is drawn from more often; a short one at short strides.

        Raises:
            MediaError: the video cannot be read, or has changed since it was looked through.
        """
        rng = generator(seed, index, _VIDEOS)
        room = np.cumsum([len(run.times) - 2 for run in self.runs])
        run = self.runs[int(np.searchsorted(room, rng.integers(room[-1]), side="right"))]
        most = min(self.strides[1], (len(run.times) - 1) // 2)
        stride = int(rng.integers(min(self.strides[0], most), most + 1))
        begin = int(rng.integers(len(run.times) - 2 * stride))
        middle = int(rng.integers(1, 2 * stride)) if rng.random() < self.any_time else stride
        times = [run.times[begin + offset] for offset in (0, middle, 2 * stride)]
        first, between, last = self._frames(run.path, times)
        origin = f"{run.path} at {float(times[0]):.3f} to {float(times[2]):.3f} s"
        return Shot((first, between, last), middle / (2 * stride), origin)

    def split(self, held_out: float) -> tuple[VideoSource, VideoSource]:
        """This source without the end of each run, and one of these ends.

        Args:
            held_out: part of each run that is held out, between 0 and 1.

        Raises:
            UsageError: one of them would have nothing.
        """
        kept, held = [], []
        for run in self.runs:
            at = round(len(run.times) * (1 - held_out))
            kept.append(VideoRun(run.path, run.times[: max(0, at - _BETWEEN)]))
            held.append(VideoRun(run.path, run.times[at:]))
        parts = [[run for run in runs if len(run.times) >= 3] for runs in (kept, held)]
        if not all(parts):
            raise UsageError(
                f"There is too little video to hold {held_out:g} of it out.",
                hint="Give more or longer videos, or another part.",
            )
        rest = (self.strides, self.any_time, self.longest_px, self.left_out)
        return VideoSource(parts[0], *rest), VideoSource(parts[1], *rest)

    def _frames(self, path: Path, times: Sequence[Fraction]) -> list[NDArray[np.uint8]]:
        from kinoloom.media.video.reading import open_video

        if path not in self._clips:
            self._clips[path] = open_video(path)
        clip = self._clips[path]
        found = _pictures(clip, times, times[0])
        if clip.notes.count("damage"):  # perhaps only because decoding began in mid-stream
            found = _pictures(clip, times, Fraction(0))
        if len(found) != len(times):
            raise UnreadableMediaError(
                f"{path} has changed since it was looked through.",
                hint="Start again; delete the index file if it is kept.",
            )
        return [_fitted(image, self.longest_px) for image in found]

    def __getstate__(self) -> dict[str, object]:
        """What another process needs: not the open videos."""
        return vars(self) | {"_clips": {}}


def open_videos(
    folder: Path,
    *,
    index: Path | None = None,
    min_px: int = 0,
    progress: Progress = lambda name, done, total: None,
) -> VideoSource:
    """The videos below a folder, each looked through for cuts and stills.

    Args:
        folder: searched with all folders in it, by suffix.
        index: file that keeps what was found, or None.
        min_px: videos with a shorter side are left out.
        progress: told of each video.

    Raises:
        InputNotFoundError: there is no such folder, or no video in it.
        UnreadableMediaError: none of the videos can be used; the message says why.
        OutputError: the index cannot be written.
    """
    files = find_videos(folder)
    if not files:
        raise InputNotFoundError(f"There is no video below {folder}.")
    known = read_scans(index) if index else {}
    runs: list[VideoRun] = []
    left_out: list[str] = []
    for done, path in enumerate(files, 1):
        try:
            found = _runs_in(path, known, min_px)
        except MediaError as error:
            left_out.append(str(error))
        else:
            runs += [VideoRun(path, run) for run in found]
        progress(path.name, done, len(files))
    if index:
        write_scans(index, known)
    if not runs:
        raise UnreadableMediaError(
            f"None of the {len(files)} videos below {folder} can be used. {left_out[0]}"
        )
    return VideoSource(runs, left_out=tuple(left_out))


def find_videos(folder: Path) -> list[Path]:
    """The videos below a folder by their suffixes, in order of their names.

    Raises:
        InputNotFoundError: there is no such folder.
    """
    if not folder.is_dir():
        raise InputNotFoundError(f"There is no folder {folder}.")
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in _SUFFIXES and not path.name.startswith(".")
    )


def _runs_in(path: Path, known: dict[str, Scan], min_px: int) -> tuple[Run, ...]:
    """The runs of one video, from the scans that are known or by a new one, which is added."""
    from kinoloom.media.video.reading import open_video

    clip = open_video(path)
    ratio = min(1.0, _LONGEST_SIDE_PX / max(clip.width, clip.height))
    if min(clip.width, clip.height) * ratio < min_px:
        raise UnreadableMediaError(
            f"{path} has {clip.width}x{clip.height} pixels, less than {min_px} a side."
        )
    if clip.colour.is_hdr:
        raise UnreadableMediaError(f"{path} is HDR.", hint="Convert it to SDR first.")
    key = key_of(path)
    if key not in known:
        known[key] = scan(clip)
    if not known[key].runs:
        raise UnreadableMediaError(f"{path} has no three frames in which something moves.")
    return known[key].runs


def _pictures(clip: Clip, times: Sequence[Fraction], start: Fraction) -> list[NDArray[Any]]:
    """The frames at these times, of those read from `start` on."""
    found = []
    for frame in clip.read(start):
        if frame.time in times:
            found.append(frame.image)
        if frame.time >= times[-1]:
            break
    return found


def _fitted(image: NDArray[Any], longest_px: int) -> NDArray[np.uint8]:
    """A frame without alpha, in 8 bits, made smaller if it is too large."""
    image = image[..., :3]
    if image.dtype != np.uint8:
        image = from_float(to_float(image), np.dtype(np.uint8))
    height, width = image.shape[:2]
    ratio = longest_px / max(height, width)
    if ratio < 1:
        small = (max(1, round(width * ratio)), max(1, round(height * ratio)))
        image = np.asarray(cv2.resize(image, small, interpolation=cv2.INTER_AREA))
    return np.asarray(image, np.uint8)
