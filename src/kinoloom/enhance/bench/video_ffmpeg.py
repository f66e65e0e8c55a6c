"""Denoising filters of the program ffmpeg, where it is installed, as peers.

Frames go through a pipe, as planar YCbCr without subsampling, which these filters need. The time
of a filter is that of the whole run less that of a run without the filter, so that neither the
start of the program nor the conversion counts; a fast filter is timed on more frames.

`benchmarks/enhance_video_peers.py` searches for the strengths that `video_denoisers` sets.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from dataclasses import dataclass

import numpy as np

from kinoloom.enhance.bench.video_clips import Frames
from kinoloom.errors import MissingError

_PROGRAM = "ffmpeg"
_REPEATS, _TIMED_FRAMES = 3, 240
_LEAST_FRAMES = 9
"""Shorter clips repeat their last frame: atadenoise never ends on two frames."""
_TIMEOUT_S, _TIMEOUT_FRAME_S = 60, 30
_SLOW_S = 0.02
"""Per frame; slower filters are timed once, on the clip alone."""


def has_ffmpeg() -> bool:
    """Whether the program is installed."""
    return shutil.which(_PROGRAM) is not None


@dataclass(frozen=True)
class FfmpegFilter:
    """A filter of ffmpeg; call it with frames and their noise.

    Attributes:
        pattern: its description, with {name} in place of a number.
        factors: the numbers by name, for noise of one level.
        limit: of the numbers.
    """

    pattern: str
    factors: tuple[tuple[str, float], ...] = ()
    limit: float = float("inf")

    def describe(self, sigma: float) -> str:
        """Return the filter's description for noise of `sigma` levels."""
        values = {name: min(factor * sigma, self.limit) for name, factor in self.factors}
        return self.pattern.format(**{name: f"{value:.4f}" for name, value in values.items()})

    def __call__(self, frames: Frames, sigma: float) -> Frames:
        """Return the denoised frames, (T, H, W, 3) uint8.

        Args:
            frames: (T, H, W, 3) uint8.
            sigma: standard deviation of the noise, in levels.

        Raises:
            MissingError: the program is not installed, or has no such filter.
        """
        return run_ffmpeg(frames, self.describe(sigma))

    def time_frame(self, frames: Frames, sigma: float) -> float:
        """Return the seconds for each frame, at least 0; raises as calling it."""
        described = self.describe(sigma)
        seconds = _time_run(frames, described) - _time_run(frames, "null")
        if seconds < _SLOW_S * len(frames):
            frames = np.concatenate([frames] * -(-_TIMED_FRAMES // len(frames)))
            runs = [
                _time_run(frames, described) - _time_run(frames, "null") for _ in range(_REPEATS)
            ]
            seconds = float(np.median(runs))
        return max(seconds / len(frames), 0.0)


def run_ffmpeg(frames: Frames, described: str) -> Frames:
    """Run a chain of filters on frames, (T, H, W, 3) uint8.

    Raises:
        MissingError: the program is not installed, or fails.
    """
    height, width = frames.shape[1:3]
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24"]
    size = ["-video_size", f"{width}x{height}", "-framerate", "25"]
    chain = f"format=yuv444p,{described},format=rgb24"
    command = [_PROGRAM, "-v", "error", *raw, *size, "-i", "pipe:0", "-vf", chain, *raw, "pipe:1"]
    padded = np.concatenate([frames, *[frames[-1:]] * (_LEAST_FRAMES - len(frames))])
    timeout_s = _TIMEOUT_S + _TIMEOUT_FRAME_S * len(padded)
    try:
        found = subprocess.run(
            command, input=padded.tobytes(), capture_output=True, check=True, timeout=timeout_s
        )
    except FileNotFoundError as error:
        raise MissingError(
            "The program ffmpeg is not installed.", hint="Install it: apt install ffmpeg"
        ) from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines()
        raise MissingError(
            f"ffmpeg cannot run the filter {described}: {said[-1] if said else 'no message'}",
            hint="Install a complete ffmpeg: apt install ffmpeg",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise MissingError(
            f"ffmpeg's filter {described} did not end within {timeout_s} s.",
            hint="Leave it out of --denoisers.",
        ) from error
    return np.frombuffer(found.stdout, np.uint8).reshape(padded.shape)[: len(frames)]


def _time_run(frames: Frames, described: str) -> float:
    begin = time.perf_counter()
    run_ffmpeg(frames, described)
    return time.perf_counter() - begin
