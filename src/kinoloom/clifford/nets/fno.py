"""FNO and CFNO: spectral layers beside layers of each place alone.

Inputs: fields (B, in_channels, J, *space); outputs: (B, out_channels, K, *space), the same space,
two or three axes, each at least twice its modes long.
Architecture: a layer of each place alone to the hidden channels; blocks of activation(norm(spectral
layer + layer of each place alone)); a layer of each place alone to the output.

Sources: Li et al., ICLR 2021, arXiv:2010.08895; Brandstetter et al., ICLR 2023, arXiv:2209.04934.
"""

from __future__ import annotations

from torch import Tensor, nn

from kinoloom.clifford.nets.layer_factory import FieldSpec, LayerFactory
from kinoloom.errors import UsageError


class FNO(nn.Module):
    """A Fourier neural operator of a factory's layers.

    Args:
        factory: what layers are made of.
        spec: what goes in and what comes out.
        channels: hidden channels, in the factory's unit.
        modes: for each axis, how many modes of each sign are kept.
        blocks: how many spectral blocks.

    Raises:
        UsageError: no block, or as the factory's layers.
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
            raise UsageError(f"An FNO has at least 1 block, not {blocks}.")
        self.lift = factory.lift(spec, channels)
        self.blocks = nn.ModuleList(SpectralBlock(factory, channels, modes) for _ in range(blocks))
        self.project = factory.project(spec, channels)

    def forward(self, x: Tensor) -> Tensor:
        """The field that follows x.

        Raises:
            ArrayError: another shape than `FieldSpec` and the factory say, or too few places for the modes.
        """
        hidden: Tensor = self.lift(x)
        for block in self.blocks:
            hidden = block(hidden)
        made: Tensor = self.project(hidden)
        return made


class SpectralBlock(nn.Module):
    """activation(norm(spectral(x) + place(x)))."""

    def __init__(self, factory: LayerFactory, channels: int, modes: tuple[int, ...]) -> None:
        super().__init__()
        self.spectral = factory.spectral(channels, modes)
        self.place = factory.conv(channels, channels, 1)
        self.after = nn.Sequential(factory.norm(channels), factory.activation(channels))

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        made: Tensor = self.after(self.spectral(x) + self.place(x))
        return made
