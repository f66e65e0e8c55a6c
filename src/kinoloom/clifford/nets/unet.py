"""UNet and CUNet: residual blocks at several resolutions.

Inputs: fields (B, in_channels, J, *space), each axis of space divisible by 2 ** levels; outputs:
fields (B, out_channels, K, *space) of the same size.
Architecture: pointwise convolution to the hidden channels. Encoder: at each level a residual block
and a convolution of stride 2 that doubles the channels. Bottleneck: a residual block. Decoder: at
each level a transposed convolution that halves the channels, concatenation with the output of the
encoder, a pointwise convolution and a residual block. Pointwise convolution to the output.

Source: Ronneberger, Fischer and Brox, "U-Net", MICCAI 2015, arXiv:1505.04597 (the architecture;
the blocks are those of `resnet`).
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from kinoloom.clifford.nets.layer_factory import FieldSpec, LayerFactory
from kinoloom.clifford.nets.resnet import ResidualBlock
from kinoloom.errors import ArrayError, UsageError


class UNet(nn.Module):
    """U-Net.

    Args:
        factory: creates the layers.
        spec: channels and grades of inputs and outputs.
        channels: hidden channels at full resolution, multivectors or numbers depending on the
            factory.
        levels: number of times that the resolution is halved.

    Raises:
        UsageError: there are no levels, or an argument of a layer is invalid.
    """

    def __init__(
        self, factory: LayerFactory, spec: FieldSpec, channels: int, levels: int = 2
    ) -> None:
        super().__init__()
        if levels < 1:
            raise UsageError(f"Invalid number of levels {levels}: expected at least 1.")
        widths = [channels << level for level in range(levels + 1)]
        pairs = list(pairwise(widths))
        self.multiple, self.space = 1 << levels, factory.space
        self.lift = factory.lift(spec, channels)
        self.down_blocks = nn.ModuleList(ResidualBlock(factory, w) for w in widths[:-1])
        self.downs = nn.ModuleList(factory.conv(fine, coarse, 3, 2) for fine, coarse in pairs)
        self.bottom = ResidualBlock(factory, widths[-1])
        self.ups = nn.ModuleList(factory.up(coarse, fine) for fine, coarse in pairs)
        self.joins = nn.ModuleList(factory.conv(2 * w, w, 1) for w in widths[:-1])
        self.up_blocks = nn.ModuleList(ResidualBlock(factory, w) for w in widths[:-1])
        self.project = factory.project(spec, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map input fields to output fields.

        Raises:
            ArrayError: the shape is wrong, or an axis of space is not divisible by 2 ** levels.
        """
        if any(size % self.multiple for size in x.shape[-self.space :]):
            raise ArrayError(
                f"The field has size {tuple(x.shape[-self.space :])}: expected axes of space "
                f"divisible by {self.multiple}.",
                hint="Crop or pad the field, or use fewer levels.",
            )
        hidden: Tensor = self.lift(x)
        skips: list[Tensor] = []
        for block, down in zip(self.down_blocks, self.downs, strict=True):
            skips.append(block(hidden))
            hidden = down(skips[-1])
        hidden = self.bottom(hidden)
        for level in reversed(range(len(skips))):
            both = torch.cat([skips[level], self.ups[level](hidden)], dim=1)
            hidden = self.up_blocks[level](self.joins[level](both))
        output: Tensor = self.project(hidden)
        return output
