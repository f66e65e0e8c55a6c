"""FILM: frame interpolation for large motion; the published network, to read, run and train.

Inputs: x0, x1 (B, 3, H, W) float in 0..1, gamma-encoded RGB; H and W multiples of
    `FilmSize.multiple` (64 for the published size); t in (0, 1).
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
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Pyramid = list[Tensor]


@dataclass(frozen=True)
class FilmSize:
    """The hyper-parameters of FILM; the defaults are the published ones.

    Attributes:
        filters: of the first convolutions of tree and decoder; each next depth has twice as many.
        pyramid_levels: of images, features and flows, above `sub_levels`.
        fusion_levels: how many of the finest levels the decoder sees, at most `pyramid_levels`.
        sub_levels: depth of the feature tree.
        flow_filters: of the predictors of the finest levels, the last shared by all coarser ones.
        flow_convs: how many 3x3 convolutions each of these predictors has.
    """

    filters: int = 64
    pyramid_levels: int = 7
    fusion_levels: int = 5
    sub_levels: int = 4
    flow_filters: tuple[int, ...] = (32, 64, 128, 256)
    flow_convs: tuple[int, ...] = (3, 3, 3, 3)

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


PUBLISHED = FilmSize()


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
        size: its hyper-parameters.
    """

    def __init__(self, size: FilmSize = PUBLISHED) -> None:
        super().__init__()
        self.size = size
        self.extract = FeatureExtractor(size)
        self.predict_flow = FlowEstimator(size)
        self.fuse = FusionDecoder(size)

    def forward(self, x0: Tensor, x1: Tensor, t: float | Tensor = 0.5) -> Tensor:
        """The frame at t.

        Args:
            x0, x1: (B, 3, H, W), see the head of this module.
            t: one time for all, or (B, 1, 1, 1).
        """
        return self.frame_at(self.analyse(x0, x1), t)

    def analyse(self, x0: Tensor, x1: Tensor) -> PairAnalysis:
        """Stages 1 to 3: what does not depend on the time.

        Raises:
            ValueError: height or width is not a multiple of `size.multiple`.
        """
        if x0.shape != x1.shape or any(side % self.size.multiple for side in x0.shape[-2:]):
            raise ValueError(
                f"FILM takes two pictures of one size, a multiple of {self.size.multiple} px, "
                f"not {tuple(x0.shape)} and {tuple(x1.shape)}."
            )
        images = image_pyramid(torch.cat([x0, x1]), self.size.pyramid_levels)
        features = self.extract(images)
        flows = self.predict_flow(features, [swap_pair(level) for level in features])
        levels = range(self.size.fusion_levels)
        halves = [torch.cat([images[i], features[i]], 1).chunk(2) for i in levels]
        flow_halves = [flows[i].chunk(2) for i in levels]
        return PairAnalysis(
            first=[half[0] for half in halves],
            second=[half[1] for half in halves],
            forward=[half[0] for half in flow_halves],
            backward=[half[1] for half in flow_halves],
        )

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

    def __init__(self, size: FilmSize) -> None:
        super().__init__()
        self.extract_sublevels = FeatureTree(size)
        self.sub_levels = size.sub_levels

    @property
    def tree(self) -> nn.ModuleList:
        return self.extract_sublevels.convs

    def forward(self, images: Pyramid) -> Pyramid:
        """(B, 3, H, W) a level to (B, C, H, W) a level, C as `FilmSize.feature_channels`."""
        count = len(images)
        trees = [
            self.extract_sublevels(image, min(self.sub_levels, count - i))
            for i, image in enumerate(images)
        ]
        return [
            torch.cat([trees[i - j][j] for j in range(min(i + 1, self.sub_levels))], 1)
            for i in range(count)
        ]


class FeatureTree(nn.Module):
    """Pairs of 3x3 convolutions, 2x2 average pooling between the pairs."""

    def __init__(self, size: FilmSize) -> None:
        super().__init__()
        widths = [3, *(size.filters << j for j in range(size.sub_levels))]
        self.convs = nn.ModuleList(
            nn.Sequential(conv(before, width, 3), conv(width, width, 3))
            for before, width in pairwise(widths)
        )

    def forward(self, image: Tensor, depth: int) -> Pyramid:
        """The features of depths 0 to `depth` - 1, each half the size of the one before."""
        features = [self.convs[0](image)]
        for stage in self.convs[1:depth]:
            features.append(stage(F.avg_pool2d(features[-1], 2)))
        return features


