"""NAFNet: restoration (noise, blur, JPEG) by a U-Net without nonlinear activations.

Input: (B, 3, H, W) float32 RGB in 0..1, any size.
Output: (B, 3, H, W), not clipped.

Architecture: levels of blocks; between levels a 2x2 convolution with stride 2 halves the sides, and
a 1x1 convolution with a pixel shuffle doubles them, where the features of the same level are added.
A block multiplies the two halves of its channels instead of an activation, and weights channels by
a convolution of their mean over the image. The result is added to the input.

Conventions: the names of the weights are those of the published files. Images are padded with
zeros at the right and at the bottom to a multiple of 2^levels. The mean over the image makes the
result depend on the whole image: tiles differ from the whole, so that `reach_px` is None.

Source: Chen, Chu, Zhang and Sun, "Simple Baselines for Image Restoration", ECCV 2022,
arXiv:2204.04676, and its repository.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

_EPSILON = 1e-6


class ChannelNorm(nn.Module):
    """Layer normalisation over the channels of each pixel.

    Args:
        channels: of the features.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, features: Tensor) -> Tensor:
        """Return features of mean 0 and variance 1 in each pixel, scaled and shifted."""
        centred = features - features.mean(1, keepdim=True)
        variance = (centred * centred).mean(1, keepdim=True)
        scaled = centred / torch.sqrt(variance + _EPSILON)
        return scaled * self.weight[:, None, None] + self.bias[:, None, None]


class NAFBlock(nn.Module):
    """A block of NAFNet, which starts as the identity.

    Args:
        channels: of its input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        double = 2 * channels
        self.norm1, self.norm2 = ChannelNorm(channels), ChannelNorm(channels)
        self.conv1 = nn.Conv2d(channels, double, 1)
        self.conv2 = nn.Conv2d(double, double, 3, padding=1, groups=double)
        self.sca = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, channels, 1))
        self.conv3 = nn.Conv2d(channels, channels, 1)
        self.conv4 = nn.Conv2d(channels, double, 1)
        self.conv5 = nn.Conv2d(channels, channels, 1)
        self.beta = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.gamma = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, features: Tensor) -> Tensor:
        """Return features of the same shape."""
        gated = _gate(self.conv2(self.conv1(self.norm1(features))))
        features = features + self.beta * self.conv3(gated * self.sca(gated))
        gated = _gate(self.conv4(self.norm2(features)))
        changed: Tensor = features + self.gamma * self.conv5(gated)
        return changed


class NAFNet(nn.Module):
    """NAFNet; see the module docstring.

    Args:
        channels: of the first level; 32 or 64 in the published files.
        encoders: blocks of each level before the middle.
        middle: blocks of the lowest level.
        decoders: blocks of each level after the middle, from the lowest on.
    """

    def __init__(
        self,
        channels: int = 16,
        encoders: Sequence[int] = (1, 1, 2),
        middle: int = 1,
        decoders: Sequence[int] = (1, 1, 1),
    ) -> None:
        super().__init__()
        self.channels, self.middle = channels, middle
        self.blocks = (tuple(encoders), tuple(decoders))
        self.intro = nn.Conv2d(3, channels, 3, padding=1)
        self.ending = nn.Conv2d(channels, 3, 3, padding=1)
        widths = [channels << level for level in range(len(encoders))]
        self.encoders = nn.ModuleList(map(_build_level, widths, encoders))
        self.downs = nn.ModuleList(nn.Conv2d(width, 2 * width, 2, 2) for width in widths)
        self.middle_blks = _build_level(channels << len(encoders), middle)
        self.ups = nn.ModuleList(
            nn.Sequential(nn.Conv2d(2 * width, 4 * width, 1, bias=False), nn.PixelShuffle(2))
            for width in reversed(widths)
        )
        self.decoders = nn.ModuleList(map(_build_level, reversed(widths), decoders))

    @property
    def size_multiple(self) -> int:
        """Sides are padded to a multiple of this."""
        return 1 << len(self.encoders)

    @property
    def reach_px(self) -> None:
        """None: every pixel affects the whole output."""
        return None

    def forward(self, image: Tensor) -> Tensor:
        """Return the restored image."""
        height, width = image.shape[2:]
        padding = (-width % self.size_multiple, -height % self.size_multiple)
        padded = functional.pad(image, (0, padding[0], 0, padding[1]))
        features, kept = self.intro(padded), []
        for encoder, down in zip(self.encoders, self.downs, strict=True):
            features = encoder(features)
            kept.append(features)
            features = down(features)
        features = self.middle_blks(features)
        for decoder, up in zip(self.decoders, self.ups, strict=True):
            features = decoder(up(features) + kept.pop())
        restored: Tensor = self.ending(features) + padded
        return restored[:, :, :height, :width]


def _build_level(channels: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(*(NAFBlock(channels) for _ in range(blocks)))


def _gate(features: Tensor) -> Tensor:
    first, second = features.chunk(2, 1)
    return first * second
