"""ResNet and CResNet: residual blocks at one resolution, for stepping a field in time.

Inputs: fields (B, in_channels, J, *space); outputs: (B, out_channels, K, *space), the same space.
Architecture: a layer of each place alone to the hidden channels; blocks of twice (norm, activation,
3-wide convolution) around which the field is added; a layer of each place alone to the output.

    net = ResNet(CliffordLayers((1, 1), 2), FieldSpec(4, 1, (0, 1), (0, 1)), channels=32)   # CResNet
    net = ResNet(PlainLayers((1, 1), 2), FieldSpec(4, 1, (0, 1), (0, 1)), channels=64)

Source: Brandstetter et al., ICLR 2023, arXiv:2209.04934 (8 blocks; there with a padded rim instead
of periodic convolutions).
"""

from __future__ import annotations

from torch import Tensor, nn

from kinoloom.clifford.nets.layer_factory import FieldSpec, LayerFactory
from kinoloom.errors import UsageError


class ResNet(nn.Module):
    """A residual network of a factory's layers.

    Args:
        factory: what layers are made of.
        spec: what goes in and what comes out.
        channels: hidden channels, in the factory's unit.
        blocks: how many residual blocks.

    Raises:
        UsageError: no block, or as the factory's layers.
    """

    def __init__(
        self, factory: LayerFactory, spec: FieldSpec, channels: int, blocks: int = 8
    ) -> None:
        super().__init__()
        if blocks < 1:
            raise UsageError(f"A ResNet has at least 1 block, not {blocks}.")
        self.lift = factory.lift(spec, channels)
        self.blocks = nn.ModuleList(ResidualBlock(factory, channels) for _ in range(blocks))
        self.project = factory.project(spec, channels)

    def forward(self, x: Tensor) -> Tensor:
        """The field that follows x.

        Raises:
            ArrayError: another shape than `FieldSpec` and the factory say.
        """
        hidden: Tensor = self.lift(x)
        for block in self.blocks:
            hidden = block(hidden)
        made: Tensor = self.project(hidden)
        return made


class ResidualBlock(nn.Module):
    """Twice norm, activation and convolution, added to what came in."""

    def __init__(self, factory: LayerFactory, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            factory.norm(channels),
            factory.activation(channels),
            factory.conv(channels, channels, 3),
            factory.norm(channels),
            factory.activation(channels),
            factory.conv(channels, channels, 3),
        )

    def forward(self, x: Tensor) -> Tensor:
        """x and what the block makes of it; the same shape."""
        made: Tensor = x + self.body(x)
        return made
