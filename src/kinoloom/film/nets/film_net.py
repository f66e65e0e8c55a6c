"""FILM: frame interpolation for large motion, the published network.

Inputs: x0, x1 (B, 3, H, W) float in 0..1, gamma-encoded RGB; H and W multiples of
    `FilmOptions.multiple` (64 for the published size); t in (0, 1).
Output: (B, 3, H, W), the frame at t, not clipped; clip it to 0..1 before use.

Architecture, by stage:
    1. Image pyramids: 2x2 average pooling, 7 levels.
    2. Features: one small tree of convolutions (64, 128, 256, 512 filters with pooling between)
       runs on every level of both pyramids. Depth j of the tree on level i has the resolution of
       level i + j; all features of one resolution are concatenated: 64, 192, 448, 960, 960, ...
       channels. So the same weights see small motion at fine levels and large motion at coarse
       ones.
    3. Flow, in both directions with the same weights, from the coarsest level to the finest:
       upsample the flow, warp the other features by it, add the residual that a predictor
       estimates from both. Levels 0, 1 and 2 have their own predictors, all coarser ones share
       one.
    4. Warping: image and features of x0 by the backward flow times t, those of x1 by the forward
       flow times 1 - t, on the 5 finest levels.
    5. Fusion: a U-Net decoder from level 4 to level 0 over both warped pyramids and both flows.

Conventions: pyramids are lists, finest level first. Flows are (B, 2, H, W), x then y, in pixels of
    their own level. The forward flow is on the grid of x0 and points into x1. Submodules have
    the names of the published checkpoints (see `film_weights`), which number predictors and
    decoder stages from the coarsest on.

The published network is trained for t = 0.5 only; scaling the flows by t and 1 - t for other times
follows its torch port.

References:
    Reda et al., "FILM: Frame Interpolation for Large Motion", ECCV 2022, arXiv:2202.04901.
    github.com/google-research/frame-interpolation, Apache-2.0 (hyper-parameters, the graph).
    github.com/dajes/frame-interpolation-pytorch, Apache-2.0 (names of tensors, t).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from kinoloom.errors import ArrayError, UsageError
from kinoloom.film.nets.pyramid import (
    Pyramid,
    build_image_pyramid,
    swap_pair,
    upsample_flow,
    warp,
)

LEAKY_SLOPE = 0.2
"""Negative slope of all leaky ReLUs."""


@dataclass(frozen=True)
class FilmOptions:
    """Hyper-parameters of FILM; the defaults are the published ones.

    The reach of the flow is about 2 ** (pyramid_levels - 1) * flow_convs[-1] px: 192 px.

    Attributes:
        filters: filters of the first convolutions of tree and decoder; they double per depth.
        pyramid_levels: number of levels of images, features and flows.
        fusion_levels: number of finest levels that the decoder sees, at most `pyramid_levels`.
        sub_levels: depth of the feature tree.
        flow_filters: filters of the predictors, finest level first; the last predictor is shared
            by all coarser levels.
        flow_convs: number of 3x3 convolutions of each of these predictors.
        has_shared_tree: whether all levels share one feature tree; otherwise each has its own, an
            ablation of the paper (see `unshare_weights`).

    Raises:
        UsageError: inconsistent values.
    """

    filters: int = 64
    pyramid_levels: int = 7
    fusion_levels: int = 5
    sub_levels: int = 4
    flow_filters: tuple[int, ...] = (32, 64, 128, 256)
    flow_convs: tuple[int, ...] = (3, 3, 3, 3)
    has_shared_tree: bool = True

    def __post_init__(self) -> None:
        predictors = len(self.flow_filters)
        if not 1 <= predictors == len(self.flow_convs) <= self.pyramid_levels:
            raise UsageError(
                "flow_filters and flow_convs must have the same length, from 1 to pyramid_levels, "
                f"not {self}."
            )
        shared = self.feature_channels(predictors - 1)
        if shared != self.feature_channels(self.pyramid_levels - 1):
            raise UsageError(
                "Levels that share a flow predictor must have the same number of features, not "
                f"{self}."
            )
        if not 2 <= self.fusion_levels <= self.pyramid_levels:
            raise UsageError(f"fusion_levels must be from 2 to pyramid_levels, not {self}.")

    @property
    def multiple(self) -> int:
        """The number of pixels of which height and width must be multiples."""
        return 1 << (self.pyramid_levels - 1)

    def feature_channels(self, level: int) -> int:
        """Return the number of feature channels of a level."""
        return sum(self.filters << j for j in range(min(level + 1, self.sub_levels)))

    def aligned_channels(self, level: int) -> int:
        """Return the decoder's input channels at a level: both images, features and flows."""
        return 2 * (3 + self.feature_channels(level)) + 2 * 2


