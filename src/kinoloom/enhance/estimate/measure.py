"""Measures photos and videos; of a video, the median over sampled frames.

Estimates of single frames vary; a decision per frame would flicker. Interlacing is found by the
reader of the video (`media.deinterlacing`), repeated frames by `motion.cuts`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from statistics import median

import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.base.clip import Clip, Frame
from kinoloom.enhance.estimate.blocks import BLOCK_PX, estimate_blockiness
from kinoloom.enhance.estimate.jpeg import estimate_jpeg_quality, read_jpeg_quality
from kinoloom.enhance.estimate.light import Exposure, estimate_banding, measure_exposure
from kinoloom.enhance.estimate.noise import Noise, estimate_noise
from kinoloom.enhance.estimate.sharpness import estimate_blur_px, estimate_true_resolution
from kinoloom.errors import UnreadableMediaError
from kinoloom.motion.cuts import is_repeat, take_thumbnail

_MOST_SIDE_PX = 2048
"""Of a photo, at most this much is measured."""
_RUN_FRAMES = 7
"""Consecutive frames that are compared for repeats, at each sampled frame."""


@dataclass(frozen=True)
class Estimates:
    """The estimates for one picture, or medians over several; nan where one cannot be made.

    Attributes:
        noise: see `noise.estimate_noise`.
        jpeg_quality: 1 to 100; None if there is no trace of JPEG.
        blockiness: see `blocks.estimate_blockiness`.
        blur_px: see `sharpness.estimate_blur_px`.
        banding: see `light.estimate_banding`.
        true_resolution: see `sharpness.estimate_true_resolution`.
        exposure: see `light.measure_exposure`.
    """

    noise: Noise
    jpeg_quality: int | None
    blockiness: float
    blur_px: float
    banding: float
    true_resolution: float
    exposure: Exposure


@dataclass(frozen=True)
class Measurement:
    """The estimates for one photo or video.

    Attributes:
        name: of the file, "" if there is none.
        width, height: as stored, in pixels.
        frames: number of frames measured; 1 for a photo.
        estimates: of a photo; the medians of a video, whose noise is that of luma.
        jpeg_source: where the quality is from: "file" (its tables), "pixels", or "" without one.
        interlacing: what the reader found, a sentence; "" for progressive video and photos.
        repeated_share: share of frames that repeat the previous one, 0..1; None for photos.
    """

    name: str
    width: int
    height: int
    frames: int
    estimates: Estimates
    jpeg_source: str = ""
    interlacing: str = ""
    repeated_share: float | None = None


def measure_clip(clip: Clip, samples: int) -> list[Measurement]:
    """Measure each photo of a clip of stills, or a video.

    Args:
        clip: photos or a video.
        samples: frames of a video that are measured, at least 1, evenly spaced.

    Raises:
        MediaError: a file cannot be read.
        UnreadableMediaError: the video has no frames.
    """
    if clip.stills:
        files = (*clip.files, *[None] * ((clip.frame_count or 0) - len(clip.files)))
        return [measure_photo(frame.image, path) for frame, path in zip(clip, files, strict=True)]
    return [_measure_video(clip, samples)]


def measure_photo(image: Picture, path: Path | None) -> Measurement:
    """Measure a photo, a large one in its centre.

    Args:
        image: (H, W, 3) or (H, W, 4), see `base.arrays`.
        path: the file that it is from, whose quantisation tables tell its JPEG quality; or None.

    Raises:
        ArrayError: not a picture.
    """
    estimates = _estimate(_crop_centre(image), luma_only=False)
    stored = read_jpeg_quality(path) if path else None
    source = "file" if stored else "pixels" if estimates.jpeg_quality else ""
    quality = stored or estimates.jpeg_quality
    height, width = image.shape[:2]
    name = path.name if path else ""
    return Measurement(name, width, height, 1, replace(estimates, jpeg_quality=quality), source)


def _crop_centre(image: Picture) -> Picture:
    """Return the centre of a large picture, on the grid of JPEG blocks."""
    parts = []
    for side in image.shape[:2]:
        start = max(0, side - _MOST_SIDE_PX) // 2 // BLOCK_PX * BLOCK_PX
        parts.append(slice(start, min(side, start + _MOST_SIDE_PX)))
    return image[parts[0], parts[1]]


def _measure_video(clip: Clip, samples: int) -> Measurement:
    found, repeats, pairs = [], 0, 0
    for frames in _sample(clip, samples):
        found.append(_estimate(frames[0].image, luma_only=True))
        looks = [take_thumbnail(frame) for frame in frames]
        repeats += sum(is_repeat(*pair) for pair in pairwise(looks))
        pairs += len(looks) - 1
    if not found:
        raise UnreadableMediaError("The video has no frames.")
    return Measurement(
        clip.files[0].name if clip.files else "",
        clip.width,
        clip.height,
        len(found),
        _combine(found),
        interlacing=" ".join(note.message for note in clip.notes if note.kind == "interlaced"),
        repeated_share=repeats / pairs if pairs else 0.0,
    )


def _sample(clip: Clip, samples: int) -> Iterator[Sequence[Frame]]:
    """Yield a few consecutive frames at each of some evenly spaced times."""
    duration = clip.duration or Fraction(0)
    previous: Fraction | None = None
    for time in sorted({duration * k / samples for k in range(samples)}):
        frames = list(islice(clip.read(time), _RUN_FRAMES))
        if frames and frames[0].time != previous:
            previous = frames[0].time
            yield frames


def _estimate(image: Picture, *, luma_only: bool) -> Estimates:
    has_trace = not luma_only and image.dtype.name == "uint8"
    return Estimates(
        estimate_noise(image, luma_only=luma_only),
        estimate_jpeg_quality(image) if has_trace else None,
        estimate_blockiness(image),
        estimate_blur_px(image),
        estimate_banding(image),
        estimate_true_resolution(image),
        measure_exposure(image),
    )


def _combine(frames: Sequence[Estimates]) -> Estimates:
    """Return the medians over frames."""

    def over_frames(value: Callable[[Estimates], float]) -> float:
        known = [value(one) for one in frames if not np.isnan(value(one))]
        return float(median(known)) if known else float("nan")

    return Estimates(
        Noise(
            over_frames(lambda one: one.noise.sigma),
            over_frames(lambda one: one.noise.constant),
            over_frames(lambda one: one.noise.slope),
        ),
        None,
        over_frames(lambda one: one.blockiness),
        over_frames(lambda one: one.blur_px),
        over_frames(lambda one: one.banding),
        over_frames(lambda one: one.true_resolution),
        Exposure(
            over_frames(lambda one: one.exposure.mean),
            over_frames(lambda one: one.exposure.low),
            over_frames(lambda one: one.exposure.high),
            over_frames(lambda one: one.exposure.dark_share),
            over_frames(lambda one: one.exposure.bright_share),
        ),
    )
