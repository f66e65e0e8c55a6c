"""The report on an enhanced video: a few frames of it, and the flicker and cost around them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import islice, pairwise
from statistics import median
from typing import Any

import cv2
import numpy as np

from kinoloom.base.arrays import Picture, from_float, to_float
from kinoloom.base.clip import Clip, Frame
from kinoloom.base.report import Section, Table
from kinoloom.enhance.estimate.measure import measure_clip
from kinoloom.enhance.estimate.noise import estimate_noise
from kinoloom.enhance.options import EnhanceOptions
from kinoloom.enhance.pictures.resizing import resize
from kinoloom.enhance.planning.order import INTERPOLATE, UPSCALE
from kinoloom.enhance.report.comparison import compare
from kinoloom.enhance.report.costs import StepCost, measure_steps, tabulate_costs
from kinoloom.enhance.report.tables import tabulate_measurements, tabulate_settings
from kinoloom.enhance.video.enhancement import VIDEO_SAMPLES, VideoWork, plan_video
from kinoloom.media.figures.time_line import draw_time_line
from kinoloom.metrics.flicker import measure_flicker
from kinoloom.motion.dense_flow import dense_flow
from kinoloom.motion.flow import Flow

_RUN_FRAMES = 4
"""Consecutive frames of the source that are compared with the result."""
_MOST_FRAMES = 9
"""Frames of the result that are computed for them."""
_STRIP_FRAMES = 5
_BLUR_PX = 1.0
"""Standard deviation of the blur before motion is estimated."""


@dataclass(frozen=True)
class VideoFindings:
    """The report on a video.

    Attributes:
        sections: in reading order.
        data: the findings as plain values.
    """

    sections: tuple[Section, ...]
    data: dict[str, Any]


@dataclass(frozen=True)
class Quality:
    """Noise and flicker before and after, in 8-bit levels at the size of the source.

    Attributes:
        noise_before, noise_after: standard deviations; medians over the frames.
        flicker_before, flicker_after: see `metrics.flicker`; nan if it cannot be measured.
    """

    noise_before: float
    noise_after: float
    flicker_before: float
    flicker_after: float


def report_on_video(source: Clip, result: Clip, options: EnhanceOptions) -> VideoFindings:
    """Return the sections on a video; only a few of its frames are computed again.

    Args:
        source: the input of `enhance`.
        result: its result.
        options: its options.
    """
    plan = plan_video(source, options)
    pairs = read_pairs(plan.clip, result)
    quality = measure_quality(pairs)
    measured = plan.settings.measurement or measure_clip(source, VIDEO_SAMPLES)[0]
    costs = _measure_costs(plan, pairs[0][0], result.frame_count)
    marks = [note.time * result.time_scale for note in result.notes if note.time is not None]
    strip = draw_time_line(
        result,
        marks,
        "the result from its first to its last frame; red marks are scene cuts, damaged frames and "
        "quality warnings",
        title="Time line",
        frames=_STRIP_FRAMES,
    )
    middle = pairs[len(pairs) // 2]
    sections = [
        *compare(middle[0].image, middle[1].image),
        *tabulate_settings(options, plan.settings),
        _tabulate_quality(quality),
        tabulate_measurements(measured, None),
        tabulate_costs(costs, unit="frame"),
        strip,
    ]
    data = asdict(quality) | {
        "choices": [one.reason for one in plan.settings.choices],
        "costs": [asdict(one) for one in costs],
    }
    return VideoFindings(tuple(sections), data)


def read_pairs(source: Clip, result: Clip) -> list[tuple[Frame, Frame]]:
    """Return consecutive frames from the middle of a video, and their results.

    Each frame of the source is paired with the nearest one of the result.

    Args:
        source, result: before and after; the result may have other frame times.
    """
    scale = result.time_scale / source.time_scale
    middle = (source.duration or Fraction(0)) / 2
    frames = list(islice(source.read(middle), _RUN_FRAMES)) or [next(iter(source))]
    read: list[Frame] = []
    for frame in islice(result.read(frames[0].time * scale), _MOST_FRAMES):
        read.append(frame)
        if frame.time >= frames[-1].time * scale:
            break
    if not read:
        read = [next(iter(result))]
    pairs: list[tuple[Frame, Frame]] = []
    for frame in frames:
        nearest = min(read, key=lambda one: abs(one.time - frame.time * scale))
        is_new = not pairs or pairs[-1][1] is not nearest
        if is_new and (not pairs or frame.time * scale <= read[-1].time):
            pairs.append((frame, nearest))
    return pairs


def measure_quality(pairs: Sequence[tuple[Frame, Frame]]) -> Quality:
    """Measure noise and flicker before and after; the motion is that of the result.

    Args:
        pairs: frames of the source and of the result in order of time, at least one.
    """
    height, width = pairs[0][0].image.shape[:2]
    before = [_prepare(first.image, width, height) for first, _ in pairs]
    after = [_prepare(second.image, width, height) for _, second in pairs]
    flicker = float("nan"), float("nan")
    if len(pairs) > 1:
        flows = [_estimate_flow(*pair) for pair in pairwise(after)]
        flicker = measure_flicker(before, after, flows), measure_flicker(after, after, flows)
    noise = [
        median(estimate_noise(one, luma_only=True).sigma for one in some)
        for some in (before, after)
    ]
    return Quality(noise[0], noise[1], *flicker)


def _prepare(image: Picture, width: int, height: int) -> Picture:
    return resize(np.ascontiguousarray(image[..., :3]), width, height)


def _estimate_flow(first: Picture, second: Picture) -> Flow:
    grey = [
        from_float(to_float(cv2.GaussianBlur(one, (0, 0), _BLUR_PX)), np.dtype(np.uint8)).mean(2)
        for one in (first, second)
    ]
    return dense_flow(grey[0].astype(np.uint8), grey[1].astype(np.uint8), None)


def _tabulate_quality(found: Quality) -> Table:
    rows = (
        ("noise, standard deviation", found.noise_before, found.noise_after),
        ("flicker", found.flicker_before, found.flicker_after),
    )
    shown = tuple((name, _show(before), _show(after)) for name, before, after in rows)
    columns = ("8-bit levels, at the size of the source", "before", "after")
    return Table(columns, shown, "Noise and flicker")


def _show(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "unknown"


def _measure_costs(plan: VideoWork, frame: Frame, result_frames: int | None) -> list[StepCost]:
    """Return the cost of reading, of the steps on each picture, and of the interpolation."""
    frames, steps = plan.clip.frame_count, plan.order.steps
    decoding = StepCost("decode", _time_frames(plan.clip, frame.time), frames)
    is_late = plan.interpolates and steps.index(INTERPOLATE) < steps.index(UPSCALE)
    work = plan.build_work(plan.networks)
    costs = measure_steps(work, plan.networks, frame.image[..., :3], plan.context, frames)
    if not plan.interpolates:
        return [decoding, *costs]
    new = None if frames is None or result_frames is None else max(result_frames - frames, 0)
    seconds = _time_frames(plan.interpolate(plan.clip), frame.time * plan.time_scale)
    pixels = 1 if is_late else work.scale**2
    name = "interpolate, for each new frame"
    interpolation = StepCost(name, seconds * pixels, new)
    if not is_late:
        return [decoding, *costs, interpolation]
    cleaning = [one for one in work.stages if one.scale == 1]
    late = [StepCost(one.name, one.seconds, result_frames) for one in costs[len(cleaning) :]]
    return [decoding, *costs[: len(cleaning)], interpolation, *late]


def _time_frames(clip: Clip, start: Fraction) -> float:
    """Return the mean seconds for each of a few frames, after the first one."""
    frames = clip.read(start)
    next(frames, None)
    begun, count = time.perf_counter(), 0
    for _ in islice(frames, _RUN_FRAMES):
        count += 1
    return (time.perf_counter() - begun) / max(count, 1)
