"""ResNet and CResNet: residual blocks at one resolution, for stepping a field in time.

Inputs: fields (B, in_channels, J, *space); outputs: (B, out_channels, K, *space), the same space.
Architecture: a layer of each place alone to the hidden channels; blocks of twice (norm, activation,
3-wide convolution) around which the field is added; a layer of each place alone to the output.

    net = ResNet(CliffordKit((1, 1), 2), Ends(4, 1, (0, 1), (0, 1)), channels=32)   # CResNet
    net = ResNet(PlainKit((1, 1), 2), Ends(4, 1, (0, 1), (0, 1)), channels=64)

Source: Brandstetter et al., ICLR 2023, arXiv:2209.04934 (8 blocks; there with a padded rim instead
of periodic convolutions).
"""

from __future__ import annotations

from torch import Tensor, nn

from kinoloom.clifford.nets.kits import Ends, Kit
from kinoloom.errors import UsageError


class ResNet(nn.Module):
    """A residual network of a kit's layers.

    Args:
        kit: what layers are made of.
        ends: what goes in and what comes out.
        channels: hidden channels, in the kit's unit.
        blocks: how many residual blocks.

    Raises:
        UsageError: no block, or as the kit's layers.
    """

    def __init__(self, kit: Kit, ends: Ends, channels: int, blocks: int = 8) -> None:
        super().__init__()
        if blocks < 1:
            raise UsageError(f"A ResNet has at least 1 block, not {blocks}.")
        self.lift = kit.lift(ends, channels)
        self.blocks = nn.ModuleList(ResidualBlock(kit, channels) for _ in range(blocks))
        self.project = kit.project(ends, channels)

    def forward(self, x: Tensor) -> Tensor:
        """The field that follows x.

        Raises:
            ArrayError: another shape than `Ends` and the kit say.
        """
        hidden: Tensor = self.lift(x)
        for block in self.blocks:
            hidden = block(hidden)
        made: Tensor = self.project(hidden)
        return made


class ResidualBlock(nn.Module):
    """Twice norm, activation and convolution, added to what came in."""

    def __init__(self, kit: Kit, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            kit.norm(channels),
            kit.activation(channels),
            kit.conv(channels, channels, 3),
            kit.norm(channels),
            kit.activation(channels),
            kit.conv(channels, channels, 3),
        )

    def forward(self, x: Tensor) -> Tensor:
        """x and what the block makes of it; the same shape."""
        made: Tensor = x + self.body(x)
        return made