def unshare_weights(options: FilmOptions) -> FilmOptions:
    """Return options with separate trees and flow predictors on every level.

    This is the paper's ablation "no weight sharing", which is worse on large motion.
    """
    more = options.pyramid_levels - len(options.flow_filters)
    return replace(
        options,
        has_shared_tree=False,
        flow_filters=options.flow_filters + options.flow_filters[-1:] * more,
        flow_convs=options.flow_convs + options.flow_convs[-1:] * more,
    )


@dataclass(frozen=True)
class PairAnalysis:
    """The time-independent analysis of a pair; lists by level, finest first.

    Attributes:
        first, second: images and features, (B, 3 + C, H, W), of x0 and x1.
        forward, backward: flows from x0 to x1 and from x1 to x0, (B, 2, H, W), in pixels.
    """

    first: Pyramid
    second: Pyramid
    forward: Pyramid
    backward: Pyramid


class FilmNet(nn.Module):
    """FILM; see the module docstring.

    Args:
        options: hyper-parameters; the published ones if None.
    """

    def __init__(self, options: FilmOptions | None = None) -> None:
        super().__init__()
        self.options = options or FilmOptions()
        self.extract = FeatureExtractor(self.options)
        self.predict_flow = FlowEstimator(self.options)
        self.fuse = FusionDecoder(self.options)

    def forward(self, x0: Tensor, x1: Tensor, t: float | Tensor = 0.5) -> Tensor:
        """Return the frame at t.

        Args:
            x0, x1: (B, 3, H, W), see the module docstring.
            t: one time for all, or (B, 1, 1, 1).
        """
        return self.render_frame(self.analyse(x0, x1), t)

    def analyse(self, x0: Tensor, x1: Tensor, halvings: int = 0) -> PairAnalysis:
        """Run stages 1 to 3, which do not depend on the time.

        Args:
            x0, x1: (B, 3, H, W), see the module docstring.
            halvings: how often the images are halved before motion is estimated, for images so
                large that motion would exceed the network's reach. A level's features come from
                it and from finer levels, the finest last; dropping those gives exactly the
                features of the halved image. The flow is then upsampled to the finest levels.

        Raises:
            ArrayError: the shapes differ, or a side is not a multiple of options.multiple <<
                halvings.
            UsageError: halvings with separate feature trees.
        """
        multiple = self.options.multiple << halvings
        if halvings and not self.options.has_shared_tree:
            raise UsageError(
                f"halvings must be 0 for a network without a shared feature tree, not {halvings}."
            )
        if x0.shape != x1.shape or any(side % multiple for side in x0.shape[-2:]):
            raise ArrayError(
                f"FILM expects two images of one size, both sides multiples of {multiple} px, "
                f"not {tuple(x0.shape)} and {tuple(x1.shape)}."
            )
        levels = self.options.pyramid_levels
        images = build_image_pyramid(torch.cat([x0, x1]), levels + halvings)
        features = self.extract(images)
        coarse = [
            features[i + halvings][:, : self.options.feature_channels(i)] for i in range(levels)
        ]
        flows = self.predict_flow(coarse, [swap_pair(level) for level in coarse])
        for _ in range(halvings):
            flows = [upsample_flow(flows[0]), *flows]
        kept = range(self.options.fusion_levels)
        maps = [torch.cat([images[i], features[i]], 1).chunk(2) for i in kept]
        first, second = ([level[k] for level in maps] for k in range(2))
        forward, backward = ([flows[i].chunk(2)[k] for i in kept] for k in range(2))
        return PairAnalysis(first, second, forward, backward)

    def render_frame(self, pair: PairAnalysis, t: float | Tensor) -> Tensor:
        """Run stages 4 and 5: return the frame at t, (B, 3, H, W)."""
        aligned = []
        for first, second, forward, backward in zip(
            pair.first, pair.second, pair.forward, pair.backward, strict=True
        ):
            to_first, to_second = backward * t, forward * (1 - t)
            warped = [warp(first, to_first), warp(second, to_second)]
            aligned.append(torch.cat([*warped, to_first, to_second], 1))
        frame: Tensor = self.fuse(aligned)
        return frame


