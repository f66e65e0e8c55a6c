"""SpectralConv: the plain Fourier layer that the Clifford one is compared with.

Inputs: (B, in_channels, *space) real; outputs: (B, out_channels, *space).
The real FFT of each channel; low modes, of both signs along all axes but the last, are multiplied
by a complex matrix each; all others become 0; the inverse FFT.

Source: Li et al., "Fourier Neural Operator for Parametric Partial Differential Equations", ICLR
2021, arXiv:2010.08895.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kinoloom.errors import ArrayError, UsageError


class SpectralConv(nn.Module):
    """A Fourier layer over as many axes as there are modes.

    Args:
        in_channels, out_channels: numbers at each place.
        modes: for each axis, how many modes of each sign are kept (of the last: of its one sign).

    Attributes:
        weight: (in_channels, out_channels, *kept, 2), real and imaginary parts, kept being twice
            the modes of each axis but the last.

    Raises:
        UsageError: no axes, or modes or channels that are not positive.
    """

    def __init__(self, in_channels: int, out_channels: int, modes: tuple[int, ...]) -> None:
        super().__init__()
        if not modes or min(*modes, in_channels, out_channels) < 1:
            raise UsageError(
                f"Modes and channels must be positive, not {modes}, {in_channels}, {out_channels}."
            )
        self.in_channels, self.out_channels, self.modes = in_channels, out_channels, modes
        kept = (*(2 * m for m in modes[:-1]), modes[-1])
        scale = 1 / (in_channels * out_channels)
        weight = torch.empty(in_channels, out_channels, *kept, 2).uniform_(0.0, scale)
        self.weight = nn.Parameter(weight)

    def forward(self, x: Tensor) -> Tensor:
        """Transform, multiply the low modes, transform back.

        Raises:
            ArrayError: another shape, or too few places for the modes.
        """
        sizes = tuple(x.shape[2:])
        right = x.dim() == 2 + len(self.modes) and x.shape[1] == self.in_channels
        if not right or any(s < 2 * m for s, m in zip(sizes, self.modes, strict=True)):
            raise ArrayError(
                f"SpectralConv takes (B, {self.in_channels}, *space) with each of "
                f"{len(self.modes)} axes at least twice {self.modes} long, not {tuple(x.shape)}."
            )
        axes = tuple(range(2, x.dim()))
        modes = torch.view_as_real(torch.fft.rfftn(x, dim=axes)).narrow(-2, 0, self.modes[-1])
        for axis, m in enumerate(self.modes[:-1], start=2):
            low, high = modes.narrow(axis, 0, m), modes.narrow(axis, sizes[axis - 2] - m, m)
            modes = torch.cat([low, high], dim=axis)
        spread = torch.view_as_complex(self._spread(self._mixed(modes), sizes))
        made: Tensor = torch.fft.irfftn(spread, s=sizes, dim=axes)
        return made

    def _mixed(self, modes: Tensor) -> Tensor:
        """(B, in_channels, *kept, 2) to (B, out_channels, *kept, 2), real and imaginary parts."""
        if not torch.compiler.is_compiling():
            kept, weight = torch.view_as_complex(modes), torch.view_as_complex(self.weight)
            return torch.view_as_real(torch.einsum("bi...,io...->bo...", kept, weight))
        real, imaginary = self.weight.unbind(-1)  # exporters know no complex products
        parts = torch.stack([self.weight, torch.stack([-imaginary, real], -1)], -2)
        return torch.einsum("bi...p,io...pq->bo...q", modes, parts)

    def _spread(self, modes: Tensor, sizes: tuple[int, ...]) -> Tensor:
        for axis, m in enumerate(self.modes[:-1], start=2):
            gap = (*modes.shape[:axis], sizes[axis - 2] - 2 * m, *modes.shape[axis + 1 :])
            halves = modes.narrow(axis, 0, m), modes.new_zeros(gap), modes.narrow(axis, m, m)
            modes = torch.cat(halves, dim=axis)
        rest = (*modes.shape[:-2], sizes[-1] // 2 + 1 - self.modes[-1], 2)
        return torch.cat([modes, modes.new_zeros(rest)], dim=-2)
