"""A video, cleaned, enlarged and interpolated in one pass, with no file in between."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from kinoloom.base import registry
from kinoloom.base.budget import Budget
from kinoloom.base.clip import Clip, Frame, Pacing
from kinoloom.base.op import Op
from kinoloom.enhance.estimate.measure import Measurement, measure_clip
from kinoloom.enhance.options import EnhanceOptions
from kinoloom.enhance.pictures.building import (
    MIN_SIGMA,
    Networks,
    build_work,
    choose_networks,
    describe_context,
    find_noise,
    list_deblocking,
    list_faster,
)
from kinoloom.enhance.pictures.denoising import TiledDenoiser
from kinoloom.enhance.pictures.work import PictureWork, least_bytes
from kinoloom.enhance.planning.order import CLEAN, INTERPOLATE, UPSCALE, Order, choose_order
from kinoloom.enhance.planning.settings import Settings, check_size, resolve
from kinoloom.enhance.temporal.clip import denoise_clip
from kinoloom.enhance.tiers import open_denoiser
from kinoloom.enhance.video.frames import map_frames
from kinoloom.enhance.video.preview import cut_preview
from kinoloom.errors import UnreadableMediaError, UnsupportedMediaError, UsageError
from kinoloom.media.memory import estimate_encoding

_TIER = "fast"
VIDEO_SAMPLES = 5
"""Frames that are measured."""
_LARGEST_CODEC = "av1"
_HELD_FRAMES = 10
"""Pictures that wait between decoding, the work and encoding."""


def enhance_video(clip: Clip, options: EnhanceOptions) -> Clip:
    """Return the lazy clip of the enhanced video.

    Raises:
        UsageError: an option for photos, or options that contradict each other.
        UnsupportedMediaError: an HDR video, with a step that changes its pictures.
        RegistryError: an unknown preset.
        UnreadableMediaError: the video has no frames.
        WeightsError: a network is missing; the hint has the command that gets it.
        BudgetError: the memory limit is too low.
    """
    work = plan_video(clip, options)
    for choice in work.settings.choices:
        clip.notes.add("choice", choice.reason)
    return work.build()


def plan_video(clip: Clip, options: EnhanceOptions) -> VideoWork:
    """Measure a video as far as its options need it, and plan the work on it.

    Raises:
        KinoloomError: as `enhance_video`.
    """
    if options.metadata:
        raise UsageError(
            "--metadata applies to photos, but the input is a video.", hint="Leave it out."
        )
    first = next(iter(clip), None)
    if first is None:
        raise UnreadableMediaError("The video has no frames.")

    def measure() -> Measurement:
        return measure_clip(clip, VIDEO_SAMPLES)[0]

    settings = resolve(options, measure)
    return VideoWork(cut_preview(clip, options.preview), settings, first)


class VideoWork:
    """The steps of the work on one video.

    Args:
        clip: the source.
        settings: of the work.
        typical: a whole picture of the video; white balance and grain are estimated from it.

    Raises:
        UsageError, UnsupportedMediaError, WeightsError, BudgetError: as `enhance_video`.
    """

    def __init__(self, clip: Clip, settings: Settings, typical: Frame) -> None:
        self.clip, self.settings = clip, settings
        width, height = settings.find_size(clip.width, clip.height)
        check_size(width, height)
        self.networks = choose_networks(settings, clip.width, clip.height, tier=_TIER)
        self.budget = clip.budget or Budget(settings.options.memory)
        self.context = describe_context(settings, typical.image[..., :3], clip.bits)
        self.memory_bytes = 1
        work = self.build_work(self.networks)
        resizes = (width, height) != (clip.width, clip.height)
        if clip.color.is_hdr and (work.stages or work.filters or resizes):
            raise UnsupportedMediaError(
                "The video is HDR; networks and filters are for SDR.",
                hint="Convert it to SDR first, or use only --fps, --times or --slow.",
            )
        self._declare(work)

    @property
    def order(self) -> Order:
        """The order of the steps."""
        return choose_order(
            self.settings.options.order,
            network=self.networks.upscalers[0].name if self.networks.upscalers else "",
            scale=self.build_work(self.networks).scale,
            frame_ratio=self._estimate_frame_ratio(),
            interpolates=self.interpolates,
        )

    @property
    def interpolates(self) -> bool:
        """Whether frames are added, or repeated ones replaced."""
        options = self.settings.options
        return any((options.fps, options.times, options.slow, options.dedup))

    @property
    def time_scale(self) -> Fraction:
        """How much longer the result lasts."""
        return self.settings.options.slow or Fraction(1)

    def build(self) -> Clip:
        """Return the lazy clip."""
        order = self.order
        if order.reason:
            self.clip.notes.add("order", order.reason)
        latency = self.settings.options.latency
        clip = self.clip.with_(pacing=Pacing(float(latency)) if latency is not None else None)
        for steps in _join_steps(order.steps, interpolates=self.interpolates):
            if steps == (INTERPOLATE,):
                clip = self.interpolate(clip)
            else:
                if CLEAN in steps and self._denoises:
                    clip = self._denoise(clip)
                works = self._build_parts(steps)
                clip = map_frames(clip, works, self.context, uses_samples=not self.interpolates)
        details: dict[str, Any] = {**clip.made_with, **self.networks.details}
        return clip.with_(made_with=details, provenance=None, budget=self.budget)

    @property
    def _denoises(self) -> bool:
        noise = find_noise(self.settings)
        return self.networks.denoiser is not None and noise.sigma >= MIN_SIGMA

    def _denoise(self, clip: Clip) -> Clip:
        """Return the clip after deblocking and denoising over time."""
        stages = list_deblocking(self.settings)
        first = PictureWork(tuple(stages), lambda *size: size, (), self.memory_bytes)
        clip = map_frames(clip, [first], self.context, uses_samples=False)
        assert self.networks.denoiser is not None, "_denoises"
        network = open_denoiser(self.networks.denoiser.file)
        denoise = TiledDenoiser(network, self.memory_bytes, self.settings.strength)
        given = None if self.settings.denoise == "auto" else find_noise(self.settings)
        return denoise_clip(clip, denoise, given)

    def build_work(self, networks: Networks) -> PictureWork:
        """Return all of the work on each picture, without the interpolation."""
        return build_work(self.settings, networks, self.memory_bytes)

    def _build_parts(self, steps: tuple[str, ...]) -> list[PictureWork]:
        """Return the part of the work that belongs to some steps, for a stream also faster ones."""
        networks = [self.networks]
        if self.settings.options.latency is not None and UPSCALE in steps:
            networks += list_faster(self.settings, self.networks, self.clip.width, self.clip.height)
        return [self._build_part(steps, one) for one in networks]

    def _build_part(self, steps: tuple[str, ...], networks: Networks) -> PictureWork:
        work = self.build_work(networks)
        if self._denoises:
            done = len(list_deblocking(self.settings)) + 1
            work = replace(work, stages=work.stages[done:])
        if CLEAN not in steps:
            work = replace(work, stages=tuple(s for s in work.stages if s.scale > 1))
        if UPSCALE not in steps:
            stages = tuple(s for s in work.stages if s.scale == 1)
            work = replace(
                work, stages=stages, filters=(), size=lambda width, height: (width, height)
            )
        return work

    def interpolate(self, clip: Clip) -> Clip:
        """Return the lazy clip of a clip's frames and the new ones between them."""
        options = self.settings.options
        names = ("fps", "times", "slow", "dedup")
        values = {name: one for name in names if (one := getattr(options, name))}
        if set(values) == {"dedup"}:
            values["times"] = 1
        interpolate: Op = registry.load("ops", "interpolate")
        result: Clip = interpolate(clip.with_(provenance=None), **values)
        return result

    def _estimate_frame_ratio(self) -> float:
        options = self.settings.options
        if options.fps and self.clip.rate:
            return float(options.fps / self.clip.rate * (options.slow or 1))
        return float(options.times or options.slow or Fraction(2 if self.interpolates else 1))

    def _declare(self, work: PictureWork) -> None:
        """Declare the memory of the work, and find out what is left for its tiles.

        Raises:
            BudgetError: the limit of the user is too low.
        """
        clip, budget = self.clip, self.budget
        width, height = work.size(clip.width, clip.height)
        itemsize = 1 if clip.bits <= 8 else 2
        held = _HELD_FRAMES * 3 * itemsize * (width * height + clip.width * clip.height)
        held += work.count_held_bytes(clip.width, clip.height, itemsize)
        estimate = budget.estimate_writing
        size = (width, height, clip.bits, clip.frame_count)
        writing = estimate(*size) if estimate else estimate_encoding(_LARGEST_CODEC, *size)
        budget.require("reading", "to read the input", clip.reading_bytes)
        budget.require("writing", "to write the output", writing)
        least = least_bytes(work.stages, clip.width, clip.height)
        budget.require("enhancing", "to enhance the frames", least + held)
        budget.check()
        self.memory_bytes = max(budget.share("enhancing") - held, 1)


def _join_steps(steps: tuple[str, ...], *, interpolates: bool) -> list[tuple[str, ...]]:
    """Return the steps in groups that are one pass each: cleaning right before enlarging is one."""
    groups: list[tuple[str, ...]] = []
    for step in steps:
        if step == INTERPOLATE and not interpolates:
            continue
        if step == UPSCALE and groups and groups[-1] == (CLEAN,):
            groups[-1] = (CLEAN, UPSCALE)
        else:
            groups.append((step,))
    return groups