class FeatureExtractor(nn.Module):
    """Stage 2: the feature tree, and the concatenation of features of one resolution."""

    def __init__(self, options: FilmOptions) -> None:
        super().__init__()
        self.sub_levels = options.sub_levels
        if options.has_shared_tree:
            self.extract_sublevels = FeatureTree(options.filters, options.sub_levels)
        else:
            depths = (options.pyramid_levels - i for i in range(options.pyramid_levels))
            self.trees = nn.ModuleList(
                FeatureTree(options.filters, min(depth, options.sub_levels)) for depth in depths
            )

    def forward(self, images: Pyramid) -> Pyramid:
        """Map levels (B, 3, H, W) to (B, C, H, W), C as `FilmOptions.feature_channels`."""
        count = len(images)
        trees = [
            self._get_tree(i)(image, min(self.sub_levels, count - i))
            for i, image in enumerate(images)
        ]
        return [
            torch.cat([trees[i - j][j] for j in range(min(i + 1, self.sub_levels))], 1)
            for i in range(count)
        ]

    def _get_tree(self, level: int) -> nn.Module:
        return self.trees[level] if hasattr(self, "trees") else self.extract_sublevels


class FeatureTree(nn.Module):
    """Pairs of 3x3 convolutions with 2x2 average pooling between them.

    Args:
        filters: of the first pair; they double with each pair.
        depth: number of pairs.
    """

    def __init__(self, filters: int, depth: int) -> None:
        super().__init__()
        widths = [3, *(filters << j for j in range(depth))]
        self.convs = nn.ModuleList(
            nn.Sequential(Conv(before, width, 3), Conv(width, width, 3))
            for before, width in pairwise(widths)
        )

    def forward(self, image: Tensor, depth: int) -> Pyramid:
        """Return the features of depths 0 to `depth` - 1, each half the size of the previous."""
        features = [self.convs[0](image)]
        for stage in self.convs[1:depth]:
            features.append(stage(fn.avg_pool2d(features[-1], 2)))
        return features


class FlowEstimator(nn.Module):
    """Stage 3: coarse-to-fine flow; each level adds a residual."""

    def __init__(self, options: FilmOptions) -> None:
        super().__init__()
        *own, shared = (
            FlowPredictor(2 * options.feature_channels(level), filters, convs)
            for level, (filters, convs) in enumerate(
                zip(options.flow_filters, options.flow_convs, strict=True)
            )
        )
        self._predictor = shared
        self._predictors = nn.ModuleList(reversed(own))

    def predictor(self, level: int) -> FlowPredictor:
        """Return the predictor of a level."""
        own = len(self._predictors)
        found = self._predictors[own - 1 - level] if level < own else self._predictor
        return cast(FlowPredictor, found)

    def forward(self, here: Pyramid, there: Pyramid) -> Pyramid:
        """Return the flow from `here` to `there` on every level."""
        coarsest = len(here) - 1
        flow = self.predictor(coarsest)(here[-1], there[-1])
        flows = [flow]
        for level in reversed(range(coarsest)):
            flow = upsample_flow(flow)
            flow = flow + self.predictor(level)(here[level], warp(there[level], flow))
            flows.append(flow)
        return flows[::-1]


