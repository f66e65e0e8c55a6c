"""ResNet and CResNet: residual blocks at one resolution, for stepping a field in time.

Inputs: fields (B, in_channels, J, *space); outputs: fields (B, out_channels, K, *space) of the same
size.
Architecture: pointwise convolution to the hidden channels; residual blocks of twice norm,
activation and 3-wide convolution; pointwise convolution to the output.

    spec = FieldSpec(4, 1, (0, 1), (0, 1))
    cresnet = ResNet(CliffordLayers((1, 1), 2), spec, channels=32)
    resnet = ResNet(PlainLayers((1, 1), 2), spec, channels=64)

Source: Brandstetter et al., ICLR 2023, arXiv:2209.04934 (8 blocks; there with one padding of the
whole input instead of periodic convolutions).
"""

from __future__ import annotations

from torch import Tensor, nn

from kinoloom.clifford.nets.layer_factory import FieldSpec, LayerFactory
from kinoloom.errors import UsageError


class ResNet(nn.Module):
    """Residual network.

    Args:
        factory: creates the layers.
        spec: channels and grades of inputs and outputs.
        channels: hidden channels, multivectors or numbers depending on the factory.
        blocks: number of residual blocks.

    Raises:
        UsageError: there are no blocks, or an argument of a layer is invalid.
    """

    def __init__(
        self, factory: LayerFactory, spec: FieldSpec, channels: int, blocks: int = 8
    ) -> None:
        super().__init__()
        if blocks < 1:
            raise UsageError(f"Invalid number of blocks {blocks}: expected at least 1.")
        self.lift = factory.lift(spec, channels)
        self.blocks = nn.ModuleList(ResidualBlock(factory, channels) for _ in range(blocks))
        self.project = factory.project(spec, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map input fields to output fields.

        Raises:
            ArrayError: the shape is wrong.
        """
        hidden: Tensor = self.lift(x)
        for block in self.blocks:
            hidden = block(hidden)
        output: Tensor = self.project(hidden)
        return output


class ResidualBlock(nn.Module):
    """Residual block: twice norm, activation and convolution, added to the input."""

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
        """Apply the block; the shape does not change."""
        output: Tensor = x + self.body(x)
        return output
