"""FILM for inference on a CPU: the graph of `film_net`, in less time and memory.

What differs from the plain graph, none of it more than by rounding:
    - 3x3 convolutions of wide layers by Winograd's minimal filtering (`winograd`).
    - Nearest upsampling and 2x2 convolution as one step on the small map (`nhwc`).
    - No concatenated and no warped map is ever made as a whole: convolutions read their input by
      bands of rows, which are made on the spot (`nhwc.Rows`).
    - Channels-last throughout, so that warping reads whole pixels.

Inputs, outputs and conventions are those of `film_net`, except that pictures and maps are
(B, H, W, C), and a pair is a batch of two: what belongs to the first picture, then the second.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from kinoloom.film.nets.film_net import FilmNet
from kinoloom.film.nets.nhwc import (
    Layer,
    Rows,
    as_rows,
    conv1x1,
    conv3x3,
    corners,
    put,
    sample,
    upsampled_conv2x2,
)

Pyramid = list[Tensor]


@dataclass(frozen=True)
class Pair:
    """What is known of a pair before a time is told; lists by level, from the finest on.

    Attributes:
        images: (2, H, W, 3).
        features: (2, H, W, C) each, whose concatenation are the features of the level.
        flows: (2, H, W, 2): from the first picture to the second, and back, in pixels.
    """

    images: Pyramid
    features: list[Pyramid]
    flows: Pyramid


class FilmCpu:
    """Runs a `FilmNet`, whose numbers are copied, on the CPU in float32.

    Args:
        net: the network.
    """

    def __init__(self, net: FilmNet) -> None:
        self.size = net.size
        self._tree = [[Layer.of(block) for block in stage] for stage in net.extract.tree]
        self._predictors = [
            [Layer.of(block) for block in net.predict_flow.predictor(level)._convs]
            for level in range(net.size.pyramid_levels)
        ]
        self._decoder = [[Layer.of(block) for block in stage] for stage in net.fuse.convs]
        self._output = Layer.of(torch.nn.Sequential(net.fuse.output_conv))

    @torch.inference_mode()
    def analyse(self, first: Tensor, second: Tensor, halvings: int = 0) -> Pair:
        """What does not depend on the time; see `FilmNet.analyse`.

        Args:
            first, second: (H, W, 3) float32 in 0..1, sides multiples of size.multiple <<
                halvings.
            halvings: motion is estimated on pictures halved this many times.
        """
        levels = self.size.pyramid_levels + halvings
        images = [torch.stack([first, second])]
        for _ in range(levels - 1):
            images.append(_halved(images[-1]))
        features = self._features(images)
        flows = self._flows(features, halvings)
        kept = self.size.fusion_levels
        return Pair(images[:kept], features[:kept], flows[:kept])

    @torch.inference_mode()
    def frame_at(self, pair: Pair, t: float) -> Tensor:
        """The frame at t, (H, W, 3), not clipped."""
        coarsest = self.size.fusion_levels - 1
        net: Tensor | None = None
        for level, (widen, mix, refine) in zip(
            reversed(range(coarsest)), self._decoder, strict=True
        ):
            if net is None:
                net = _whole(self._aligned(pair, coarsest, t))
            net = upsampled_conv2x2(net, widen)
            net = conv3x3(self._aligned(pair, level, t, net), mix)
            net = conv3x3(as_rows(net), refine)
        return conv1x1(net, self._output)[0]

    def _features(self, images: Pyramid) -> list[Pyramid]:
        count, depths = len(images), self.size.sub_levels
        features: list[Pyramid] = [[] for _ in images]
        for level, image in enumerate(images):
            net = image
            for depth in range(min(depths, count - level)):
                net = net if depth == 0 else _halved(net)
                for layer in self._tree[depth]:
                    net = conv3x3(as_rows(net), layer)
                features[level + depth].insert(0, net)
        return features

    def _flows(self, features: list[Pyramid], halvings: int) -> Pyramid:
        flow: Tensor | None = None
        flows: Pyramid = []
        for level in reversed(range(self.size.pyramid_levels)):
            parts = features[level + halvings][: level + 1]
            flow = torch.zeros(*parts[0].shape[:3], 2) if flow is None else _enlarged(flow)
            flow = flow + self._residual(level, parts, flow)
            flows.insert(0, flow)
        for _ in range(halvings):
            flows.insert(0, _enlarged(flows[0]))
        return flows

    def _residual(self, level: int, parts: Pyramid, flow: Tensor) -> Tensor:
        batch, height, width, _ = flow.shape

        def fill(out: Tensor, number: int, top: int, bottom: int) -> None:
            where = corners(flow[number, top:bottom], top, height)
            here = [part[number, top:bottom] for part in parts]
            put(out, [*here, *(sample(part[1 - number], where) for part in parts)])

        channels = 2 * sum(part.shape[3] for part in parts)
        first, *more, half, last = self._predictors[level]
        net = conv3x3(Rows((batch, height, width, channels), fill), first)
        for layer in more:
            net = conv3x3(as_rows(net), layer)
        return conv1x1(conv1x1(net, half), last)

    def _aligned(self, pair: Pair, level: int, t: float, net: Tensor | None = None) -> Rows:
        height, width = pair.images[level].shape[1:3]
        forward, backward = pair.flows[level]
        flows = (backward * t, forward * (1 - t))
        beside = flows if net is None else (*flows, net[0])

        def fill(out: Tensor, _: int, top: int, bottom: int) -> None:
            warped = []
            for number, flow in enumerate(flows):
                where = corners(flow[top:bottom], top, height)
                for part in (pair.images[level], *pair.features[level]):
                    warped.append(sample(part[number], where))
            put(out, [*warped, *(part[top:bottom] for part in beside)])

        channels = self.size.aligned_channels(level) + (0 if net is None else net.shape[3])
        return Rows((1, height, width, channels), fill)


def _whole(rows: Rows) -> Tensor:
    out = torch.empty(rows.shape)
    rows.fill(out[0], 0, 0, rows.shape[1])
    return out


def _halved(image: Tensor) -> Tensor:
    return F.avg_pool2d(image.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)


def _enlarged(flow: Tensor) -> Tensor:
    twice = F.interpolate(2 * flow.permute(0, 3, 1, 2), scale_factor=2, mode="bilinear")
    return twice.permute(0, 2, 3, 1).contiguous()
