"""FILM for inference on a CPU: the graph of `film_net` in less time and memory.

Differences from the plain graph, all within rounding:
    - 3x3 convolutions of wide layers use Winograd's minimal filtering (`winograd`).
    - Nearest upsampling and the 2x2 convolution are one step on the small map (`nhwc`).
    - Concatenated and warped maps are never materialised: convolutions read their input in bands
      of rows, computed on demand (`nhwc.RowSource`).
    - Channels-last layout, so that warping reads whole pixels.
    - Each core processes its own bands (`threads`).

Inputs and outputs are those of `film_net` as arrays: images (H, W, 3), flows (H, W, 2). Maps are
(B, H, W, C), and a pair is a batch of two: the first image, then the second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as fn

from kinoloom.film.nets.film_net import FilmNet
from kinoloom.film.nets.nhwc import (
    ConvLayer,
    RowSource,
    collect_layers,
    concatenate_into,
    conv1x1,
    conv3x3,
    find_corners,
    sample,
    upsample_conv2x2,
)
from kinoloom.film.nets.pyramid import Pyramid

# Measured: peak memory beyond that of the process without the network, by image size.
BYTES_PER_PIXEL = 1900
"""Peak memory per pixel of a pair and the frame being rendered."""
_FIXED_BYTES = 320_000_000
"""The network, and its largest filter after Winograd's transformation."""
_THREAD_BYTES = 80_000_000
"""The bands that one thread processes."""


@dataclass(frozen=True)
class Pair:
    """The time-independent analysis of a pair; lists by level, finest first.

    Attributes:
        images: (2, H, W, 3).
        features: (2, H, W, C) each; concatenated they are the features of the level.
        flows: (2, H, W, 2): from the first image to the second, and back, in pixels.
    """

    images: Pyramid
    features: list[Pyramid]
    flows: Pyramid


class FilmCpu:
    """A `FilmNet` on the CPU in float32; see `film.engines.film.Runner`.

    Args:
        net: the network, whose parameters are copied.
    """

    def __init__(self, net: FilmNet) -> None:
        self.options = net.options
        self._tree = [collect_layers(stage) for stage in net.extract.extract_sublevels.convs]
        self._predictors = [
            collect_layers(net.predict_flow.predictor(level))
            for level in range(len(net.options.flow_filters))
        ]
        self._decoder = [collect_layers(stage) for stage in net.fuse.convs]
        self._output = ConvLayer.from_module(net.fuse.output_conv, linear=True)

    @torch.inference_mode()
    def analyse(
        self, first: NDArray[np.float32], second: NDArray[np.float32], halvings: int = 0
    ) -> Pair:
        """Compute everything that does not depend on the time."""
        images = [torch.from_numpy(np.stack([first, second]))]
        for _ in range(self.options.pyramid_levels + halvings - 1):
            images.append(_halve(images[-1]))
        features = self._extract_features(images)
        flows = self._estimate_flows(features, halvings)
        kept = self.options.fusion_levels
        return Pair(images[:kept], features[:kept], flows[:kept])

    @torch.inference_mode()
    def render_frame(self, pair: Pair, t: float) -> NDArray[np.float32]:
        """Return the frame at t."""
        coarsest = self.options.fusion_levels - 1
        aligned = self._align(pair, coarsest, t, [])
        net = torch.empty(aligned.shape)
        aligned.fill(net[0], 0, 0, net.shape[1])
        for level, stage in zip(reversed(range(coarsest)), self._decoder, strict=True):
            widen, mix, refine = stage
            net = upsample_conv2x2(net, widen)
            net = conv3x3(self._align(pair, level, t, [net[0]]), mix)
            net = conv3x3(RowSource.from_tensor(net), refine)
        frame: NDArray[np.float32] = conv1x1(net, self._output)[0].numpy()
        return frame

    def read_flow(self, pair: Pair) -> NDArray[np.float32]:
        """Return the flow from the first image to the second, and the flow back."""
        flows: NDArray[np.float32] = pair.flows[0].numpy()
        return flows

    def max_tile_pixels(self, memory_bytes: int) -> int:
        """Return how many pixels fit in that memory."""
        return (memory_bytes - estimate_fixed_memory()) // BYTES_PER_PIXEL

    def _extract_features(self, images: Pyramid) -> list[Pyramid]:
        """Return the parts of the features of each level, ordered by depth in the tree."""
        features: list[Pyramid] = [[] for _ in images]
        for level, image in enumerate(images):
            net = image
            for depth, stage in enumerate(self._tree[: len(images) - level]):
                net = _halve(net) if depth else net
                for layer in stage:
                    net = conv3x3(RowSource.from_tensor(net), layer)
                features[level + depth].insert(0, net)
        return features

    def _estimate_flows(self, features: list[Pyramid], halvings: int) -> Pyramid:
        levels = range(self.options.pyramid_levels)
        parts = [features[level + halvings][: level + 1] for level in levels]
        flow = torch.zeros(*parts[-1][0].shape[:3], 2)
        flow = self._predict_residual(levels[-1], parts[-1], flow)
        flows = [flow]
        for level in reversed(levels[:-1]):
            flow = _double_flow(flow)
            flow += self._predict_residual(level, parts[level], flow)
            flows.insert(0, flow)
        for _ in range(halvings):
            flows.insert(0, _double_flow(flows[0]))
        return flows

    def _predict_residual(self, level: int, parts: Pyramid, flow: Tensor) -> Tensor:
        """Return the residual that a level's predictor adds to the flow, (2, H, W, 2)."""
        batch, height, width, _ = flow.shape

        def fill(out: Tensor, index: int, top: int, bottom: int) -> None:
            corners = find_corners(flow[index, top:bottom], top, height)
            own = [part[index, top:bottom] for part in parts]
            concatenate_into(out, [*own, *(sample(part[1 - index], corners) for part in parts)])

        first, *more, half, last = self._predictors[min(level, len(self._predictors) - 1)]
        net = conv3x3(RowSource((batch, height, width, first.taps.shape[2]), fill), first)
        for layer in more:
            net = conv3x3(RowSource.from_tensor(net), layer)
        return conv1x1(conv1x1(net, half), last)

    def _align(self, pair: Pair, level: int, t: float, net: Pyramid) -> RowSource:
        """Return the decoder's input at a level: both images warped to t, the flows, then `net`."""
        forward, backward = pair.flows[level]
        flows = [backward * t, forward * (1 - t)]
        maps = [pair.images[level], *pair.features[level]]
        height, width, _ = forward.shape

        def fill(out: Tensor, _: int, top: int, bottom: int) -> None:
            corners = [find_corners(flow[top:bottom], top, height) for flow in flows]
            warped = [sample(each[k], corners[k]) for k in range(2) for each in maps]
            concatenate_into(out, [*warped, *(part[top:bottom] for part in (*flows, *net))])

        channels = self.options.aligned_channels(level) + sum(part.shape[2] for part in net)
        return RowSource((1, height, width, channels), fill)


def estimate_fixed_memory() -> int:
    """Return the memory that the network needs whatever the size of the images, in bytes."""
    return _FIXED_BYTES + torch.get_num_threads() * _THREAD_BYTES


def _halve(image: Tensor) -> Tensor:
    return fn.avg_pool2d(image.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)


def _double_flow(flow: Tensor) -> Tensor:
    doubled = fn.interpolate(2 * flow.permute(0, 3, 1, 2), scale_factor=2, mode="bilinear")
    return doubled.permute(0, 2, 3, 1).contiguous()
