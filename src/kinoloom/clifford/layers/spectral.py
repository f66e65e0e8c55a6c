"""Clifford Fourier layers: products with learned multivectors, mode by mode, in two and three
dimensions.

Inputs: fields (B, in_channels, I, *space), of an algebra with as many generators as axes of space
    and a pseudoscalar i of square -1: Cl(2, 0), Cl(0, 2), Cl(3, 0), Cl(1, 2).
Outputs: fields (B, out_channels, I, *space).

Stages:
    1. Clifford Fourier transform. A blade b and its dual b i are one complex number: the field is
       a sum of b (x_b + x_bi i), and each bracket is transformed by an ordinary complex FFT. The
       sign of each dual is taken from the algebra (in Cl(3, 0), e2 i = -e13).
    2. The lowest modes of both signs along each axis, 2 * modes of them, are multiplied from the
       right by a learned multivector each; all others become 0.
    3. The inverse transform.
With `multiply=False` stage 2 only drops the high modes: with as many modes as places the layer is
the identity.

Not equivariant under rotations: each mode has a weight of its own.

Sources: Brandstetter et al., ICLR 2023, arXiv:2209.04934; Ebling and Scheuermann,
"Clifford Fourier Transform on Vector Fields" (2005). Li et al., "Fourier Neural Operator", ICLR
2021, for keeping low modes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor, nn

from kinoloom.clifford.algebra import Algebra
from kinoloom.clifford.layers.layout import check_field
from kinoloom.clifford.layers.product import ProductLayer, Signature
from kinoloom.errors import ArrayError, UsageError


class CliffordSpectralConv(ProductLayer):
    """A Clifford Fourier layer over `space` axes.

    Args:
        g: the algebra, or its signature as a list of squares.
        in_channels, out_channels: how many multivectors at each place.
        modes: for each axis, how many modes of each sign are kept.
        multiply: whether modes are multiplied by weights; if not, channels stay as they are.

    Attributes:
        weight: (I, out_channels, in_channels, *(2 * modes)), low modes first, then the negative
            ones; absent parameters (None) when `multiply` is false.

    Raises:
        UsageError: another number of generators, a pseudoscalar whose square is not -1, modes
            that are not positive, or channels that change without weights.
    """

    space: ClassVar[int]

    def __init__(
        self,
        g: Signature,
        in_channels: int,
        out_channels: int,
        modes: tuple[int, ...],
        multiply: bool = True,
    ) -> None:
        algebra = Algebra.of(g)
        if algebra.dim != self.space or algebra.pseudoscalar_square != -1:
            raise UsageError(
                f"{type(self).__name__} needs an algebra of {self.space} generators whose "
                f"pseudoscalar squares to -1, not {algebra}.",
                hint="Cl(2, 0), Cl(0, 2), Cl(3, 0) and Cl(1, 2) are such.",
            )
        if min(modes) < 1 or not (multiply or in_channels == out_channels):
            raise UsageError(
                f"A spectral layer keeps at least 1 mode, not {modes}, and without weights as "
                f"many channels as it has, not {in_channels} -> {out_channels}."
            )
        shape = (out_channels, in_channels, *(2 * m for m in modes))
        super().__init__(algebra, in_channels, out_channels, shape, in_channels, False, None, None)
        self.multiply, self.modes = multiply, modes
        if not multiply:
            self.register_parameter("weight", None)
        half, full = algebra.n_blades // 2, algebra.n_blades - 1
        self._duals = tuple(int(k) for k in algebra.partner[full, :half])
        self._signs = tuple(int(algebra.sign[k, j]) for j, k in enumerate(self._duals))

    def reset_parameters(self) -> None:
        """Draw weights evenly from 0 to 1 / (in_channels * out_channels), as published."""
        nn.init.uniform_(self.weight, 0.0, 1 / (self.in_channels * self.out_channels))

    def expand(self) -> Tensor:
        """One real matrix for each mode: (modes, in_channels * I, out_channels * I)."""
        entries = self.entries().flatten(4)  # K, J, out, in, modes
        return entries.permute(4, 3, 1, 2, 0).flatten(3, 4).flatten(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Transform, multiply the low modes, transform back.

        Args:
            x: (B, in_channels, I, *space), each axis of space at least 2 * modes long.

        Returns:
            (B, out_channels, I, *space).

        Raises:
            ArrayError: another shape, or too few places for the modes.
        """
        check_field(x, self.in_channels, self.algebra.n_blades, self.space, type(self).__name__)
        sizes = x.shape[3:]
        if any(size < 2 * m for size, m in zip(sizes, self.modes, strict=True)):
            raise ArrayError(
                f"A field of {tuple(sizes)} has too few places for {self.modes} modes of each "
                "sign.",
                hint="Each axis must be at least twice its modes long.",
            )
        low = self._select_low_modes(self.transform(x))
        if self.multiply:
            low = self._multiply_modes(low)
        return self.inverse_transform(self._pad_modes(low, tuple(sizes)))

    def transform(self, x: Tensor) -> Tensor:
        """The Clifford Fourier transform: real fields to multivectors of each mode, both real.

        Args:
            x: (B, C, I, *space).

        Returns:
            (B, C, I, *modes), in the order of `torch.fft.fftn`.
        """
        return self._apply_fft(x, torch.fft.fftn)

    def inverse_transform(self, x: Tensor) -> Tensor:
        """The inverse of `transform`; same shapes."""
        return self._apply_fft(x, torch.fft.ifftn)

    def _apply_fft(self, x: Tensor, fft: Callable[..., Tensor]) -> Tensor:
        half = len(self._duals)
        sign = x.new_tensor(self._signs).reshape(-1, *[1] * self.space)
        order = list(self._duals)
        paired = torch.complex(x[:, :, :half].contiguous(), x[:, :, order] * sign)
        made = fft(paired, dim=tuple(range(3, 3 + self.space)))
        places = sorted(range(half), key=order.__getitem__)
        return torch.cat([made.real, (made.imag * sign)[:, :, places]], dim=2)

    def _select_low_modes(self, x: Tensor) -> Tensor:
        for axis, m in enumerate(self.modes, start=3):
            size = x.shape[axis]
            x = torch.cat([x.narrow(axis, 0, m), x.narrow(axis, size - m, m)], dim=axis)
        return x

    def _pad_modes(self, x: Tensor, sizes: tuple[int, ...]) -> Tensor:
        for axis, (m, size) in enumerate(zip(self.modes, sizes, strict=True), start=3):
            gap = (*x.shape[:axis], size - 2 * m, *x.shape[axis + 1 :])
            zeros = x.new_zeros(gap)
            x = torch.cat([x.narrow(axis, 0, m), zeros, x.narrow(axis, m, m)], dim=axis)
        return x

    def _multiply_modes(self, low: Tensor) -> Tensor:
        shape = (low.shape[0], self.out_channels, self.algebra.n_blades, *low.shape[3:])
        by_mode = low.flatten(3).flatten(1, 2).permute(2, 0, 1)
        return torch.bmm(by_mode, self.kernel()).permute(1, 2, 0).reshape(shape)

    def extra_repr(self) -> str:
        """What `print` shows of the layer."""
        return f"{super().extra_repr()}, modes={self.modes}"


class CliffordSpectralConv2d(CliffordSpectralConv):
    """A Clifford Fourier layer over two axes; modes1 and modes2 are `modes`."""

    space = 2

    def __init__(
        self,
        g: Signature,
        in_channels: int,
        out_channels: int,
        modes1: int,
        modes2: int,
        multiply: bool = True,
    ) -> None:
        super().__init__(g, in_channels, out_channels, (modes1, modes2), multiply)


class CliffordSpectralConv3d(CliffordSpectralConv):
    """A Clifford Fourier layer over three axes; modes1, modes2 and modes3 are `modes`."""

    space = 3

    def __init__(
        self,
        g: Signature,
        in_channels: int,
        out_channels: int,
        modes1: int,
        modes2: int,
        modes3: int,
        multiply: bool = True,
    ) -> None:
        super().__init__(g, in_channels, out_channels, (modes1, modes2, modes3), multiply)
