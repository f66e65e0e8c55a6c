"""UNet and CUNet: residual blocks at several resolutions.

Inputs: fields (B, in_channels, J, *space), each axis divisible by 2 ** levels; outputs: (B,
out_channels, K, *space), the same space.
Architecture: a layer of each place alone to the hidden channels; at each level a residual block and
a convolution of stride 2 that doubles the channels; a block at the bottom; at each level a
transposed convolution that halves them, put beside what was there on the way down, a layer of each
place alone over both, a block; a layer of each place alone to the output.

Source: Ronneberger, Fischer and Brox, "U-Net", MICCAI 2015, arXiv:1505.04597 (the shape; blocks are
those of `resnet`).
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from kinoloom.clifford.nets.layer_factory import FieldSpec, LayerFactory
from kinoloom.clifford.nets.resnet import ResidualBlock
from kinoloom.errors import ArrayError, UsageError


class UNet(nn.Module):
    """A U-Net of a factory's layers.

    Args:
        factory: what layers are made of.
        spec: what goes in and what comes out.
        channels: hidden channels at full resolution, in the factory's unit.
        levels: how often the resolution is halved.

    Raises:
        UsageError: no level, or as the factory's layers.
    """

    def __init__(
        self, factory: LayerFactory, spec: FieldSpec, channels: int, levels: int = 2
    ) -> None:
        super().__init__()
        if levels < 1:
            raise UsageError(f"A U-Net has at least 1 level, not {levels}.")
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
        """The field that follows x.

        Raises:
            ArrayError: another shape than `FieldSpec` and the factory say, or an axis of space that is not
                divisible by 2 ** levels.
        """
        if any(size % self.multiple for size in x.shape[-self.space :]):
            raise ArrayError(
                f"This U-Net takes fields whose axes of space are divisible by {self.multiple}, "
                f"not {tuple(x.shape[-self.space :])}.",
                hint="Cut or pad the field, or use fewer levels.",
            )
        hidden: Tensor = self.lift(x)
        passed: list[Tensor] = []
        for block, down in zip(self.down_blocks, self.downs, strict=True):
            passed.append(block(hidden))
            hidden = down(passed[-1])
        hidden = self.bottom(hidden)
        for level in reversed(range(len(passed))):
            both = torch.cat([passed[level], self.ups[level](hidden)], dim=1)
            hidden = self.up_blocks[level](self.joins[level](both))
        made: Tensor = self.project(hidden)
        return made
