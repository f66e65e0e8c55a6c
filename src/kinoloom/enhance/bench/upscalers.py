"""Upscalers that a benchmark compares: interpolation filters, networks and peers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.enhance.bench.networks import NetworkUpscaler
from kinoloom.errors import RegistryError
from kinoloom.learn.bench.peer import load_peer
from kinoloom.metrics import resize_bicubic

Upscale = Callable[[Picture], Picture]
"""Enlarges a picture (h, w, 3) uint8 to (scale h, scale w, 3) uint8."""


@dataclass(frozen=True)
class Upscaler:
    """A way to enlarge pictures; a peer's Python file defines one as UPSCALER.

    Attributes:
        name: in the results.
        build: prepares the upscaler of a factor; called once in the process that measures it.
        scales: the supported factors, in ascending order.
    """

    name: str
    build: Callable[[int], Upscale]
    scales: tuple[int, ...] = (2, 3, 4)


@dataclass(frozen=True)
class UpscalerSource:
    """Where an upscaler comes from, for another process that builds it.

    Attributes:
        name: of the upscaler.
        network: the ONNX file, or None.
        peer: the Python file that defines it, or None.
    """

    name: str
    network: Path | None = None
    peer: Path | None = None

    def load(self) -> Upscaler:
        """Load the upscaler.

        Raises:
            RegistryError: there is no filter of this name.
            UsageError: the peer's file does not define UPSCALER.
            WeightsError: the file is not an ONNX network that enlarges pictures.
        """
        if self.network is not None:
            network = NetworkUpscaler(self.network)
            return Upscaler(self.name, lambda scale: network, (network.scale,))
        if self.peer is not None:
            return load_peer(self.peer, "UPSCALER", Upscaler)
        return find_filter(self.name)


def find_filter(name: str) -> Upscaler:
    """Return an interpolation filter.

    Raises:
        RegistryError: there is no filter of this name.
    """
    for one in FILTERS:
        if one.name == name:
            return one
    known = ", ".join(one.name for one in FILTERS)
    raise RegistryError(f"Unknown upscaler '{name}'.", hint=f"Known: {known}.")


def _build_nearest(scale: int) -> Upscale:
    return lambda picture: picture.repeat(scale, axis=0).repeat(scale, axis=1)


def _build_bicubic(scale: int) -> Upscale:
    return lambda picture: resize_bicubic(picture, scale)


def _build_lanczos(scale: int) -> Upscale:
    def upscale(picture: Picture) -> Picture:
        size = (picture.shape[1] * scale, picture.shape[0] * scale)
        return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LANCZOS4))

    return upscale


FILTERS = (
    Upscaler("nearest", _build_nearest),
    Upscaler("bicubic", _build_bicubic),
    Upscaler("lanczos4", _build_lanczos),
)
"""The baselines: repeated pixels, MATLAB's bicubic filter, and OpenCV's Lanczos filter over 8x8
pixels."""
