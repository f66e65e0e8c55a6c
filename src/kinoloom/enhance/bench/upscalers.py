"""Upscalers that a benchmark compares: interpolation filters, networks and peers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from kinoloom.base.arrays import Picture, from_float, to_float
from kinoloom.enhance.bench.contestants import Source, find_named
from kinoloom.enhance.networks.upscaler import NetworkUpscaler
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


def load_upscaler(source: Source) -> Upscaler:
    """Load an upscaler.

    Raises:
        RegistryError: there is no filter of this name.
        UsageError: the peer's file does not define UPSCALER.
        WeightsError: the file is not an ONNX network that enlarges pictures.
    """
    if source.network is not None:
        return _wrap_network(source.name, NetworkUpscaler(source.network))
    if source.peer is not None:
        return load_peer(source.peer, "UPSCALER", Upscaler)
    return find_named(FILTERS, source.name)


def _wrap_network(name: str, network: NetworkUpscaler) -> Upscaler:
    def upscale(picture: Picture) -> Picture:
        return from_float(network(to_float(picture[..., :3])), np.dtype(np.uint8))

    return Upscaler(name, lambda scale: upscale, (network.scale,))


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
