"""The work on a picture, from the settings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from kinoloom.base.arrays import Picture
from kinoloom.enhance.estimate.noise import Noise
from kinoloom.enhance.filters.catalogue import build_filter
from kinoloom.enhance.filters.filter import Context, Filter
from kinoloom.enhance.filters.grain_model import (
    MIN_GRAIN_SIDE_PX,
    build_no_grain,
    measure_grain,
)
from kinoloom.enhance.filters.white_balance import estimate_gains
from kinoloom.enhance.pictures.stages import DenoiseStage, FilterStage, Stage, UpscaleStage
from kinoloom.enhance.pictures.work import PictureWork, reduce_for_estimates
from kinoloom.enhance.planning.auto import BLOCKINESS, VISIBLE_NOISE
from kinoloom.enhance.planning.settings import Settings
from kinoloom.enhance.tiers import (
    FASTER_TIERS,
    Network,
    choose_denoiser,
    choose_upscalers,
    open_denoiser,
    open_upscaler,
)

_BEFORE = ("chroma", "white_balance", "lowlight")
_AFTER = ("sharpen", "deband")
MIN_SIGMA = 0.8
"""Noise below this many levels is left as it is."""
_BLOCK_QUALITY = 40
"""Of the filter at the borders of blocks, where no JPEG quality is known."""
_GRAIN_SHARE = 0.5
"""Of the measured grain, put back at full strength."""


@dataclass(frozen=True)
class Networks:
    """The networks of a job.

    Attributes:
        denoiser: None if noise is not removed.
        upscalers: one after the other; () if nothing is enlarged.
    """

    denoiser: Network | None
    upscalers: tuple[Network, ...]

    @property
    def details(self) -> dict[str, str | Path]:
        """What the provenance record says about them: names, and files by content."""
        found: dict[str, str | Path] = {}
        if self.denoiser is not None:
            found |= {"denoiser": self.denoiser.name, "denoiser_weights": self.denoiser.file}
        if self.upscalers:
            first = self.upscalers[0]
            found |= {"network": first.name, "weights": first.file}
        return found


def choose_networks(settings: Settings, width: int, height: int, *, tier: str) -> Networks:
    """Choose the networks for a source.

    Args:
        settings: of the job.
        width, height: of the source.
        tier: what `auto` is.

    Raises:
        UsageError, WeightsError: as `tiers.choose_upscalers` and `tiers.choose_denoiser`.
    """
    options = settings.options
    chosen = options.tier if options.tier not in (None, "auto") else tier
    factor = settings.find_factor(width, height)
    upscalers = choose_upscalers(chosen, options.look or "clean", factor, options.weights)
    denoiser = choose_denoiser() if settings.denoise != "off" else None
    return Networks(denoiser, tuple(upscalers))


def list_faster(settings: Settings, networks: Networks, width: int, height: int) -> list[Networks]:
    """Return cheaper networks for the same source, the dearest first; the last one has none.

    Args:
        settings: of the job.
        networks: that were chosen.
        width, height: of the source.
    """
    factor = settings.find_factor(width, height)
    known = [choose_upscalers(tier, "clean", factor) for tier in FASTER_TIERS]
    names = [one[0].name for one in known if one]
    current = networks.upscalers[0].name if networks.upscalers else ""
    start = names.index(current) + 1 if current in names else 0
    faster = [tuple(one) for one in known[start:] if one]
    upscalers = [*faster, ()] if networks.upscalers else []
    return [Networks(networks.denoiser, one) for one in upscalers]


def find_noise(settings: Settings) -> Noise:
    """Return the noise that is removed, in 8-bit levels; 0 for none, or none that is visible."""
    if isinstance(settings.denoise, float):
        return Noise(settings.denoise, settings.denoise**2, 0.0)
    if settings.denoise == "off" or settings.measurement is None:
        return Noise(0.0, 0.0, 0.0)
    noise = settings.measurement.estimates.noise
    return noise if noise.sigma >= VISIBLE_NOISE else Noise(0.0, 0.0, 0.0)


def build_work(settings: Settings, networks: Networks, memory_bytes: int) -> PictureWork:
    """Return the work on each picture.

    Args:
        settings: of the picture or video.
        networks: of the job.
        memory_bytes: the most memory of the tiles.

    Raises:
        UsageError, MediaError: as the filters.
    """
    return PictureWork(
        (*build_cleaning(settings, networks), *build_enlarging(settings, networks)),
        settings.find_size,
        tuple(build_filters(settings, _AFTER + (("grain",) if settings.options.grain else ()))),
        memory_bytes,
    )


def build_cleaning(settings: Settings, networks: Networks) -> list[Stage]:
    """Return what happens at the size of the source, in order."""
    options = settings.options
    stages: list[Stage] = []
    stages += list_deblocking(settings)
    noise = find_noise(settings)
    if networks.denoiser is not None and noise.sigma >= MIN_SIGMA:
        network = open_denoiser(networks.denoiser.file)
        stages.append(DenoiseStage(network, noise, settings.strength))
    stages += [FilterStage(one) for one in build_filters(settings, _BEFORE)]
    if options.curves:
        stages.append(_correct(settings, "curves", curves=options.curves))
    if options.lut is not None:
        stages.append(_correct(settings, "lut", file=options.lut))
    return stages


def list_deblocking(settings: Settings) -> list[Stage]:
    """Return the filter for the block errors that were found; none if none is requested.

    JPEG errors have a quality; other codecs have visible borders of blocks.
    """
    if not settings.options.deblock:
        return []
    estimates = settings.measurement.estimates if settings.measurement else None
    if estimates is None:
        return []
    if estimates.jpeg_quality is not None:
        return [_correct(settings, "deblock")]
    if estimates.blockiness >= BLOCKINESS:
        return [_correct(settings, "deblock", method="borders", quality=_BLOCK_QUALITY)]
    return []


def build_enlarging(settings: Settings, networks: Networks) -> list[Stage]:
    """Return the stages that enlarge."""
    return [UpscaleStage(open_upscaler(one.file), settings.strength) for one in networks.upscalers]


def build_filters(settings: Settings, names: tuple[str, ...]) -> list[Filter]:
    """Return the requested ones of some filters, in order."""
    found = []
    for name in names:
        if getattr(settings.options, name):
            one = build_filter(name.replace("_", "-"), {})
            share = _GRAIN_SHARE if name == "grain" else 1.0
            found.append(replace(one, strength=one.strength * settings.strength * share))
    return found


def describe_context(settings: Settings, picture: Picture, bits: int) -> Context:
    """Return what is known about a picture before the work.

    Args:
        settings: of the picture.
        picture: (H, W, 3), the whole picture, or a typical frame of a video.
        bits: per sample of the result.
    """
    estimates = settings.measurement.estimates if settings.measurement else None
    context = Context(bits=min(max(bits, 8), 16), jpeg_quality=None)
    if estimates is not None:
        context = replace(context, jpeg_quality=estimates.jpeg_quality)
    if settings.denoise == "off" and estimates is not None and estimates.noise.sigma > 0:
        context = replace(context, noise=min(estimates.noise.sigma / 255, 1.0))
    if settings.options.white_balance:
        context = replace(context, gains=estimate_gains(reduce_for_estimates(picture)))
    if settings.options.grain:
        is_large = min(picture.shape[:2]) >= MIN_GRAIN_SIDE_PX
        context = replace(context, grain=measure_grain(picture) if is_large else build_no_grain())
    return context


def _correct(settings: Settings, name: str, **values: object) -> FilterStage:
    return FilterStage(build_filter(name, {**values, "strength": settings.strength}))
