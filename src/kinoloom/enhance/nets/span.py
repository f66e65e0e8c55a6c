"""SPAN: super-resolution whose attention has no parameters.

Input: (B, 3, H, W) float32 RGB in 0..1.
Output: (B, 3, S H, S W), not clipped.

Architecture: a 3x3 convolution; six blocks of three 3x3 convolutions, with SiLUs after the first
two, whose output is (c + x) * (sigmoid(c) - 1/2) for the input x and the last convolution c;
another 3x3 convolution; a 1x1 convolution of four features (those of the first convolution, of the
last, of the first block, and of the first convolution of the sixth block after its SiLU); a 3x3
convolution to 3 S^2 channels and a pixel shuffle. In its training form, each 3x3 convolution but
the last is a 1x1 convolution to twice the channels, a 3x3 one and a 1x1 one, plus a 1x1 convolution
of its input; `Span.fold` returns the equal network with plain ones.

Conventions: the names of the weights are those of the published files. The network subtracts the
mean colour of its training data and multiplies by 255 itself.

Source: Wan et al., "Swift Parameter-free Attention Network for Efficient Super-Resolution", CVPR
Workshops 2024, arXiv:2311.12770, and its repository.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn import functional

from kinoloom.enhance.nets.folding import (
    Kernel,
    add_kernels,
    build_convolution,
    compose,
    get_kernel,
)

MEAN = (0.4488, 0.4371, 0.4040)
"""Mean colour of DIV2K, RGB in 0..1."""

_BLOCKS = 6
_EXPANSION = 2
_RANGE = 255.0


class SpanConvolution(nn.Module):
    """A 3x3 convolution of SPAN.

    Args:
        inputs, outputs: channels.
        is_folded: whether it is one convolution, `eval_conv`, instead of the training form.
    """

    def __init__(self, inputs: int, outputs: int, is_folded: bool) -> None:
        super().__init__()
        self.is_folded = is_folded
        if is_folded:
            self.eval_conv = nn.Conv2d(inputs, outputs, 3, padding=1)
            return
        inner, outer = _EXPANSION * inputs, _EXPANSION * outputs
        self.sk = nn.Conv2d(inputs, outputs, 1)
        self.conv = nn.Sequential(
            nn.Conv2d(inputs, inner, 1), nn.Conv2d(inner, outer, 3), nn.Conv2d(outer, outputs, 1)
        )

    def forward(self, image: Tensor) -> Tensor:
        """Return (B, outputs, H, W) for (B, inputs, H, W)."""
        if self.is_folded:
            result: Tensor = self.eval_conv(image)
        else:
            result = self.conv(functional.pad(image, (1, 1, 1, 1))) + self.sk(image)
        return result

    def fold_kernel(self) -> Kernel:
        """Return the kernel of the equal 3x3 convolution."""
        if self.is_folded:
            return get_kernel(self.eval_conv)
        kernels = [get_kernel(layer) for layer in self.conv if isinstance(layer, nn.Conv2d)]
        return add_kernels(reduce(compose, kernels), get_kernel(self.sk))


class SpanBlock(nn.Module):
    """A block of SPAN.

    Args:
        channels: of its input and output.
        is_folded: see `SpanConvolution`.
    """

    def __init__(self, channels: int, is_folded: bool) -> None:
        super().__init__()
        self.c1_r = SpanConvolution(channels, channels, is_folded)
        self.c2_r = SpanConvolution(channels, channels, is_folded)
        self.c3_r = SpanConvolution(channels, channels, is_folded)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the output, and the first convolution after its SiLU."""
        first = functional.silu(self.c1_r(features))
        last = self.c3_r(functional.silu(self.c2_r(first)))
        return (last + features) * (torch.sigmoid(last) - 0.5), first


class Span(nn.Module):
    """SPAN; see the module docstring.

    Args:
        channels: of the hidden layers; 48 or 52 in the published files.
        scale: factor S of both sides, at least 1.
        is_folded: whether to build the form for inference.
    """

    mean: Tensor

    def __init__(self, channels: int = 48, scale: int = 2, is_folded: bool = False) -> None:
        super().__init__()
        self.channels, self.scale, self.is_folded = channels, scale, is_folded
        self.conv_1 = SpanConvolution(3, channels, is_folded)
        for number in range(1, _BLOCKS + 1):
            self.add_module(f"block_{number}", SpanBlock(channels, is_folded))
        self.conv_2 = SpanConvolution(channels, channels, is_folded)
        self.conv_cat = nn.Conv2d(4 * channels, channels, 1)
        self.upsampler = nn.Sequential(
            nn.Conv2d(channels, 3 * scale**2, 3, padding=1), nn.PixelShuffle(scale)
        )
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None], persistent=False)

    @property
    def reach_px(self) -> int:
        """Distance at which an input pixel still affects the output, in input pixels."""
        return 3 * _BLOCKS + 3

    def forward(self, image: Tensor) -> Tensor:
        """Return the image enlarged by the scale."""
        start = self.conv_1((image - self.mean) * _RANGE)
        features, outputs, inside = start, [], start
        for number in range(1, _BLOCKS + 1):
            features, inside = self.get_submodule(f"block_{number}")(features)
            outputs.append(features)
        joined = torch.cat([start, self.conv_2(features), outputs[0], inside], 1)
        enlarged: Tensor = self.upsampler(self.conv_cat(joined))
        return enlarged

    def fold(self) -> Span:
        """Return the equal network for inference, a copy in evaluation mode."""
        folded = Span(self.channels, self.scale, is_folded=True).to(self.mean)
        state = OrderedDict(folded.state_dict())
        for name, module in self.named_modules():
            if isinstance(module, SpanConvolution):
                convolution = build_convolution(module.fold_kernel())
                for key, value in convolution.state_dict().items():
                    state[f"{name}.eval_conv.{key}"] = value
        for plain in ("conv_cat", "upsampler"):
            for key, value in self.get_submodule(plain).state_dict().items():
                state[f"{plain}.{key}"] = value
        folded.load_state_dict(state)
        return folded.eval()
