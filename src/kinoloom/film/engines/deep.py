"""The engines `deep` and `best`: optical flow and a flow network, fused by a second network.

Optical flow and the flow network (that of RIFE HDv3, `nets.flow_net`) fail in different places. A
small network (`nets.fusion_net`) sees both images, moved to the time by each of them, and weighs
these pictures at each pixel. Both networks are shipped as ONNX and run without torch.

`deep` runs the flow network on the grid of `fast`. `best` runs it at full size, too, where that
gains (`synthesis.resolution`), and samples that motion with two kernels. The motion is estimated
once per pair. The fusion runs on tiles; each includes the network's receptive field, so the result
equals that of the whole frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from math import ceil

import cv2
import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.film.cards import FUSION as CARD
from kinoloom.film.engine import (
    Engine,
    EngineOptions,
    ErrorMap,
    NewFrames,
    PairOfPhotos,
    find_weights_file,
)
from kinoloom.film.engines.fast import (
    WORKING_MEMORY_BYTES,
    Fast,
    choose_scale,
    estimate_memory,
)
from kinoloom.film.engines.sources import MotionEstimator, PairMotion
from kinoloom.film.synthesis.fusion import (
    SIZE_MULTIPLE,
    SOURCES,
    build_fusion_input,
    fade_to_mean,
    fuse,
    measure_speed,
    merge_copies,
)
from kinoloom.film.synthesis.key_weights import (
    HELD_KEYS,
    FusionWeights,
    KeyWeights,
    choose_key_times,
)
from kinoloom.film.synthesis.parallel import render_in_order
from kinoloom.film.synthesis.photo_frames import render_photo_frames
from kinoloom.film.synthesis.pixels import unpremultiply_alpha
from kinoloom.film.synthesis.preprocess import interpolate_pair
from kinoloom.film.synthesis.static import StaticPixels
from kinoloom.film.synthesis.warping import Box, MotionSource, WarpedPair, warp_pair
from kinoloom.motion.flow import Field, Flow
from kinoloom.motion.flow_network import network_size
from kinoloom.runtime.models import require_weights
from kinoloom.runtime.onnx import Contract, open_model

_CONTRACT = Contract(
    inputs=(
        ("sides", (2, 2 * SOURCES, None, None)),
        ("common", (1, 1 + SOURCES, None, None)),
        ("speeds", (1, SOURCES, None, None)),
    ),
    outputs=((1, 2 * SOURCES, None, None),),
)
_NETWORK_BYTES = 600_000_000
"""Memory of both networks at their largest inputs."""
_FIXED_NETWORK_BYTES = 40_000_000
_FLOW_BYTES_PER_CELL = 460
"""Measured, as the fixed part."""
_FUSION_BYTES_PER_PIXEL = 450
_KEY_BYTES_PER_PIXEL = 2 * SOURCES * HELD_KEYS
"""Weights of a photo film, always included, so that they never depend on the memory limit."""
_TILE_PX = 704
_CONTEXT_PX = 64
"""Pixels around a tile that the network also sees: more than its receptive field."""


class Deep:
    """Interpolation by fused motion sources; see `film.engine.Interpolator`.

    Args:
        options: `weights` names other weights of the fusion network.
        full_size: run the flow network at full size, too, where that gains.

    Raises:
        WeightsError: the weights cannot be read or belong to another network.
    """

    def __init__(self, options: EngineOptions, *, full_size: bool) -> None:
        self._estimator = MotionEstimator(Fast(options, _estimate_networks))
        self._full_size = full_size
        self._fusion = open_model(
            require_weights(CARD, options.weights), _CONTRACT, options.memory_bytes
        )

    def interpolate(self, first: Picture, second: Picture, times: Sequence[float]) -> NewFrames:
        """Yield one frame per time, with the error of `fast`, an upper estimate.

        Raises:
            ArrayError, BudgetError: as `Fast.interpolate`.
        """
        return interpolate_pair(first, second, times, self._render_frames)

    def estimate_flow(self, first: Picture, second: Picture) -> tuple[Flow, Flow]:
        """Return the flow of `fast`."""
        return self._estimator.fast.estimate_flow(first, second)

    def interpolate_photos(
        self, first: Picture, second: Picture, times: Sequence[float], pair: PairOfPhotos
    ) -> NewFrames:
        """Interpolate as `interpolate`, with the known camera motion and weights at key times."""
        render = partial(self._render_photos, pair=pair)
        return interpolate_pair(first, second, times, render)

    def _render_frames(self, first: Picture, second: Picture, times: Sequence[float]) -> NewFrames:
        motion = self._estimator.estimate(first, second, full_size=self._full_size)
        static = StaticPixels(first, second)

        def render(time: float) -> tuple[Picture, ErrorMap]:
            sources, error = motion.build_sources(time)
            frame = np.empty_like(first)
            for own, inside, pairs, weights in self._weigh_tiles(first, second, sources, time):
                frame[own] = unpremultiply_alpha(fuse(pairs, weights)[inside], like=first)
            static.copy_to(frame, time)
            return frame, error

        yield from render_in_order(render, times, first.shape[0] * first.shape[1])

    def _render_photos(
        self, first: Picture, second: Picture, times: Sequence[float], pair: PairOfPhotos
    ) -> NewFrames:
        motion = self._estimator.estimate(
            first, second, full_size=self._full_size, estimate_camera=lambda *_: pair.camera
        )
        keys = choose_key_times(pair.times, motion.measure_top_speed(first.shape[1]))
        weights = KeyWeights(keys, partial(self._predict_weights, first, second, motion))
        build_sources = partial(motion.build_sources, is_quick=True)
        images = first, second
        yield from render_photo_frames(images, motion.views, times, build_sources, weights)

    def _predict_weights(
        self, first: Picture, second: Picture, motion: PairMotion, time: float
    ) -> FusionWeights:
        """Predict the weights of a photo film at a key time."""
        sources, _ = motion.build_sources(time, is_quick=True)
        result = np.empty((2, len(sources), *first.shape[:2]), np.uint8)
        for own, inside, pairs, weights in self._weigh_tiles(first, second, sources, time):
            merged = merge_copies(weights, len(pairs))
            result[:, :, *own] = np.rint(merged[:, :, *inside] * np.float32(255))
        return result

    def _weigh_tiles(
        self, first: Picture, second: Picture, sources: list[MotionSource], time: float
    ) -> Iterator[tuple[Box, Box, list[WarpedPair], Field]]:
        """Yield each tile of a frame, its place in the area that the network sees, the moved images
        and the weights of that area."""
        height, width = first.shape[:2]
        speeds = _measure_speeds(sources, height, width)
        for own, seen in _plan_tiles(height, width):
            pairs = [warp_pair(first, second, each, time, seen) for each in sources]
            seen_speeds = [speed[_halve(seen)] for speed in speeds]
            yield own, _crop(own, seen), pairs, self._compute_weights(pairs, seen_speeds)

    def _compute_weights(self, pairs: list[WarpedPair], speeds: Sequence[Field]) -> Field:
        """Return the weights of all moved images, (2 SOURCES, h, w)."""
        height, width = pairs[0].share.shape
        given = build_fusion_input(pairs, speeds)
        (weights,) = self._fusion(vars(given), [(1, 2 * SOURCES, *given.common.shape[2:])])
        return fade_to_mean(weights[0, :, :height, :width], pairs, speeds)


def _estimate_networks(height: int, width: int, options: EngineOptions) -> int:
    """Return the memory of both networks on the finest grid and of the key weights, in bytes."""
    scale = choose_scale(height, width, options)
    rows, columns = network_size(ceil(height * scale), ceil(width * scale))
    pixels = min(height, _TILE_PX + 2 * _CONTEXT_PX) * min(width, _TILE_PX + 2 * _CONTEXT_PX)
    networks = _FLOW_BYTES_PER_CELL * rows * columns + _FUSION_BYTES_PER_PIXEL * pixels
    keys = _KEY_BYTES_PER_PIXEL * height * width
    return min(_FIXED_NETWORK_BYTES + networks, _NETWORK_BYTES) + keys


def _measure_speeds(sources: list[MotionSource], height: int, width: int) -> list[Field]:
    """Return the length of the motion of each source in a frame, at half size."""
    size = (-(-width // 2), -(-height // 2))
    return [
        np.asarray(cv2.resize(measure_speed(each, height, width), size), np.float32)
        for each in sources
    ]


def _halve(box: Box) -> Box:
    """Return the place of a part of a frame at half size."""
    rows, columns = (slice(side.start // 2, -(-side.stop // 2)) for side in box)
    return rows, columns


def _crop(own: Box, seen: Box) -> Box:
    """Return the place of a part of a frame within a larger part."""
    rows, columns = (
        slice(one.start - all_.start, one.stop - all_.start)
        for one, all_ in zip(own, seen, strict=True)
    )
    return rows, columns


def _plan_tiles(height: int, width: int) -> Iterator[tuple[Box, Box]]:
    """Yield the tiles of a frame, each without and with its context."""
    for rows in _split(height):
        for columns in _split(width):
            seen = tuple(
                slice(max(0, own.start - _CONTEXT_PX), min(side, own.stop + _CONTEXT_PX))
                for own, side in ((rows, height), (columns, width))
            )
            yield (rows, columns), (seen[0], seen[1])


def _split(side: int) -> Iterator[slice]:
    """Split a side evenly, at multiples of `SIZE_MULTIPLE`."""
    parts = -(-side // _TILE_PX)
    step = -(-side // (parts * SIZE_MULTIPLE)) * SIZE_MULTIPLE
    yield from (slice(begin, min(begin + step, side)) for begin in range(0, side, step))


def _explain_unusable_weights(options: EngineOptions) -> str:
    """Return why `options.weights` cannot be used, or "": other formats belong to `film`."""
    if options.weights is None or options.weights.suffix == ".onnx":
        return ""
    return (
        f"{options.weights} is not an .onnx file. Pass a file written by `train film`, or leave "
        "out --weights."
    )


def _declare(name: str, summary: str, rank: int, *, full_size: bool) -> Engine:
    return Engine(
        name=name,
        summary=summary,
        rank=rank,
        build=partial(Deep, full_size=full_size),
        missing=_explain_unusable_weights,
        min_memory_bytes=WORKING_MEMORY_BYTES + _NETWORK_BYTES,
        estimate_memory=partial(estimate_memory, reserve=_estimate_networks),
        weights=lambda options: find_weights_file(CARD, options),
    )


DEEP = _declare(
    "deep",
    "optical flow and a flow network, fused by a second network; all weights are shipped",
    rank=25,
    full_size=False,
)
BEST = _declare(
    "best",
    "as deep, with the flow network at full size on fine texture; slower",
    rank=22,
    full_size=True,
)
