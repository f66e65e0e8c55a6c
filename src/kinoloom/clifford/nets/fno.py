"""FNO and CFNO: spectral layers beside layers of each place alone.

Inputs: fields (B, in_channels, J, *space); outputs: (B, out_channels, K, *space), the same space,
two or three axes, each at least twice its modes long.
Architecture: a layer of each place alone to the hidden channels; blocks of activation(norm(spectral
layer + layer of each place alone)); a layer of each place alone to the output.

Sources: Li et al., ICLR 2021, arXiv:2010.08895; Brandstetter et al., ICLR 2023, arXiv:2209.04934.
"""

from __future__ import annotations

from torch import Tensor, nn

from kinoloom.clifford.nets.kits import Ends, Kit
from kinoloom.errors import UsageError


class FNO(nn.Module):
    """A Fourier neural operator of a kit's layers.

    Args:
        kit: what layers are made of.
        ends: what goes in and what comes out.
        channels: hidden channels, in the kit's unit.
        modes: for each axis, how many modes of each sign are kept.
        blocks: how many spectral blocks.

    Raises:
        UsageError: no block, or as the kit's layers.
    """

    def __init__(
        self, kit: Kit, ends: Ends, channels: int, modes: tuple[int, ...], blocks: int = 4
    ) -> None:
        super().__init__()
        if blocks < 1:
            raise UsageError(f"An FNO has at least 1 block, not {blocks}.")
        self.lift = kit.lift(ends, channels)
        self.blocks = nn.ModuleList(SpectralBlock(kit, channels, modes) for _ in range(blocks))
        self.project = kit.project(ends, channels)

    def forward(self, x: Tensor) -> Tensor:
        """The field that follows x.

        Raises:
            ArrayError: another shape than `Ends` and the kit say, or too few places for the modes.
        """
        hidden: Tensor = self.lift(x)
        for block in self.blocks:
            hidden = block(hidden)
        made: Tensor = self.project(hidden)
        return made


class SpectralBlock(nn.Module):
    """activation(norm(spectral(x) + place(x)))."""

    def __init__(self, kit: Kit, channels: int, modes: tuple[int, ...]) -> None:
        super().__init__()
        self.spectral = kit.spectral(channels, modes)
        self.place = kit.conv(channels, channels, 1)
        self.after = nn.Sequential(kit.norm(channels), kit.activation(channels))

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        made: Tensor = self.after(self.spectral(x) + self.place(x))
        return made
