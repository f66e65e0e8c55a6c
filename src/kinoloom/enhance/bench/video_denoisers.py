"""Denoisers of video that a benchmark compares: our filters, networks, ffmpeg's filters, peers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from kinoloom.base.arrays import from_float, to_float
from kinoloom.base.clip import Clip, Frame
from kinoloom.enhance.bench.contestants import Source, find_named, list_sources
from kinoloom.enhance.bench.video_clips import Frames
from kinoloom.enhance.bench.video_ffmpeg import FfmpegFilter, has_ffmpeg
from kinoloom.enhance.networks.denoiser import NetworkDenoiser
from kinoloom.enhance.options import BenchVideoOptions
from kinoloom.enhance.temporal.clip import Denoise, denoise_clip
from kinoloom.learn.bench.peer import load_peer

DenoiseVideo = Callable[[Frames, float], Frames]
"""Denoises (T, H, W, 3) uint8; the second argument is the standard deviation of the noise, in
levels."""

_RATE = Fraction(25)
_WINDOW = "window+"


@dataclass(frozen=True)
class VideoDenoiser:
    """A way to remove the noise of video; a peer's Python file defines one as VIDEO_DENOISER.

    Attributes:
        name: in the results.
        build: prepares the denoiser; called once in the process that measures it.
    """

    name: str
    build: Callable[[], DenoiseVideo]


def list_video_sources(options: BenchVideoOptions, shipped: Path | None) -> list[Source]:
    """Return the sources of all requested contestants.

    A network runs twice: frame by frame, and after the window filter as "window+NAME".

    Args:
        options: the contestants.
        shipped: the network that is used if the options name no contestant; None for none.

    Raises:
        RegistryError, UsageError: as `contestants.list_sources`.
    """
    filters = [one for one in FILTERS if has_ffmpeg() or not _is_peer(one)]
    uses_shipped = shipped is not None and not options.denoisers
    models = options.models or (str(shipped) if uses_shipped else "")
    kind = ("VIDEO_DENOISER", VideoDenoiser)
    sources = list_sources(options.denoisers, filters, models, options.peer, kind)
    networks = [one for one in sources if one.network is not None]
    return sources + [Source(_WINDOW + one.name, network=one.network) for one in networks]


def load_video_denoiser(source: Source) -> VideoDenoiser:
    """Load a denoiser.

    Raises:
        RegistryError: there is no filter of this name.
        UsageError: the peer's file does not define VIDEO_DENOISER.
        WeightsError: the file is not an ONNX network that denoises pictures.
    """
    if source.network is not None:
        network = NetworkDenoiser(source.network)
        if source.name.startswith(_WINDOW):
            return VideoDenoiser(source.name, lambda: _filter_clip(network))
        return VideoDenoiser(source.name, lambda: _apply_to_frames(network))
    if source.peer is not None:
        return load_peer(source.peer, "VIDEO_DENOISER", VideoDenoiser)
    return find_named(FILTERS, source.name)


def _keep(frames: Frames, sigma: float) -> Frames:
    return frames


def _filter_clip(network: Denoise | None, *, live: bool = False) -> DenoiseVideo:
    def denoise(frames: Frames, sigma: float) -> Frames:
        still = [Frame(image, k / _RATE, 1 / _RATE) for k, image in enumerate(frames)]
        clip = denoise_clip(Clip.from_frames(still, rate=_RATE), network, sigma, live=live)
        return np.stack([frame.image for frame in clip])

    return denoise


def _apply_to_frames(network: NetworkDenoiser) -> DenoiseVideo:
    def denoise(frames: Frames, sigma: float) -> Frames:
        eight = np.dtype(np.uint8)
        level = sigma / 255
        return np.stack([from_float(network(to_float(one), level), eight) for one in frames])

    return denoise


def _is_peer(denoiser: VideoDenoiser) -> bool:
    return isinstance(denoiser.build(), FfmpegFilter)


HQDN3D = FfmpegFilter(
    "hqdn3d={luma}:{chroma}:{luma_time}:{chroma_time}",
    (("luma", 1.4), ("chroma", 2.0), ("luma_time", 1.6), ("chroma_time", 1.6)),
)
NLMEANS = FfmpegFilter("nlmeans=s={strength}:p=7:r=15", (("strength", 0.4),), limit=30)
ATADENOISE = FfmpegFilter(
    "atadenoise=0a={one}:1a={one}:2a={one}:0b={all}:1b={all}:2b={all}:s=9",
    (("one", 0.012), ("all", 0.05)),
    limit=0.3,
)
FILTERS = (
    VideoDenoiser("noisy", lambda: _keep),
    VideoDenoiser("window", lambda: _filter_clip(None)),
    VideoDenoiser("recursive", lambda: _filter_clip(None, live=True)),
    VideoDenoiser("hqdn3d", lambda: HQDN3D),
    VideoDenoiser("nlmeans", lambda: NLMEANS),
    VideoDenoiser("atadenoise", lambda: ATADENOISE),
)
"""No filter; our temporal filters without a network; and ffmpeg's."""
