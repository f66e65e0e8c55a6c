"""FILM for inference on a CPU: the graph of `film_net`, in less time and memory.

What differs from the plain graph, none of it by more than rounding:
    - 3x3 convolutions of wide layers by Winograd's minimal filtering (`winograd`).
    - Nearest upsampling and 2x2 convolution as one step on the small map (`nhwc`).
    - No concatenated and no warped map is ever made as a whole: convolutions read their input by
      bands of rows, which are made on the spot (`nhwc.Rows`).
    - Channels-last throughout, so that warping reads whole pixels.
    - Each core works on bands of its own (`workers`).

Inputs and outputs are those of `film_net` as arrays: pictures (H, W, 3), flows (H, W, 2). Maps
are (B, H, W, C), and a pair is a batch of two: what belongs to the first picture, then the second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as fn

from kinoloom.film.nets.film_net import FilmNet, Pyramid
from kinoloom.film.nets.nhwc import (
    Layer,
    Rows,
    conv1x1,
    conv3x3,
    corners,
    layers_of,
    put,
    sample,
    upsampled_conv2x2,
)

# Measured: peak memory above that of the process without the network, by picture size.
BYTES_PER_PIXEL = 1900
"""Of a pair and the frame being made of it, at the peak."""
_FIXED_BYTES = 320_000_000
"""The network, and the largest of its filters as Winograd's filtering takes it."""
_THREAD_BYTES = 80_000_000
"""The bands that one thread works on."""


@dataclass(frozen=True)
class Pair:
    """What is known of a pair before a time is told; lists by level, from the finest on.

    Attributes:
        images: (2, H, W, 3).
        features: (2, H, W, C) each; side by side they are the features of the level.
        flows: (2, H, W, 2): from the first picture to the second, and back, in pixels.
    """

    images: Pyramid
    features: list[Pyramid]
    flows: Pyramid


class FilmCpu:
    """Runs a `FilmNet`, whose numbers are copied, in float32; see `film.engines.film.Runner`.

    Args:
        net: the network.
    """

    def __init__(self, net: FilmNet) -> None:
        self.options = net.options
        self._tree = [layers_of(stage) for stage in net.extract.extract_sublevels.convs]
        self._predictors = [
            layers_of(net.predict_flow.predictor(level))
            for level in range(len(net.options.flow_filters))
        ]
        self._decoder = [layers_of(stage) for stage in net.fuse.convs]
        self._output = Layer.of(net.fuse.output_conv, linear=True)

    @torch.inference_mode()
    def analyse(
        self, first: NDArray[np.float32], second: NDArray[np.float32], halvings: int = 0
    ) -> Pair:
        """What does not depend on the time."""
        images = [torch.from_numpy(np.stack([first, second]))]
        for _ in range(self.options.pyramid_levels + halvings - 1):
            images.append(_halved(images[-1]))
        features = self._features(images)
        flows = self._flows(features, halvings)
        kept = self.options.fusion_levels
        return Pair(images[:kept], features[:kept], flows[:kept])

    @torch.inference_mode()
    def frame_at(self, pair: Pair, t: float) -> NDArray[np.float32]:
        """The frame at t."""
        coarsest = self.options.fusion_levels - 1
        aligned = self._aligned(pair, coarsest, t, [])
        net = torch.empty(aligned.shape)
        aligned.fill(net[0], 0, 0, net.shape[1])
        for level, stage in zip(reversed(range(coarsest)), self._decoder, strict=True):
            widen, mix, refine = stage
            net = upsampled_conv2x2(net, widen)
            net = conv3x3(self._aligned(pair, level, t, [net[0]]), mix)
            net = conv3x3(Rows.of(net), refine)
        frame: NDArray[np.float32] = conv1x1(net, self._output)[0].numpy()
        return frame

    def flows(self, pair: Pair) -> NDArray[np.float32]:
        """The motion from the first picture to the second, and back."""
        flows: NDArray[np.float32] = pair.flows[0].numpy()
        return flows

    def tile_pixels(self, memory_bytes: int) -> int:
        """How many pixels fit into so much memory."""
        fixed = _FIXED_BYTES + torch.get_num_threads() * _THREAD_BYTES
        return (memory_bytes - fixed) // BYTES_PER_PIXEL

    def _features(self, images: Pyramid) -> list[Pyramid]:
        """The parts of each level's features: from depth 0 on its own image, to the deepest."""
        features: list[Pyramid] = [[] for _ in images]
        for level, image in enumerate(images):
            net = image
            for depth, stage in enumerate(self._tree[: len(images) - level]):
                net = _halved(net) if depth else net
                for layer in stage:
                    net = conv3x3(Rows.of(net), layer)
                features[level + depth].insert(0, net)
        return features

    def _flows(self, features: list[Pyramid], halvings: int) -> Pyramid:
        levels = range(self.options.pyramid_levels)
        parts = [features[level + halvings][: level + 1] for level in levels]
        flow = torch.zeros(*parts[-1][0].shape[:3], 2)
        flow = self._residual(levels[-1], parts[-1], flow)
        flows = [flow]
        for level in reversed(levels[:-1]):
            flow = _enlarged(flow)
            flow += self._residual(level, parts[level], flow)
            flows.insert(0, flow)
        for _ in range(halvings):
            flows.insert(0, _enlarged(flows[0]))
        return flows

    def _residual(self, level: int, parts: Pyramid, flow: Tensor) -> Tensor:
        """What the predictor of a level adds to the flow (2, H, W, 2)."""
        batch, height, width, _ = flow.shape

        def fill(out: Tensor, number: int, top: int, bottom: int) -> None:
            where = corners(flow[number, top:bottom], top, height)
            here = [part[number, top:bottom] for part in parts]
            put(out, [*here, *(sample(part[1 - number], where) for part in parts)])

        first, *more, half, last = self._predictors[min(level, len(self._predictors) - 1)]
        net = conv3x3(Rows((batch, height, width, first.taps.shape[2]), fill), first)
        for layer in more:
            net = conv3x3(Rows.of(net), layer)
        return conv1x1(conv1x1(net, half), last)

    def _aligned(self, pair: Pair, level: int, t: float, net: Pyramid) -> Rows:
        """What the decoder sees of a level: both pictures warped to t, the flows, then `net`."""
        forward, backward = pair.flows[level]
        flows = [backward * t, forward * (1 - t)]
        looks = [pair.images[level], *pair.features[level]]
        height, width, _ = forward.shape

        def fill(out: Tensor, _: int, top: int, bottom: int) -> None:
            where = [corners(flow[top:bottom], top, height) for flow in flows]
            warped = [sample(look[k], where[k]) for k in range(2) for look in looks]
            put(out, [*warped, *(part[top:bottom] for part in (*flows, *net))])

        channels = self.options.aligned_channels(level) + sum(part.shape[2] for part in net)
        return Rows((1, height, width, channels), fill)


def _halved(image: Tensor) -> Tensor:
    return fn.avg_pool2d(image.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)


def _enlarged(flow: Tensor) -> Tensor:
    twice = fn.interpolate(2 * flow.permute(0, 3, 1, 2), scale_factor=2, mode="bilinear")
    return twice.permute(0, 2, 3, 1).contiguous()
