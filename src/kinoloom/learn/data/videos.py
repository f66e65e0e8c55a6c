"""Folders of videos: triplets of frames one to eight frames apart, decoded when drawn."""

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
from kinoloom.learn.data.scanning import Run, Scan, index_key, read_scans, scan, write_scans
from kinoloom.learn.data.source import FrameTriplet
from kinoloom.learn.files import find_by_suffix
from kinoloom.learn.seeds import generator

_SUFFIXES = {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".gif"}
_MAX_SIDE_PX = 960
_SPLIT_GAP_FRAMES = 16
"""Frames omitted between the parts of a split, so that they share no triplet."""
_STREAM = 5
"""Separates the random numbers of this source from those of others."""

Progress = Callable[[str, int, int], None]
"""Called with the name of a scanned video, the number of scanned videos, and the total."""


@dataclass(frozen=True)
class VideoRun:
    """A run of frames of a scanned video."""

    path: Path
    times: Run


@dataclass(frozen=True)
class VideoSource:
    """Draws triplets of equidistant frames, each within one scene of a video.

    Attributes:
        runs: at least one.
        strides: minimum and maximum distance between successive frames of a triplet, in frames.
        any_time: share of triplets whose middle frame is any frame between the others.
        longest_px: maximum side of the frames; larger ones are scaled down.
        skipped: one line for each unusable video, with the reason.

    Raises:
        UsageError: no run is passed, or the strides are not increasing from 1 on.
    """

    runs: Sequence[VideoRun]
    strides: tuple[int, int] = (1, 8)
    any_time: float = 0.0
    longest_px: int = _MAX_SIDE_PX
    skipped: tuple[str, ...] = ()
    _clips: dict[Path, Clip] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.runs or not 1 <= self.strides[0] <= self.strides[1]:
            raise UsageError(
                f"{len(self.runs)} runs with the strides {self.strides} contain no triplets.",
                hint="Pass at least one run, and strides such as (1, 8).",
            )

    def draw(self, index: int, seed: int) -> FrameTriplet:
        """Draw a sample; see `Source.draw`.

        The probability of a run is proportional to its length; a short run limits the stride.

        Raises:
            MediaError: the video cannot be read, or has changed since it was scanned.
        """
        rng = generator(seed, index, _STREAM)
        cumulative = np.cumsum([len(run.times) - 2 for run in self.runs])
        run = self.runs[
            int(np.searchsorted(cumulative, rng.integers(cumulative[-1]), side="right"))
        ]
        max_stride = min(self.strides[1], (len(run.times) - 1) // 2)
        stride = int(rng.integers(min(self.strides[0], max_stride), max_stride + 1))
        start = int(rng.integers(len(run.times) - 2 * stride))
        middle = int(rng.integers(1, 2 * stride)) if rng.random() < self.any_time else stride
        times = [run.times[start + offset] for offset in (0, middle, 2 * stride)]
        first, between, last = self._decode_triplet(run.path, times)
        origin = f"{run.path} at {float(times[0]):.3f} to {float(times[2]):.3f} s"
        return FrameTriplet((first, between, last), middle / (2 * stride), origin)

    def split(self, held_out: float) -> tuple[VideoSource, VideoSource]:
        """Split the source into one without the end of each run, and one with these ends.

        Args:
            held_out: fraction of each run that is held out, between 0 and 1.

        Raises:
            UsageError: one of the sources would be empty.
        """
        kept, held = [], []
        for run in self.runs:
            at = round(len(run.times) * (1 - held_out))
            kept.append(VideoRun(run.path, run.times[: max(0, at - _SPLIT_GAP_FRAMES)]))
            held.append(VideoRun(run.path, run.times[at:]))
        parts = [[run for run in runs if len(run.times) >= 3] for runs in (kept, held)]
        if not all(parts):
            raise UsageError(
                f"The videos are too short to hold out a fraction of {held_out:g}.",
                hint="Add more or longer videos, or hold out another fraction.",
            )
        rest = (self.strides, self.any_time, self.longest_px, self.skipped)
        return VideoSource(parts[0], *rest), VideoSource(parts[1], *rest)

    def _decode_triplet(self, path: Path, times: Sequence[Fraction]) -> list[NDArray[np.uint8]]:
        from kinoloom.media.video.reading import open_video

        if path not in self._clips:
            self._clips[path] = open_video(path)
        clip = self._clips[path]
        frames = _decode_frames(clip, times, times[0])
        if clip.notes.count("damage"):  # decoding from mid-stream may cause it
            frames = _decode_frames(clip, times, Fraction(0))
        if len(frames) != len(times):
            raise UnreadableMediaError(
                f"{path} has changed since it was scanned.",
                hint="Restart; delete the index file if there is one.",
            )
        return [_convert_frame(image, self.longest_px) for image in frames]

    def __getstate__(self) -> dict[str, object]:
        """Return the state for another process, without the open videos."""
        return vars(self) | {"_clips": {}}


def open_videos(
    folder: Path,
    *,
    index: Path | None = None,
    min_px: int = 0,
    progress: Progress = lambda name, done, total: None,
) -> VideoSource:
    """Open the videos below a folder, after scanning each for cuts and stills.

    Args:
        folder: searched recursively, by file suffix.
        index: file that caches the scans, or None.
        min_px: videos with a shorter side are skipped.
        progress: called for each video.

    Raises:
        InputNotFoundError: the folder does not exist, or contains no video.
        UnreadableMediaError: none of the videos can be used; the message has the reason.
        OutputError: the index cannot be written.
    """
    files = find_videos(folder)
    if not files:
        raise InputNotFoundError(
            f"{folder} contains no videos.",
            hint=f"Expected files with these suffixes: {', '.join(sorted(_SUFFIXES))}.",
        )
    scans = read_scans(index) if index else {}
    runs: list[VideoRun] = []
    skipped: list[str] = []
    for done, path in enumerate(files, 1):
        try:
            video_runs = _find_runs(path, scans, min_px)
        except MediaError as error:
            skipped.append(str(error))
        else:
            runs += [VideoRun(path, run) for run in video_runs]
        progress(path.name, done, len(files))
    if index:
        write_scans(index, scans)
    if not runs:
        raise UnreadableMediaError(
            f"None of the {len(files)} videos below {folder} can be used. {skipped[0]}"
        )
    return VideoSource(runs, skipped=tuple(skipped))


def find_videos(folder: Path) -> list[Path]:
    """Return the videos below a folder by their suffixes, sorted by path.

    Raises:
        InputNotFoundError: the folder does not exist.
    """
    return find_by_suffix(folder, _SUFFIXES)


def _find_runs(path: Path, scans: dict[str, Scan], min_px: int) -> tuple[Run, ...]:
    """Return the runs of a video from `scans`, which a missing scan is added to."""
    from kinoloom.media.video.reading import open_video

    clip = open_video(path)
    ratio = min(1.0, _MAX_SIDE_PX / max(clip.width, clip.height))
    if min(clip.width, clip.height) * ratio < min_px:
        raise UnreadableMediaError(
            f"{path} has {clip.width}x{clip.height} pixels, fewer than {min_px}x{min_px}."
        )
    if clip.color.is_hdr:
        raise UnreadableMediaError(f"{path} is HDR.", hint="Convert it to SDR first.")
    key = index_key(path)
    if key not in scans:
        scans[key] = scan(clip)
    if not scans[key].runs:
        raise UnreadableMediaError(f"{path} has no run of three frames with motion.")
    return scans[key].runs


def _decode_frames(clip: Clip, times: Sequence[Fraction], start: Fraction) -> list[NDArray[Any]]:
    """Return the frames at these times, decoded from `start` on."""
    frames = []
    for frame in clip.read(start):
        if frame.time in times:
            frames.append(frame.image)
        if frame.time >= times[-1]:
            break
    return frames


def _convert_frame(image: NDArray[Any], longest_px: int) -> NDArray[np.uint8]:
    """Return a frame without alpha, in 8 bits, scaled down if it is too large."""
    image = image[..., :3]
    if image.dtype != np.uint8:
        image = from_float(to_float(image), np.dtype(np.uint8))
    height, width = image.shape[:2]
    ratio = longest_px / max(height, width)
    if ratio < 1:
        small = (max(1, round(width * ratio)), max(1, round(height * ratio)))
        image = np.asarray(cv2.resize(image, small, interpolation=cv2.INTER_AREA))
    return np.asarray(image, np.uint8)
