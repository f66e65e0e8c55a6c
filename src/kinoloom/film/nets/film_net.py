"""FILM: frame interpolation for large motion; the published network, to read, run and train.

Inputs: x0, x1 (B, 3, H, W) float in 0..1, gamma-encoded RGB; H and W multiples of
    `FilmOptions.multiple` (64 for the published size); t in (0, 1).
Output: (B, 3, H, W), the frame at t, linear and not clipped; clip it to 0..1 before use.

Architecture, by stage:
    1. Image pyramids: 2x2 average pooling, 7 levels.
    2. Features: one small tree of convolutions (64, 128, 256, 512 filters, pooled between) is run
       on every level of both pyramids. Depth j of the tree on level i lands at the resolution of
       level i + j; all that land on one level are concatenated: 64, 192, 448, 960, 960, ...
       channels. So the same weights see small motion in fine levels and large in coarse ones.
    3. Flow, in both directions with the same weights, from the coarsest level to the finest:
       double and enlarge the flow so far, sample the other features by it, add what a predictor
       makes of both. Levels 0, 1 and 2 have a predictor each, all coarser ones share one.
    4. Warp: image and features of x0 are sampled by the backward flow times t, those of x1 by the
       forward flow times 1 - t, on the 5 finest levels.
    5. Fusion: a U-Net decoder from level 4 to level 0 over both warped pyramids and both flows.

Conventions: pyramids are lists from the finest level on. Flows are (B, 2, H, W), x then y, in
    pixels of their own level. The forward flow lies on the grid of x0 and points into x1. The
    names of submodules are those of the published checkpoints (see `film_weights`), which number
    predictors and decoder stages from the coarsest on.

The published network is trained for t = 0.5 only; scaling the flows by t and 1 - t is what its
torch port does to reach other times.

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

Pyramid = list[Tensor]

SLOPE = 0.2
"""Of all leaky ReLUs."""


@dataclass(frozen=True)
class FilmOptions:
    """The hyper-parameters of FILM; the defaults are the published ones.

    Motion is followed up to about 2 ** (pyramid_levels - 1) * flow_convs[-1] px: 192 px.

    Attributes:
        filters: of the first convolutions of tree and decoder; each next depth has twice as many.
        pyramid_levels: of images, features and flows.
        fusion_levels: how many of the finest levels the decoder sees, at most `pyramid_levels`.
        sub_levels: depth of the feature tree.
        flow_filters: of the predictors of the finest levels, the last shared by all coarser ones.
        flow_convs: how many 3x3 convolutions each of these predictors has.
        one_tree: whether all levels share one feature tree; else each has its own, as in an
            ablation of the paper (see `unshared`).

    Raises:
        UsageError: the numbers do not go together.
    """

    filters: int = 64
    pyramid_levels: int = 7
    fusion_levels: int = 5
    sub_levels: int = 4
    flow_filters: tuple[int, ...] = (32, 64, 128, 256)
    flow_convs: tuple[int, ...] = (3, 3, 3, 3)
    one_tree: bool = True

    def __post_init__(self) -> None:
        predictors = len(self.flow_filters)
        if not 1 <= predictors == len(self.flow_convs) <= self.pyramid_levels:
            raise UsageError(f"flow_filters and flow_convs are for as many levels each: {self}.")
        shared = self.feature_channels(predictors - 1)
        if shared != self.feature_channels(self.pyramid_levels - 1):
            raise UsageError(f"Levels that share a flow predictor differ in features: {self}.")
        if not 2 <= self.fusion_levels <= self.pyramid_levels:
            raise UsageError(f"fusion_levels must be from 2 to pyramid_levels: {self}.")

    @property
    def multiple(self) -> int:
        """Height and width have to be multiples of this, in pixels."""
        return 1 << (self.pyramid_levels - 1)

    def feature_channels(self, level: int) -> int:
        """How many channels the features of a level have."""
        return sum(self.filters << j for j in range(min(level + 1, self.sub_levels)))

    def aligned_channels(self, level: int) -> int:
        """What the decoder sees of a level: both images, both features, both flows."""
        return 2 * (3 + self.feature_channels(level)) + 2 * 2


def unshared(options: FilmOptions) -> FilmOptions:
    """The same network with weights of its own on every level, for trees and flow predictors.

    That is the paper's ablation "no weight sharing": it follows large motion less well.
    """
    more = options.pyramid_levels - len(options.flow_filters)
    return replace(
        options,
        one_tree=False,
        flow_filters=options.flow_filters + options.flow_filters[-1:] * more,
        flow_convs=options.flow_convs + options.flow_convs[-1:] * more,
    )


@dataclass(frozen=True)
class PairAnalysis:
    """What FILM knows of a pair before it is told a time; lists by level, from the finest on.

    Attributes:
        first, second: image and features, (B, 3 + C, H, W), of x0 and x1.
        forward, backward: flows from x0 to x1 and from x1 to x0, (B, 2, H, W), in pixels.
    """

    first: Pyramid
    second: Pyramid
    forward: Pyramid
    backward: Pyramid


class FilmNet(nn.Module):
    """The network; see the head of this module.

    Args:
        options: its hyper-parameters; the published ones if None.
    """

    def __init__(self, options: FilmOptions | None = None) -> None:
        super().__init__()
        self.options = options or FilmOptions()
        self.extract = FeatureExtractor(self.options)
        self.predict_flow = FlowEstimator(self.options)
        self.fuse = FusionDecoder(self.options)

    def forward(self, x0: Tensor, x1: Tensor, t: float | Tensor = 0.5) -> Tensor:
        """The frame at t.

        Args:
            x0, x1: (B, 3, H, W), see the head of this module.
            t: one time for all, or (B, 1, 1, 1).
        """
        return self.frame_at(self.analyse(x0, x1), t)

    def analyse(self, x0: Tensor, x1: Tensor, halvings: int = 0) -> PairAnalysis:
        """Stages 1 to 3: what does not depend on the time.

        Args:
            x0, x1: (B, 3, H, W), see the head of this module.
            halvings: estimate motion on pictures halved this many times, for pictures so large
                that motion would exceed the network's reach. Features that land on a level come
                from it and finer ones, the finest last; leaving those out gives exactly what
                the halved picture would have. The flow is then enlarged to the finest levels.

        Raises:
            ArrayError: the shapes differ, or a side is not a multiple of options.multiple <<
                halvings.
            UsageError: halvings of a network without a shared tree.
        """
        multiple = self.options.multiple << halvings
        if halvings and not self.options.one_tree:
            raise UsageError("A network with a tree for each level has none for a larger picture.")
        if x0.shape != x1.shape or any(side % multiple for side in x0.shape[-2:]):
            raise ArrayError(
                f"FILM takes two pictures of one size, both sides multiples of {multiple} px, "
                f"not {tuple(x0.shape)} and {tuple(x1.shape)}."
            )
        levels = self.options.pyramid_levels
        images = image_pyramid(torch.cat([x0, x1]), levels + halvings)
        features = self.extract(images)
        seen = [
            features[i + halvings][:, : self.options.feature_channels(i)] for i in range(levels)
        ]
        flows = self.predict_flow(seen, [swap_pair(level) for level in seen])
        for _ in range(halvings):
            flows = [enlarge_flow(flows[0]), *flows]
        kept = range(self.options.fusion_levels)
        looks = [torch.cat([images[i], features[i]], 1).chunk(2) for i in kept]
        first, second = ([look[k] for look in looks] for k in range(2))
        forward, backward = ([flows[i].chunk(2)[k] for i in kept] for k in range(2))
        return PairAnalysis(first, second, forward, backward)

    def frame_at(self, pair: PairAnalysis, t: float | Tensor) -> Tensor:
        """Stages 4 and 5: the frame at t, (B, 3, H, W)."""
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
    """Stage 2: the feature tree, and the concatenation of what lands on one level."""

    def __init__(self, options: FilmOptions) -> None:
        super().__init__()
        self.sub_levels = options.sub_levels
        if options.one_tree:
            self.extract_sublevels = FeatureTree(options.filters, options.sub_levels)
        else:
            depths = (options.pyramid_levels - i for i in range(options.pyramid_levels))
            self.trees = nn.ModuleList(
                FeatureTree(options.filters, min(depth, options.sub_levels)) for depth in depths
            )

    def forward(self, images: Pyramid) -> Pyramid:
        """(B, 3, H, W) a level to (B, C, H, W) a level, C as `FilmOptions.feature_channels`."""
        count = len(images)
        trees = [
            self._tree(i)(image, min(self.sub_levels, count - i)) for i, image in enumerate(images)
        ]
        return [
            torch.cat([trees[i - j][j] for j in range(min(i + 1, self.sub_levels))], 1)
            for i in range(count)
        ]

    def _tree(self, level: int) -> nn.Module:
        return self.trees[level] if hasattr(self, "trees") else self.extract_sublevels


class FeatureTree(nn.Module):
    """Pairs of 3x3 convolutions, 2x2 average pooling between the pairs.

    Args:
        filters: of the first pair; each next one has twice as many.
        depth: how many pairs.
    """

    def __init__(self, filters: int, depth: int) -> None:
        super().__init__()
        widths = [3, *(filters << j for j in range(depth))]
        self.convs = nn.ModuleList(
            nn.Sequential(Conv(before, width, 3), Conv(width, width, 3))
            for before, width in pairwise(widths)
        )

    def forward(self, image: Tensor, depth: int) -> Pyramid:
        """The features of depths 0 to `depth` - 1, each half the size of the one before."""
        features = [self.convs[0](image)]
        for stage in self.convs[1:depth]:
            features.append(stage(fn.avg_pool2d(features[-1], 2)))
        return features


class FlowEstimator(nn.Module):
    """Stage 3: flow from coarse to fine, each level adding to what the coarser ones found."""

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
        """The one that works on a level."""
        own = len(self._predictors)
        found = self._predictors[own - 1 - level] if level < own else self._predictor
        return cast(FlowPredictor, found)

    def forward(self, here: Pyramid, there: Pyramid) -> Pyramid:
        """The flow on every level of `here` that points at the like place of `there`."""
        coarsest = len(here) - 1
        flow = self.predictor(coarsest)(here[-1], there[-1])
        flows = [flow]
        for level in reversed(range(coarsest)):
            flow = enlarge_flow(flow)
            flow = flow + self.predictor(level)(here[level], warp(there[level], flow))
            flows.append(flow)
        return flows[::-1]


class FlowPredictor(nn.Module):
    """Convolutions that see two features (B, C, H, W) and make a flow (B, 2, H, W)."""

    def __init__(self, channels: int, filters: int, convs: int) -> None:
        super().__init__()
        widths = [channels, *[filters] * convs]
        self._convs = nn.Sequential(
            *(Conv(before, width, 3) for before, width in pairwise(widths)),
            Conv(filters, filters // 2, 1),
            Conv(filters // 2, 2, 1, linear=True),
        )

    def forward(self, here: Tensor, there: Tensor) -> Tensor:
        """The flow on the grid of `here`, in pixels; not below single precision."""
        flow: Tensor = self._convs(torch.cat([here, there], 1))
        return flow.to(torch.promote_types(flow.dtype, torch.float32))


class FusionDecoder(nn.Module):
    """Stage 5: from both aligned pyramids to the frame."""

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
        """(B, C, H, W) a level, C as `FilmOptions.aligned_channels`, to (B, 3, H, W)."""
        *finer, net = aligned
        for level, stage in zip(reversed(finer), self.convs, strict=True):
            net = stage(net, level)
        frame: Tensor = self.output_conv(net)
        return frame


class FusionStage(nn.ModuleList):
    """One step of the decoder: enlarge what the coarser levels gave, mix in this level.

    Args:
        coarser, aligned: channels of what comes from the coarser level, and of this level.
        width: channels of the result.
    """

    def __init__(self, coarser: int, aligned: int, width: int) -> None:
        widen = Conv(coarser, width, 2, linear=True)
        super().__init__([widen, Conv(aligned + width, width, 3), Conv(width, width, 3)])

    def forward(self, net: Tensor, aligned: Tensor) -> Tensor:
        """(B, coarser, H, W) and (B, aligned, 2H, 2W) to (B, width, 2H, 2W)."""
        widen, mix, refine = self
        net = widen(fn.interpolate(net, scale_factor=2, mode="nearest"))
        mixed: Tensor = refine(mix(torch.cat([aligned, net], 1)))
        return mixed


class Conv(nn.Sequential):
    """A convolution that keeps the size, then leaky ReLU unless linear.

    Zeros are padded; the extra row and column of a 2x2 kernel are below and to the right.

    Args:
        before, after: channels.
        kernel: 1, 2 or 3.
        linear: leave out the leaky ReLU.
    """

    def __init__(self, before: int, after: int, kernel: int, *, linear: bool = False) -> None:
        layer = nn.Conv2d(before, after, kernel, padding=(kernel - 1) // 2)
        super().__init__(layer, *([] if linear else [nn.LeakyReLU(SLOPE)]))
        self.even = kernel == 2
        self.linear = linear

    @property
    def layer(self) -> nn.Conv2d:
        """The convolution itself."""
        return cast(nn.Conv2d, self[0])

    def forward(self, image: Tensor) -> Tensor:
        """(B, before, H, W) to (B, after, H, W)."""
        net = fn.pad(image, (0, 1, 0, 1)) if self.even else image
        for module in self:
            net = module(net)
        return net


def image_pyramid(image: Tensor, levels: int) -> Pyramid:
    """The image and its 2x2 averages, `levels` in all."""
    pyramid = [image]
    for _ in range(levels - 1):
        pyramid.append(fn.avg_pool2d(pyramid[-1], 2))
    return pyramid


def swap_pair(batch: Tensor) -> Tensor:
    """Exchange the halves of a batch: what belongs to x0 and what belongs to x1."""
    return torch.roll(batch, batch.shape[0] // 2, 0)


def enlarge_flow(flow: Tensor) -> Tensor:
    """The same motion on a grid of twice the size: (B, 2, H, W) to (B, 2, 2H, 2W)."""
    return fn.interpolate(2 * flow, scale_factor=2, mode="bilinear", align_corners=False)


def warp(image: Tensor, flow: Tensor) -> Tensor:
    """Sample the image where the flow points, bilinear, the edge repeated outside.

    Args:
        image: (B, C, H, W).
        flow: (B, 2, H, W), x then y, in pixels.

    Returns:
        (B, C, H, W): at (x, y) the image at (x, y) + flow(x, y).
    """
    height, width = image.shape[-2:]
    x = torch.arange(width, device=flow.device, dtype=flow.dtype)
    y = torch.arange(height, device=flow.device, dtype=flow.dtype)[:, None]
    # grid_sample counts from -1 to 1 over the picture's outer edges: pixel x is (2x + 1)/W - 1.
    grid = torch.stack(
        [(2 * (x + flow[:, 0]) + 1) / width - 1, (2 * (y + flow[:, 1]) + 1) / height - 1], -1
    )
    exact = image.to(grid.dtype)  # of reduced precision the grid would not tell pixels apart
    return fn.grid_sample(exact, grid, "bilinear", "border", align_corners=False).to(image.dtype)
