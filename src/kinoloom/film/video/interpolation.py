"""A video at another rate or speed; decoding, interpolation and encoding overlap in time.

Memory does not grow with the length of the video.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from kinoloom.base.arrays import Picture, from_float
from kinoloom.base.audio import Audio
from kinoloom.base.clip import Clip, Frame, read_with_preroll
from kinoloom.base.prefetch import prefetch
from kinoloom.errors import UnreadableMediaError, UsageError
from kinoloom.film.engine import Interpolator, NewFrames, PictureFormat
from kinoloom.film.memory import FilmNeeds, choose_engine_within_budget
from kinoloom.film.options import InterpolateOptions
from kinoloom.film.quality.warnings import QualityMonitor
from kinoloom.film.selection import describe_engine
from kinoloom.film.video.headroom import widen_pair
from kinoloom.film.video.intervals import SourceInterval, parse_cuts, split_intervals
from kinoloom.film.video.schedule import OutputFrame, Schedule, plan_schedule
from kinoloom.media.frames.exact import ExactPicture

_PHOTO_OPTIONS = ("seconds", "hold", "loop", "boomerang")
PREROLL_FRAMES = 16
"""Frames read before a seek position, so that cuts and repeats are detected as from the start.

A run of repeats has at most four frames. The first run that is read may be truncated; the
following ones are complete, and detection looks back one run only.
"""
_HELD_PICTURES = 6
"""The frames on either side of the new ones, exact and with headroom, and new ones that wait."""


def interpolate_video(clip: Clip, options: InterpolateOptions) -> Clip:
    """Build the lazy clip at the requested rate or speed.

    Raises:
        UsageError: an option for photos, or options that contradict each other.
        UnreadableMediaError: the video has no frames.
    """
    return open_video_film(clip, options)[0]


def open_video_film(clip: Clip, options: InterpolateOptions) -> tuple[Clip, VideoFilm]:
    """Build the lazy clip, and what renders single frames of it.

    Raises:
        UsageError, UnreadableMediaError: as `interpolate_video`.
    """
    for name in _PHOTO_OPTIONS:
        if getattr(options, name):
            raise UsageError(f"--{name} applies to photos, but the input is a video.")
    engine, engine_options, budget = choose_engine_within_budget(
        clip, options, _estimate_needs(clip, options)
    )
    first = next(iter(clip), None)
    if first is None:
        raise UnreadableMediaError("The video has no frames.")
    schedule = plan_schedule(
        clip, first.time, fps=options.fps, times=options.times, slow=options.slow
    )
    cuts = None if options.cuts is None else parse_cuts(options.cuts)
    film = VideoFilm(clip, schedule, engine.build(engine_options), options.dedup, cuts)
    count = schedule.count_frames(clip.duration)
    known = clip.duration and clip.duration * schedule.slow
    result = clip.with_(
        read=film.read,
        rate=schedule.rate,
        duration=count / schedule.rate if count and schedule.rate else known,
        frame_count=count,
        audio=_retime_audio(clip, schedule.slow, options.sound),
        time_scale=clip.time_scale * schedule.slow,
        made_with={**clip.made_with, **describe_engine(engine, engine_options)},
        provenance=None,
        budget=budget,
    )
    return result, film


def _estimate_needs(clip: Clip, options: InterpolateOptions) -> FilmNeeds:
    """Return what the film needs, from what is known before the first frame."""
    pictures = PictureFormat(clip.height, clip.width, 4, 4)  # float32, with headroom
    schedule = plan_schedule(
        clip, Fraction(0), fps=options.fps, times=options.times, slow=options.slow
    )
    return FilmNeeds(
        pictures,
        clip.width,
        clip.height,
        clip.bits,
        frames=schedule.count_frames(clip.duration),
        held_bytes=_HELD_PICTURES * pictures.nbytes,
    )


def _retime_audio(clip: Clip, slow: Fraction, sound: str | None) -> tuple[Audio, ...]:
    if sound == "drop":
        return ()
    if sound == "keep" and slow != 1:
        raise UsageError(
            f"--sound keep needs an unchanged duration, but the output is {slow} times longer.",
            hint="Use --sound stretch or --sound drop.",
        )
    if slow == 1:
        return clip.audio
    from kinoloom.media.audio.reading import stretch

    return tuple(stretch(track, slow) for track in clip.audio)


@dataclass(frozen=True, eq=False)
class VideoFilm:
    """The frames of an interpolated video, rendered when they are read."""

    clip: Clip
    schedule: Schedule
    engine: Interpolator
    dedup: bool
    cuts: tuple[Fraction, ...] | None

    def read(self, start: Fraction) -> Iterator[Frame]:
        """Yield the output frames shown at or after `start`, in order."""
        monitor = QualityMonitor(self.clip.notes, self.schedule.slow)
        for interval, slots in self.read_intervals(start):
            positions = [slot.position for slot in slots if slot.position]
            images = self._render_images(interval, positions, monitor)
            for slot in slots:
                yield self._build_frame(interval, slot, images)
        monitor.finish()

    def read_intervals(
        self, start: Fraction
    ) -> Generator[tuple[SourceInterval, list[OutputFrame]], None, None]:
        """Yield the source intervals of the frames at or after `start`, with these frames."""
        frames = prefetch(read_with_preroll(self.clip, start / self.schedule.slow, PREROLL_FRAMES))
        intervals = split_intervals(frames, dedup=self.dedup, notes=self.clip.notes, cuts=self.cuts)
        yield from self.schedule.assign_frames(intervals, start)

    def interpolate_frames(self, first: Frame, second: Frame, times: Sequence[float]) -> NewFrames:
        """Yield new frames between two of the source, with their error estimates.

        They are float32 if those of the source were rounded.
        """
        pair, headroom = widen_pair(first, second, self.clip.color)
        for image, error in self.engine.interpolate(*pair, times):
            yield image if headroom is None else headroom.expand(image), error

    def _render_images(
        self, interval: SourceInterval, positions: list[Fraction], monitor: QualityMonitor
    ) -> Iterator[Picture]:
        """Yield a picture for each position; float32 if those of the source were rounded."""
        first, second = interval.first.image, interval.second
        if not interval.is_continuous or second is None or np.array_equal(first, second.image):
            yield from (first for _ in positions)
            return
        times = [float(position) for position in positions]
        for image, error in self.interpolate_frames(interval.first, second, times):
            monitor.add_frame(interval.first.time, interval.end, error)
            yield image

    def _build_frame(
        self, interval: SourceInterval, slot: OutputFrame, images: Iterator[Picture]
    ) -> Frame:
        source = interval.first
        image = next(images) if slot.position else source.image
        if image is source.image:
            return replace(source, time=slot.time, duration=slot.duration)
        if image.dtype == source.image.dtype:
            return Frame(image, slot.time, slot.duration)
        rounded = from_float(image, source.image.dtype)
        return Frame(rounded, slot.time, slot.duration, ExactPicture(lambda: image))
