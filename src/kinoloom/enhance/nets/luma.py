"""The luma network of the tiers live and fast: super-resolution of brightness in real time.

Input: (B, 1, H, W) float32, BT.601 luma in 16/255..235/255: the Y plane of 8-bit video, divided by
255. Other ranges within 0..1 work as well.
Output: (B, 1, S H, S W), not clipped.

Architecture: 3x3 convolutions with leaky ReLUs, a last one to S^2 channels, plus a 5x5 convolution
of the input (edges repeated) that starts as bicubic interpolation, then a pixel shuffle. In its
training form, each 3x3 convolution is a sum of branches (`EdgeConvolution`); `Luma.fold` returns
the equal network with plain convolutions. Differences to the source: leaky ReLUs instead of PReLUs,
which ONNX Runtime cannot fuse with convolutions (they cost two thirds more time); an identity
branch; and the 5x5 convolution instead of nearest-neighbour interpolation.

Source: Zhang, Zeng and Zhang, "Edge-oriented Convolution Block for Real-time Super Resolution on
Mobile Devices" (ECBSR), ACM MM 2021.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from kinoloom.enhance.nets.folding import (
    EDGE_FILTERS,
    Kernel,
    add_kernels,
    apply_kernel,
    build_convolution,
    compose,
    depthwise_kernel,
    get_kernel,
    identity_kernel,
)

_LEAKY_SLOPE = 0.1
_SKIP_PX = 2
"""Reach of the convolution of the input."""
_EXPANSION = 2
"""Channels of the expand-and-squeeze branch, per output channel."""
_SCALE_STD = 1e-3
"""Standard deviation of the initial scales of the edge filters."""


class EdgeConvolution(nn.Module):
    """A 3x3 convolution in training form, the sum of these branches.

    - a 3x3 convolution
    - a 1x1 convolution to twice the channels, then a 3x3 one
    - per filter of `folding.EDGE_FILTERS`, a 1x1 convolution without bias (the filter would remove
      it), then the filter in each channel, with a learned scale and bias
    - the identity, where input and output have equally many channels

    It computes their folded kernel in each call, which takes less time and memory than the
    branches, and has the same gradients.

    Args:
        channels, out: of input and output.
    """

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.plain = nn.Conv2d(channels, out, 3)
        self.expand = nn.Conv2d(channels, _EXPANSION * out, 1)
        self.squeeze = nn.Conv2d(_EXPANSION * out, out, 3)
        self.mix = nn.ModuleList(nn.Conv2d(channels, out, 1, bias=False) for _ in EDGE_FILTERS)
        shape = (len(EDGE_FILTERS), out)
        self.edge_scale = nn.Parameter(torch.randn(shape) * _SCALE_STD)
        self.edge_bias = nn.Parameter(torch.zeros(shape))
        self.register_buffer("edge_filters", torch.tensor(EDGE_FILTERS), persistent=False)
        self.has_identity = channels == out

    def kernel(self) -> Kernel:
        """Return the folded 3x3 kernel."""
        filters: Tensor = self.edge_filters  # type: ignore[assignment]  # a buffer
        branches = [
            get_kernel(self.plain),
            compose(get_kernel(self.expand), get_kernel(self.squeeze)),
        ]
        for k, mix in enumerate(self.mix):
            scaled = self.edge_scale[k, :, None, None] * filters[k]
            edges = depthwise_kernel(scaled, self.edge_bias[k])
            branches.append(compose(get_kernel(mix), edges))  # type: ignore[arg-type]  # a Conv2d
        if self.has_identity:
            branches.append(identity_kernel(self.plain.out_channels, self.plain.weight))
        return add_kernels(*branches)

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, channels, H, W) to (B, out, H, W)."""
        return apply_kernel(self.kernel(), features)


class Luma(nn.Module):
    """The luma network; see the module docstring.

    Args:
        channels: of the hidden layers.
        blocks: hidden layers from `channels` to `channels`.
        scale: factor S of both sides, at least 1.
        folded: whether to build the folded form.
    """

    def __init__(
        self, channels: int = 8, blocks: int = 4, scale: int = 2, *, folded: bool = False
    ) -> None:
        super().__init__()
        self.channels, self.blocks, self.scale = channels, blocks, scale
        sizes = [1, *[channels] * (blocks + 1), scale**2]
        self.layers = nn.ModuleList(
            nn.Conv2d(before, after, 3, padding=1) if folded else EdgeConvolution(before, after)
            for before, after in pairwise(sizes)
        )
        self.skip = nn.Conv2d(1, scale**2, 2 * _SKIP_PX + 1, bias=False)
        with torch.no_grad():
            self.skip.weight.copy_(_bicubic_kernel(scale))

    @property
    def reach_px(self) -> int:
        """Distance at which an input pixel still affects the output, in input pixels."""
        return max(len(self.layers), _SKIP_PX)

    def forward(self, luma: Tensor) -> Tensor:
        """Return the luma enlarged by the scale."""
        features = luma
        for layer in self.layers[:-1]:
            features = functional.leaky_relu(layer(features), _LEAKY_SLOPE)
        edges = functional.pad(luma, (_SKIP_PX,) * 4, mode="replicate")
        return functional.pixel_shuffle(self.layers[-1](features) + self.skip(edges), self.scale)

    def fold(self) -> Luma:
        """Return the folded form, a copy in evaluation mode; the folded form returns a copy."""
        folded = Luma(self.channels, self.blocks, self.scale, folded=True).to(self.skip.weight)
        for k, layer in enumerate(self.layers):
            kernel = layer.kernel() if isinstance(layer, EdgeConvolution) else get_kernel(layer)  # type: ignore[arg-type]  # a Conv2d
            folded.layers[k] = build_convolution(kernel)
        folded.skip.load_state_dict(self.skip.state_dict())
        return folded.eval()


def _bicubic_kernel(scale: int) -> Tensor:
    """Return the convolution (S^2, 1, 5, 5) that, pixel-shuffled, interpolates bicubically.

    Keys' kernel with a = -0.5 and pixel centres at half-integers, as in `metrics.bicubic`.
    """
    taps = torch.tensor(
        [
            [_keys(Fraction(2 * phase + 1 - scale, 2 * scale) - tap) for tap in range(-2, 3)]
            for phase in range(scale)
        ]
    )
    kernels = torch.einsum("py,qx->pqyx", taps, taps)
    return kernels.reshape(scale**2, 1, 2 * _SKIP_PX + 1, 2 * _SKIP_PX + 1)


def _keys(distance: Fraction) -> float:
    near = abs(distance)
    if near <= 1:
        return float((near * 3 / 2 - Fraction(5, 2)) * near * near + 1)
    if near < 2:
        return float(((-near / 2 + Fraction(5, 2)) * near - 4) * near + 2)
    return 0.0
