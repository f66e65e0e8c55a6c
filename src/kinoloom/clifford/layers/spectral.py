"""Clifford Fourier layers in two and three dimensions: one learned multivector per Fourier mode.

Inputs: fields (B, in_channels, I, *space) of an algebra with as many generators as axes of space
    and a pseudoscalar i of square -1: Cl(2, 0), Cl(0, 2), Cl(3, 0) or Cl(1, 2).
Outputs: fields (B, out_channels, I, *space).

Stages:
    1. Clifford Fourier transform. A blade b and its dual b i form a complex number: the field is a
       sum of b (x_b + x_bi i), and each bracket is transformed by a complex FFT. The algebra
       provides the sign of each dual (in Cl(3, 0), e2 i = -e13).
    2. The lowest modes of both signs along each axis, 2 * modes in total, are multiplied from the
       right by a learned multivector each; all others are set to 0.
    3. Inverse transform.
With `multiply=False` stage 2 only truncates the spectrum: with all modes the layer is the identity.

Under autocast the layer computes in float32: transforms in 16 bits are too inexact, or missing.

Not equivariant under rotations: each mode has its own weight.

Sources: Brandstetter et al., ICLR 2023, arXiv:2209.04934; Ebling and Scheuermann, "Clifford Fourier
Transform on Vector Fields" (2005); Li et al., "Fourier Neural Operator for Parametric Partial
Differential Equations", ICLR 2021, arXiv:2010.08895 (truncation to low modes).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor, nn

from kinoloom.clifford.algebra import Algebra
from kinoloom.clifford.layers.layout import check_field, run_in_full_precision
from kinoloom.clifford.layers.product import ProductLayer, Signature
from kinoloom.errors import ArrayError, UsageError


class CliffordSpectralConv(ProductLayer):
    """Clifford Fourier layer over `space` axes.

    Args:
        g: algebra, or its signature as a sequence of squares.
        in_channels, out_channels: number of multivectors per cell.
        modes: number of modes of each sign to keep, for each axis.
        multiply: whether to multiply modes by weights; otherwise the channels are unchanged.

    Attributes:
        weight: (I, out_channels, in_channels, *(2 * modes)), positive modes before negative ones;
            None without `multiply`.

    Raises:
        UsageError: the number of generators is not `space`, the pseudoscalar does not square to
            -1, a number of modes is not positive, or the channels differ without `multiply`.
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
                f"{type(self).__name__} does not support {algebra}: expected {self.space} "
                "generators and a pseudoscalar that squares to -1.",
                hint="Use Cl(2, 0) or Cl(0, 2) in 2-d, Cl(3, 0) or Cl(1, 2) in 3-d.",
            )
        if min(modes) < 1:
            raise UsageError(f"Invalid modes {modes}: expected at least 1 mode along each axis.")
        if not multiply and in_channels != out_channels:
            raise UsageError(
                f"A layer without weights cannot map {in_channels} to {out_channels} channels: "
                "expected as many output channels as input channels."
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
        """Draw weights uniformly from 0 to 1 / (in_channels * out_channels), as published."""
        nn.init.uniform_(self.weight, 0.0, 1 / (self.in_channels * self.out_channels))

    def expand_kernel(self) -> Tensor:
        """Return one real matrix for each mode, (modes, in_channels * I, out_channels * I)."""
        weights = self.signed_weights().flatten(4)  # K, J, out, in, modes
        return weights.permute(4, 3, 1, 2, 0).flatten(3, 4).flatten(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Multiply the low modes of a field.

        Args:
            x: (B, in_channels, I, *space), with at least 2 * modes cells along each axis.

        Returns:
            (B, out_channels, I, *space).

        Raises:
            ArrayError: the shape is wrong, an axis is too short for the modes, or x has 16 bits
                outside of autocast.
        """
        check_field(x, self.in_channels, self.algebra.n_blades, self.space, type(self).__name__)
        sizes = x.shape[3:]
        if any(size < 2 * m for size, m in zip(sizes, self.modes, strict=True)):
            raise ArrayError(
                f"A field of size {tuple(sizes)} is too small for {self.modes} modes of each "
                f"sign: expected at least {tuple(2 * m for m in self.modes)} cells.",
            )
        return run_in_full_precision(self, self._filter, x)

    def _filter(self, x: Tensor) -> Tensor:
        low = self._select_low_modes(self.transform(x))
        if self.multiply:
            low = self._multiply_modes(low)
        return self.inverse_transform(self._pad_modes(low, tuple(x.shape[3:])))

    def transform(self, x: Tensor) -> Tensor:
        """Return the Clifford Fourier transform, a real multivector for each mode.

        Args:
            x: (B, C, I, *space).

        Returns:
            (B, C, I, *modes), in the order of `torch.fft.fftn`.
        """
        return self._apply_fft(x, torch.fft.fftn)

    def inverse_transform(self, x: Tensor) -> Tensor:
        """Return the inverse of `transform`, of the same shape."""
        return self._apply_fft(x, torch.fft.ifftn)

    def _apply_fft(self, x: Tensor, fft: Callable[..., Tensor]) -> Tensor:
        return run_in_full_precision(self, lambda field: self._transform_pairs(field, fft), x)

    def _transform_pairs(self, x: Tensor, fft: Callable[..., Tensor]) -> Tensor:
        half = len(self._duals)
        sign = x.new_tensor(self._signs).reshape(-1, *[1] * self.space)
        order = list(self._duals)
        paired = torch.complex(x[:, :, :half].contiguous(), x[:, :, order] * sign)
        modes = fft(paired, dim=tuple(range(3, 3 + self.space)))
        blade_order = sorted(range(half), key=order.__getitem__)
        return torch.cat([modes.real, (modes.imag * sign)[:, :, blade_order]], dim=2)

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
        """Return the arguments that `print` shows."""
        return f"{super().extra_repr()}, modes={self.modes}"


class CliffordSpectralConv2d(CliffordSpectralConv):
    """Clifford Fourier layer over two axes, with modes1 and modes2 modes of each sign."""

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
    """Clifford Fourier layer over three axes, with modes1, modes2 and modes3 modes of each sign."""

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
