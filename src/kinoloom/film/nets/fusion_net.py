"""The fusion network: the weight of each moved image at each pixel.

Inputs (`film.synthesis.fusion.FusionInput`, for a batch of B): sides (2 B, 2 S, H, W), those of
all first and then of all second images; common (B, 1 + S, H, W); speeds (B, S, H / 2, W / 2).
H and W are multiples of 8.
Output: (B, 2 S, H, W), weights whose sum is 1, of all first and then of all second images.

Architecture: one encoder sees each side; a U-Net at a half, a quarter and an eighth of the size
sees the sum and the absolute difference of both encodings, and what is common to both sides; one
head computes the logits of each side. So exchanging the images exchanges the weights exactly. The
logits are added to the logarithms of the shares; the head starts at zero, so the untrained network
averages the sources that are present.

Source: Ronneberger et al., "U-Net", MICCAI 2015.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from kinoloom.film.synthesis.fusion import LOG_SHARE_SCALE, SOURCES

_LEAKY_SLOPE = 0.1


@dataclass(frozen=True)
class FusionSize:
    """The size of the network.

    Attributes:
        sources: number of motion sources S.
        side: channels of the encoding of a side.
        half, quarter, eighth: channels at these sizes.
    """

    sources: int = SOURCES
    side: int = 12
    half: int = 20
    quarter: int = 32
    eighth: int = 56


class FusionNet(nn.Module):
    """The fusion network; see the module docstring."""

    def __init__(self, size: FusionSize | None = None) -> None:
        super().__init__()
        self.size = size = size or FusionSize()
        self.encode_side = _stack(_conv(2 * size.sources, size.side, 4, 2))
        self.encode_common = _stack(_conv(1 + size.sources, size.half, 4, 2))
        together = size.half + 2 * size.side + size.sources
        self.encode_half = _stack(_conv(together, size.half))
        self.encode_quarter = _stack(
            _conv(size.half, size.quarter, 3, 2), _conv(size.quarter, size.quarter)
        )
        self.encode_eighth = _stack(
            _conv(size.quarter, size.eighth, 3, 2),
            _conv(size.eighth, size.eighth),
            _conv(size.eighth, size.eighth),
        )
        self.decode_quarter = _stack(_conv(size.eighth + size.quarter, size.quarter))
        self.decode_half = _stack(_conv(size.quarter + size.half, size.half))
        self.head = _stack(_conv(size.half + size.side, size.half, 1))
        self.logits = _zero_weights(_conv(size.half, 4 * size.sources))

    def forward(self, sides: Tensor, common: Tensor, speeds: Tensor) -> Tensor:
        """Return the weights."""
        encoded = self.encode_side(sides)
        one, other = encoded.chunk(2)
        shared = torch.cat(
            [self.encode_common(common), one + other, (one - other).abs(), speeds], 1
        )
        half = self.encode_half(shared)
        quarter = self.encode_quarter(half)
        coarse = self.decode_quarter(
            torch.cat([_upsample(self.encode_eighth(quarter)), quarter], 1)
        )
        fine = self.decode_half(torch.cat([_upsample(coarse), half], 1))
        features = self.head(torch.cat([torch.cat([fine, fine]), encoded], 1))
        logits = functional.pixel_shuffle(self.logits(features), 2)
        logits = logits + LOG_SHARE_SCALE * sides[:, self.size.sources :]
        return _softmax(torch.cat(logits.chunk(2), 1))


def _stack(*convolutions: nn.Conv2d) -> nn.Sequential:
    layers = [(each, nn.LeakyReLU(_LEAKY_SLOPE)) for each in convolutions]
    return nn.Sequential(*(layer for pair in layers for layer in pair))


def _conv(channels: int, out: int, kernel: int = 3, stride: int = 1) -> nn.Conv2d:
    convolution = nn.Conv2d(channels, out, kernel, stride, (kernel - 1) // 2)
    nn.init.kaiming_normal_(convolution.weight, _LEAKY_SLOPE)
    nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]  # there is a bias
    return convolution


def _zero_weights(convolution: nn.Conv2d) -> nn.Conv2d:
    nn.init.zeros_(convolution.weight)
    return convolution


def _upsample(field: Tensor) -> Tensor:
    return functional.interpolate(field, scale_factor=2, mode="bilinear", align_corners=False)


def _softmax(logits: Tensor) -> Tensor:
    """Return the softmax over channels; ONNX Runtime's own takes about ten times as long there."""
    powers = torch.exp(logits - logits.amax(1, keepdim=True))
    return powers / powers.sum(1, keepdim=True)
