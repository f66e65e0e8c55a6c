"""Stages: what happens to a picture at its own size before and while it is enlarged.

A stage maps (H, W, 3) float32 RGB to (scale H, scale W, 3). It is local: pixels further away than
its reach have no influence, so that it can be run in tiles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from kinoloom.enhance.estimate.noise import Noise
from kinoloom.enhance.filters.filter import Context, Filter
from kinoloom.enhance.networks.denoiser import NetworkDenoiser
from kinoloom.enhance.networks.network import Floats
from kinoloom.enhance.networks.upscaler import NetworkUpscaler

_LUMA = np.array([[0.299, 0.587, 0.114]], np.float32)
_LOCAL_PX = 5
"""Side of the box in which brightness is averaged for a noise map."""
_FILTER_BYTES = 120
"""Memory of a filter for each pixel: planes of float32, and their guided filters."""
_CUBIC_PX = 2


class Stage(Protocol):
    """One step of the work on a picture."""

    @property
    def scale(self) -> int:
        """Factor of both sides."""
        ...

    @property
    def reach_px(self) -> int | None:
        """Distance beyond which input pixels have no influence; None if all of them have."""
        ...

    @property
    def bytes_per_pixel(self) -> int:
        """Memory for each pixel of the input."""
        ...

    def __call__(self, picture: Floats, context: Context) -> Floats:
        """Return the result, not clipped.

        Args:
            picture: (H, W, 3) float32; results of earlier stages may lie outside 0..1.
            context: of this picture; its origin is that of the tile.
        """
        ...


@dataclass(frozen=True)
class FilterStage:
    """A filter at the size of the picture."""

    filter: Filter

    scale = 1
    bytes_per_pixel = _FILTER_BYTES

    @property
    def reach_px(self) -> int | None:
        """See `Stage`; filters of the whole picture have their parameters in the context."""
        return self.filter.reach_px or 0

    def __call__(self, picture: Floats, context: Context) -> Floats:
        """See `Stage`."""
        return self.filter(np.clip(picture, 0, 1), context)


@dataclass(frozen=True)
class DenoiseStage:
    """A denoising network with a map of the noise.

    Attributes:
        network: the network.
        noise: of the picture, in 8-bit levels.
        strength: 0..1, the share of its result.
    """

    network: NetworkDenoiser
    noise: Noise
    strength: float = 1.0

    scale = 1

    @property
    def reach_px(self) -> int | None:
        """See `Stage`."""
        reach = self.network.facts.reach_px
        return None if reach is None else reach + _LOCAL_PX

    @property
    def bytes_per_pixel(self) -> int:
        """See `Stage`."""
        return self.network.facts.bytes_per_pixel

    def __call__(self, picture: Floats, context: Context) -> Floats:
        """See `Stage`."""
        return mix(picture, self.network(picture, map_noise(picture, self.noise)), self.strength)


@dataclass(frozen=True)
class UpscaleStage:
    """An upscaling network.

    Attributes:
        network: the network.
        strength: 0..1, the share of its result; the rest is that of a cubic filter.
    """

    network: NetworkUpscaler
    strength: float = 1.0

    @property
    def scale(self) -> int:
        """See `Stage`."""
        return self.network.scale

    @property
    def reach_px(self) -> int | None:
        """See `Stage`."""
        reach = self.network.facts.reach_px
        return None if reach is None else max(reach, _CUBIC_PX)

    @property
    def bytes_per_pixel(self) -> int:
        """See `Stage`."""
        return self.network.facts.bytes_per_pixel

    def __call__(self, picture: Floats, context: Context) -> Floats:
        """See `Stage`."""
        source = np.clip(picture, 0, 1)
        large = self.network(source)
        if self.strength == 1:
            return large
        size = (large.shape[1], large.shape[0])
        plain = np.asarray(cv2.resize(source, size, interpolation=cv2.INTER_CUBIC), np.float32)
        return mix(plain, large, self.strength)


def mix(before: Floats, after: Floats, strength: float) -> Floats:
    """Return before + strength (after - before)."""
    if strength == 1:
        return after
    return np.asarray(before + np.float32(strength) * (after - before), np.float32)


def map_noise(picture: Floats, noise: Noise) -> Floats | float:
    """Return the standard deviation of the noise in 0..1: one number, or (H, W) by brightness."""
    if not noise.slope > 0:
        return noise.sigma / 255
    luma = np.asarray(cv2.transform(picture, _LUMA), np.float32)
    local = cv2.blur(luma, (_LOCAL_PX, _LOCAL_PX), borderType=cv2.BORDER_REFLECT_101)
    variance = noise.constant + noise.slope * np.clip(local, 0, 1) * 255
    return np.asarray(np.sqrt(np.maximum(variance, 0)) / 255, np.float32)