class FlowEstimator(nn.Module):
    """Stage 3: flow from coarse to fine, each level adding to what the coarser ones found."""

    def __init__(self, size: FilmSize) -> None:
        super().__init__()
        *own, shared = (
            FlowPredictor(2 * size.feature_channels(level), filters, convs)
            for level, (filters, convs) in enumerate(
                zip(size.flow_filters, size.flow_convs, strict=True)
            )
        )
        self._predictor = shared
        self._predictors = nn.ModuleList(reversed(own))

    def predictor(self, level: int) -> FlowPredictor:
        """The one that works on a level."""
        own = len(self._predictors)
        found = self._predictors[own - 1 - level] if level < own else self._predictor
        assert isinstance(found, FlowPredictor)
        return found

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
            *(conv(before, width, 3) for before, width in pairwise(widths)),
            conv(filters, filters // 2, 1),
            conv(filters // 2, 2, 1, linear=True),
        )

    def forward(self, here: Tensor, there: Tensor) -> Tensor:
        """The flow on the grid of `here`, in pixels."""
        flow: Tensor = self._convs(torch.cat([here, there], 1))
        return flow


class FusionDecoder(nn.Module):
    """Stage 5: from both aligned pyramids to the frame."""

    def __init__(self, size: FilmSize) -> None:
        super().__init__()
        coarse_to_fine = range(size.fusion_levels - 2, -1, -1)
        before = size.aligned_channels(size.fusion_levels - 1)
        self.convs = nn.ModuleList()
        for level in coarse_to_fine:
            width = size.filters << min(level, size.sub_levels - 1)
            self.convs.append(
                nn.ModuleList(
                    [
                        conv(before, width, 2, linear=True),
                        conv(size.aligned_channels(level) + width, width, 3),
                        conv(width, width, 3),
                    ]
                )
            )
            before = width
        self.output_conv = nn.Conv2d(before, 3, 1)

    def forward(self, aligned: Sequence[Tensor]) -> Tensor:
        """(B, C, H, W) a level, C as `FilmSize.aligned_channels`, to (B, 3, H, W)."""
        net = aligned[-1]
        for level, (widen, mix, refine) in zip(
            reversed(range(len(self.convs))), self.convs, strict=True
        ):
            net = widen(F.interpolate(net, scale_factor=2, mode="nearest"))
            net = refine(mix(torch.cat([aligned[level], net], 1)))
        frame: Tensor = self.output_conv(net)
        return frame


def conv(before: int, after: int, kernel: int, *, linear: bool = False) -> nn.Sequential:
    """A convolution that keeps the size, then leaky ReLU of slope 0.2 unless linear.

    Zeros are padded; the extra row and column of an even kernel are below and to the right.
    """
    layer = nn.Conv2d(before, after, kernel, padding="same")
    return nn.Sequential(layer) if linear else nn.Sequential(layer, nn.LeakyReLU(0.2))


def image_pyramid(image: Tensor, levels: int) -> Pyramid:
    """The image and its 2x2 averages, `levels` in all."""
    pyramid = [image]
    for _ in range(levels - 1):
        pyramid.append(F.avg_pool2d(pyramid[-1], 2))
    return pyramid


def swap_pair(batch: Tensor) -> Tensor:
    """Exchange the halves of a batch: what belongs to x0 and what belongs to x1."""
    return torch.roll(batch, batch.shape[0] // 2, 0)


def enlarge_flow(flow: Tensor) -> Tensor:
    """The same motion on a grid of twice the size: (B, 2, H, W) to (B, 2, 2H, 2W)."""
    return F.interpolate(2 * flow, scale_factor=2, mode="bilinear", align_corners=False)


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
    return F.grid_sample(image, grid, "bilinear", "border", align_corners=False)
