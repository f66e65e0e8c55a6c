"""Real-valued spectral convolution, the counterpart of the Clifford Fourier layer.

Inputs: real images (B, in_channels, *space); outputs: real images (B, out_channels, *space).
Method: real FFT of each channel; a learned complex matrix for each low mode, of both signs along
all axes but the last; 0 for all other modes; the inverse FFT.

Source: Li et al., "Fourier Neural Operator for Parametric Partial Differential Equations", ICLR
2021, arXiv:2010.08895.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kinoloom.clifford.layers.layout import run_in_full_precision
from kinoloom.errors import ArrayError, UsageError


class SpectralConv(nn.Module):
    """Spectral convolution over as many axes as there are numbers of modes.

    Args:
        in_channels, out_channels: number of channels.
        modes: number of modes of each sign to keep, for each axis; the last axis has one sign.

    Attributes:
        weight: (in_channels, out_channels, *kept, 2), real and imaginary parts; `kept` is twice
            the modes of each axis except the last.

    Raises:
        UsageError: there are no axes, or a number of modes or channels is not positive.
    """

    def __init__(self, in_channels: int, out_channels: int, modes: tuple[int, ...]) -> None:
        super().__init__()
        if not modes or min(*modes, in_channels, out_channels) < 1:
            raise UsageError(
                f"Invalid modes {modes} or channels {in_channels} and {out_channels}: expected at "
                "least 1 each."
            )
        self.in_channels, self.out_channels, self.modes = in_channels, out_channels, modes
        kept = (*(2 * m for m in modes[:-1]), modes[-1])
        scale = 1 / (in_channels * out_channels)
        weight = torch.empty(in_channels, out_channels, *kept, 2).uniform_(0.0, scale)
        self.weight = nn.Parameter(weight)

    def forward(self, x: Tensor) -> Tensor:
        """Multiply the low modes of images.

        Raises:
            ArrayError: the shape is wrong, an axis is too short for the modes, or x has 16 bits
                outside of autocast, under which the layer computes in float32.
        """
        sizes = tuple(x.shape[2:])
        matches = x.dim() == 2 + len(self.modes) and x.shape[1] == self.in_channels
        if not matches or any(s < 2 * m for s, m in zip(sizes, self.modes, strict=True)):
            raise ArrayError(
                f"The input of SpectralConv has shape {tuple(x.shape)}: expected "
                f"(B, {self.in_channels}, *space) with at least "
                f"{tuple(2 * m for m in self.modes)} cells."
            )
        return run_in_full_precision(self, self._filter, x)

    def _filter(self, x: Tensor) -> Tensor:
        sizes, axes = tuple(x.shape[2:]), tuple(range(2, x.dim()))
        modes = torch.view_as_real(torch.fft.rfftn(x, dim=axes)).narrow(-2, 0, self.modes[-1])
        for axis, m in enumerate(self.modes[:-1], start=2):
            low, high = modes.narrow(axis, 0, m), modes.narrow(axis, sizes[axis - 2] - m, m)
            modes = torch.cat([low, high], dim=axis)
        padded = torch.view_as_complex(self._pad_modes(self._multiply_modes(modes), sizes))
        output: Tensor = torch.fft.irfftn(padded, s=sizes, dim=axes)
        return output

    def _multiply_modes(self, modes: Tensor) -> Tensor:
        """Map (B, in_channels, *kept, 2) to (B, out_channels, *kept, 2), real and imaginary."""
        if not torch.compiler.is_compiling():
            kept, weight = torch.view_as_complex(modes), torch.view_as_complex(self.weight)
            return torch.view_as_real(torch.einsum("bi...,io...->bo...", kept, weight))
        real, imaginary = self.weight.unbind(-1)  # exporters lack complex products
        parts = torch.stack([self.weight, torch.stack([-imaginary, real], -1)], -2)
        return torch.einsum("bi...p,io...pq->bo...q", modes, parts)

    def _pad_modes(self, modes: Tensor, sizes: tuple[int, ...]) -> Tensor:
        for axis, m in enumerate(self.modes[:-1], start=2):
            gap = (*modes.shape[:axis], sizes[axis - 2] - 2 * m, *modes.shape[axis + 1 :])
            halves = modes.narrow(axis, 0, m), modes.new_zeros(gap), modes.narrow(axis, m, m)
            modes = torch.cat(halves, dim=axis)
        rest = (*modes.shape[:-2], sizes[-1] // 2 + 1 - self.modes[-1], 2)
        return torch.cat([modes, modes.new_zeros(rest)], dim=-2)
