"""A video at another rate or speed: decode, weave and encode overlap, memory stays constant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain

import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.base.audio import Audio
from kinoloom.base.clip import Clip, Frame
from kinoloom.base.prefetch import prefetch
from kinoloom.errors import UnreadableMediaError, UsageError
from kinoloom.film.choose import allowed_by, choose, made_with
from kinoloom.film.engine import Interpolator
from kinoloom.film.options import InterpolateOptions
from kinoloom.film.quality.warnings import Stretches, made_with_errors
from kinoloom.film.video.intervals import Interval, intervals
from kinoloom.film.video.schedule import Schedule, Slot, plan_schedule

_PHOTOS_ONLY = ("seconds", "hold", "loop", "boomerang")
_RUN_UP_FRAMES = 16
"""Frames read before a start in mid-clip, so that cuts and repeats are told the same way.

A run of repeats has four frames at most. The first run that is read may have lost its beginning;
the next ones are whole, and a pair is told from one run before it.
"""
_USUAL_RUN_UP_S = Fraction(1)


def film_of_video(clip: Clip, options: InterpolateOptions) -> Clip:
    """Make the clip that was asked for; its frames are made when it is read.

    Raises:
        UsageError: an option that is for photos, or options that contradict each other.
        UnreadableMediaError: the video has no frames.
    """
    for name in _PHOTOS_ONLY:
        if getattr(options, name):
            raise UsageError(f"--{name} is for photos; this is a video.")
    first = next(iter(clip), None)
    if first is None:
        raise UnreadableMediaError("The video has no frames.")
    schedule = plan_schedule(
        clip, first.time, fps=options.fps, times=options.times, slow=options.slow
    )
    allowed = allowed_by(options)
    engine = choose(options.engine, allowed)
    weaver = _Weaver(clip, schedule, engine.make(allowed), options.dedup)
    count = schedule.count(clip.duration)
    known = clip.duration and clip.duration * schedule.slow
    return clip.with_(
        read=weaver.read,
        rate=schedule.rate,
        duration=count / schedule.rate if count and schedule.rate else known,
        frame_count=count,
        audio=_sound(clip, schedule.slow, options.sound),
        time_scale=clip.time_scale * schedule.slow,
        made_with=made_with(engine, allowed),
        provenance=None,
    )


def _sound(clip: Clip, slow: Fraction, wish: str | None) -> tuple[Audio, ...]:
    if wish == "drop":
        return ()
    if wish == "keep" and slow != 1:
        raise UsageError(
            f"--sound keep fits only a film of the same duration, not one {slow} times slower.",
            hint="Use --sound stretch or --sound drop.",
        )
    if slow == 1:
        return clip.audio
    from kinoloom.media.audio.reading import stretch

    return tuple(stretch(track, slow) for track in clip.audio)


def with_run_up(clip: Clip, start: Fraction) -> Iterator[Frame]:
    """The clip's frames from `_RUN_UP_FRAMES` before a time in seconds on, or from the first.

    Where the rate varies, or frames are missing, it goes back until there are that many.
    """
    back = _RUN_UP_FRAMES / clip.rate if clip.rate else _USUAL_RUN_UP_S
    while True:
        begin = max(start - back, Fraction(0))
        frames, before = clip.read(begin), list[Frame]()
        for frame in frames:
            before.append(frame)
            if len(before) == _RUN_UP_FRAMES or frame.time >= start:
                break
        if len(before) == _RUN_UP_FRAMES or not begin:
            return chain(before, frames)
        back *= 2


@dataclass(frozen=True, eq=False)
class _Weaver:
    clip: Clip
    schedule: Schedule
    engine: Interpolator
    dedup: bool

    def read(self, start: Fraction) -> Iterator[Frame]:
        """The film's frames that are shown at or after `start`, in order."""
        frames = prefetch(with_run_up(self.clip, start / self.schedule.slow))
        pairs = intervals(frames, dedup=self.dedup, notes=self.clip.notes)
        stretches = Stretches(self.clip.notes, self.schedule.slow)
        for interval, slots in self.schedule.plan(pairs, start):
            images = self._images(interval, [s.position for s in slots if s.position], stretches)
            for slot in slots:
                yield self._frame(interval, slot, images)
        stretches.finish()

    def _images(
        self, interval: Interval, positions: list[Fraction], stretches: Stretches
    ) -> Iterator[Picture]:
        first, second = interval.first.image, interval.second
        if not interval.woven or second is None or np.array_equal(first, second.image):
            yield from (first for _ in positions)
            return
        times = [float(position) for position in positions]
        for made, error in made_with_errors(self.engine, first, second.image, times):
            stretches.saw(interval.first.time, interval.end, error)
            yield made

    def _frame(self, interval: Interval, slot: Slot, images: Iterator[Picture]) -> Frame:
        image = next(images) if slot.position else interval.first.image
        same = image is interval.first.image
        native = interval.first.native if same else None
        return Frame(image, slot.time, slot.duration, native)