class FlowPredictor(nn.Module):
    """Convolutions from two feature maps (B, C, H, W) to a flow (B, 2, H, W)."""

    def __init__(self, channels: int, filters: int, convs: int) -> None:
        super().__init__()
        widths = [channels, *[filters] * convs]
        self._convs = nn.Sequential(
            *(Conv(before, width, 3) for before, width in pairwise(widths)),
            Conv(filters, filters // 2, 1),
            Conv(filters // 2, 2, 1, linear=True),
        )

    def forward(self, here: Tensor, there: Tensor) -> Tensor:
        """Return the flow on the grid of `here`, in pixels, in at least single precision."""
        flow: Tensor = self._convs(torch.cat([here, there], 1))
        return flow.to(torch.promote_types(flow.dtype, torch.float32))


class FusionDecoder(nn.Module):
    """Stage 5: the decoder from both aligned pyramids to the frame."""

    def __init__(self, options: FilmOptions) -> None:
        super().__init__()
        levels = range(options.fusion_levels - 1)
        widths = [options.filters << min(level, options.sub_levels - 1) for level in levels]
        coarser = [*widths[1:], options.aligned_channels(options.fusion_levels - 1)]
        self.output_conv = nn.Conv2d(widths[0], 3, 1)
        self.convs = nn.ModuleList(
            FusionStage(coarser[level], options.aligned_channels(level), widths[level])
            for level in reversed(levels)
        )

    def forward(self, aligned: Sequence[Tensor]) -> Tensor:
        """Map levels (B, C, H, W), C as `FilmOptions.aligned_channels`, to (B, 3, H, W)."""
        *finer, net = aligned
        for level, stage in zip(reversed(finer), self.convs, strict=True):
            net = stage(net, level)
        frame: Tensor = self.output_conv(net)
        return frame


class FusionStage(nn.ModuleList):
    """One stage of the decoder: upsample the coarser result and merge this level.

    Args:
        coarser, aligned: channels of the coarser result, and of this level.
        width: channels of the result.
    """

    def __init__(self, coarser: int, aligned: int, width: int) -> None:
        widen = Conv(coarser, width, 2, linear=True)
        super().__init__([widen, Conv(aligned + width, width, 3), Conv(width, width, 3)])

    def forward(self, net: Tensor, aligned: Tensor) -> Tensor:
        """Map (B, coarser, H, W) and (B, aligned, 2H, 2W) to (B, width, 2H, 2W)."""
        widen, mix, refine = self
        net = widen(fn.interpolate(net, scale_factor=2, mode="nearest"))
        mixed: Tensor = refine(mix(torch.cat([aligned, net], 1)))
        return mixed


class Conv(nn.Sequential):
    """A zero-padded convolution that keeps the size, with leaky ReLU unless linear.

    The extra row and column of a 2x2 kernel are below and to the right.

    Args:
        before, after: input and output channels.
        kernel: 1, 2 or 3.
        linear: omit the leaky ReLU.
    """

    def __init__(self, before: int, after: int, kernel: int, *, linear: bool = False) -> None:
        layer = nn.Conv2d(before, after, kernel, padding=(kernel - 1) // 2)
        super().__init__(layer, *([] if linear else [nn.LeakyReLU(LEAKY_SLOPE)]))
        self.even = kernel == 2
        self.linear = linear

    @property
    def layer(self) -> nn.Conv2d:
        """The convolution without its activation."""
        return cast(nn.Conv2d, self[0])

    def forward(self, image: Tensor) -> Tensor:
        """Map (B, before, H, W) to (B, after, H, W)."""
        net = fn.pad(image, (0, 1, 0, 1)) if self.even else image
        for module in self:
            net = module(net)
        return net
