"""FNO and CFNO: Fourier neural operators of spectral and pointwise convolutions.

Inputs: fields (B, in_channels, J, *space); outputs: fields (B, out_channels, K, *space) of the same
size, with two or three axes of space, each at least twice as long as its number of modes.
Architecture: pointwise convolution to the hidden channels; blocks of activation(norm(spectral
convolution + pointwise convolution)); pointwise convolution to the output.

Sources: Li et al., ICLR 2021, arXiv:2010.08895; Brandstetter et al., ICLR 2023, arXiv:2209.04934.
"""

from __future__ import annotations

from torch import Tensor, nn

from kinoloom.clifford.nets.layer_factory import FieldSpec, LayerFactory
from kinoloom.errors import UsageError


class FNO(nn.Module):
    """Fourier neural operator.

    Args:
        factory: creates the layers.
        spec: channels and grades of inputs and outputs.
        channels: hidden channels, multivectors or numbers depending on the factory.
        modes: number of modes of each sign to keep, for each axis.
        blocks: number of spectral blocks.

    Raises:
        UsageError: there are no blocks, or an argument of a layer is invalid.
    """

    def __init__(
        self,
        factory: LayerFactory,
        spec: FieldSpec,
        channels: int,
        modes: tuple[int, ...],
        blocks: int = 4,
    ) -> None:
        super().__init__()
        if blocks < 1:
            raise UsageError(f"Invalid number of blocks {blocks}: expected at least 1.")
        self.lift = factory.lift(spec, channels)
        self.blocks = nn.ModuleList(SpectralBlock(factory, channels, modes) for _ in range(blocks))
        self.project = factory.project(spec, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map input fields to output fields.

        Raises:
            ArrayError: the shape is wrong, or an axis is too short for the modes.
        """
        hidden: Tensor = self.lift(x)
        for block in self.blocks:
            hidden = block(hidden)
        output: Tensor = self.project(hidden)
        return output


class SpectralBlock(nn.Module):
    """Block activation(norm(spectral(x) + pointwise(x)))."""

    def __init__(self, factory: LayerFactory, channels: int, modes: tuple[int, ...]) -> None:
        super().__init__()
        self.spectral = factory.spectral(channels, modes)
        self.place = factory.conv(channels, channels, 1)
        self.after = nn.Sequential(factory.norm(channels), factory.activation(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block; the shape does not change."""
        output: Tensor = self.after(self.spectral(x) + self.place(x))
        return output
